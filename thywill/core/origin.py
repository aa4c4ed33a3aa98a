"""Origins as browsers write them in the header ``Origin`` (RFC 6454, 6.1 and 6.2; WHATWG URL, host parsing).

An operator may write an origin in other ways: ``HTTP://Bücher.example:80/`` is
``http://xn--bcher-kva.example`` in a browser. Only the browsers' form ever matches a request.
"""

from __future__ import annotations

import ipaddress
import re

UNNAMED = ("*", "null")
"""``*`` stands for every origin; browsers send ``null`` for pages that have none."""
PORTS = {"http": 80, "https": 443}
"""The default ports, which browsers leave out."""
ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://([^\s/?#@*]+)/*", re.IGNORECASE)
AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:\[\]]+)(?::(\d*))?")
HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")
AMBIGUOUS = re.compile("[ßẞς\u200c\u200d]")
"""Characters that today's browsers keep, but that Python's older rules (IDNA 2003) replace or drop."""


def normalize(text: str) -> str:
    """Return an origin as browsers write it.

    Args:
        text: an origin as an operator wrote it; ``*`` and ``null`` stay as they are.

    Raises:
        ValueError: no browser sends such an origin; the error's text says what to write instead.
    """
    if text.rstrip("/") in UNNAMED:
        return text.rstrip("/")
    if text.lower().startswith("file:"):
        raise ValueError('pages that are opened from a file have the origin null: write "null"')
    match = ORIGIN.fullmatch(text)
    if match is None:
        raise ValueError(_remedy(text))
    scheme, authority = match[1].lower(), match[2]
    if scheme in ("ws", "wss"):
        raise ValueError(f"a page comes by http: write {scheme.replace('ws', 'http')}://{authority}")
    if scheme not in PORTS:  # an application's own scheme, such as capacitor://localhost
        return f"{scheme}://{authority.lower()}"
    return f"{scheme}://{_normalize_authority(authority, PORTS[scheme])}"


def _normalize_authority(text: str, default: int) -> str:
    match = AUTHORITY.fullmatch(text)
    if match is None:
        raise ValueError("write it as https://www.example.org or https://www.example.org:8443")
    port = int(match[2] or default)
    if not 0 < port <= 65535:
        raise ValueError("its port must be from 1 to 65535")
    host = _normalize_host(match[1])
    return host if port == default else f"{host}:{port}"


def _normalize_host(text: str) -> str:
    if text.startswith("["):
        return f"[{_normalize_address(text[1:-1])}]"
    host = text.lower() if text.isascii() else _encode(text)
    if host.rstrip(".").rpartition(".")[2].isdigit():
        return _normalize_address(host)
    if not HOST.fullmatch(host):
        raise ValueError("its host is no name")
    return host


def _normalize_address(text: str) -> str:
    try:
        return ipaddress.ip_address(text).compressed
    except ValueError:
        raise ValueError("its host is no address that a browser writes like this") from None


def _encode(text: str) -> str:
    try:
        encoded = "" if AMBIGUOUS.search(text) else text.encode("idna").decode("ascii").lower()
    except UnicodeError:
        encoded = ""
    if not encoded:
        raise ValueError("write its host as browsers send it, beginning with xn--")
    return encoded


def _remedy(text: str) -> str:
    scheme, there, rest = text.partition("://")
    host = re.split(r"[/?#]", (rest if there else text).rpartition("@")[2])[0]
    if not host or "*" in host or " " in host:
        return 'write each as https://www.example.org, or "*" alone for all'
    part = "alone, without a path" if there else "with its scheme"
    return f"write it {part}: {scheme if there else 'https'}://{host}"
