"""Decides who may see the metrics and the status page."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import time
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from thywill.core.attempts import Attempts
from thywill.core.signing import Signer
from thywill.errors import BadKey, BadToken, NotLocal
from thywill.http.message import Reply
from thywill.http.request import Request
from thywill.http.site import Endpoint

COOKIE = "thywill_operator"
HOURS = 12.0
"""For how many hours the cookie of a browser that has sent the key is valid, unless the browser is closed."""
BEARER = "bearer "


class Requester(NamedTuple):
    """The sender of a request, as the gate sees it.

    Args:
        peer: the address, as trusted proxies report it.
        host: the host that the request is for.
        forwarded: the header X-Forwarded-For; if there are several, the first.
        authorization, cookies: the headers Authorization and Cookie.
    """

    peer: str
    host: str
    forwarded: str
    authorization: str
    cookies: str

    @classmethod
    def of(cls, request: Request) -> Requester:
        """Return the sender of ``request``."""
        names = (b"x-forwarded-for", b"authorization", b"cookie")
        values = (request.host or b"", *(request.header(name) or b"" for name in names))
        return cls(request.peer, *(value.decode("latin-1") for value in values))

    @property
    def is_local(self) -> bool:
        """Whether everything in the request says that it comes from this machine.

        The address alone is not enough. An untrusted proxy on this machine has a local address, but names
        another address in X-Forwarded-For. A page of another site may have a name that leads to 127.0.0.1
        (DNS rebinding), but then that name is the host.
        """
        named = self.forwarded.split(",")
        if not all(_is_loopback(address.strip()) for address in named if address.strip()):
            return False
        try:
            host = urlsplit(f"//{self.host}").hostname or ""
        except ValueError:
            return False
        return _is_loopback(self.peer) and (host == "localhost" or _is_loopback(host))


class Gate:
    """Admits requests with the key; if no key is set, requests from this machine.

    Args:
        key: the key, or an empty text.
        signer: signs the cookie of a browser that has sent the key.
        monotonic, wall: the two clocks, in seconds.
    """

    def __init__(
        self,
        key: str,
        signer: Signer,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._digest = _digest(key) if key else b""
        self._signer = signer
        self._attempts = Attempts()
        self._monotonic = monotonic
        self._wall = wall
        # A cookie is valid for one key only, so a new key ends all cookies.
        self._purpose = f"operator {self._digest.hex()}"

    @property
    def has_key(self) -> bool:
        """Whether a key is set."""
        return bool(self._digest)

    def check(self, visitor: Requester) -> None:
        """Refuse a visitor who may not see anything.

        Raises:
            NotLocal: no key is set, and the visitor is not on this machine.
            BadKey: the key is missing or wrong.
            TooMany: this address has sent too many wrong keys.
        """
        if not self._digest:
            if not visitor.is_local:
                raise NotLocal("only from this machine: set key in [monitoring] to let others in")
        elif visitor.authorization[: len(BEARER)].lower() == BEARER:
            self.check_key(visitor.authorization[len(BEARER) :].strip().encode("latin-1"), visitor)
        elif not self._has_cookie(visitor.cookies):
            raise BadKey("the key of [monitoring] is missing: Authorization: Bearer KEY")

    def check_key(self, key: bytes, visitor: Requester) -> None:
        """Refuse a wrong key.

        Args:
            key: what the visitor sent.
            visitor: who sent it.

        Raises:
            BadKey: the key is wrong.
            TooMany: the visitor's address has sent too many wrong keys.
        """
        now = self._monotonic()
        address, forwarded = visitor.peer, bool(visitor.forwarded)
        self._attempts.check(address, now, forwarded=forwarded)
        # Digests have one length, so the time of the comparison does not reveal the length of the key.
        if not hmac.compare_digest(hashlib.sha256(key).digest(), self._digest):
            self._attempts.failed(address, now, forwarded=forwarded)
            raise BadKey("this is not the key of [monitoring]")
        self._attempts.succeeded(address)

    def cookie(self, *, secure: bool) -> str:
        """Return the Set-Cookie header for a browser that has sent the key."""
        value = self._signer.sign(self._purpose, secrets.token_urlsafe(8), self._wall() + HOURS * 3600)
        return f"{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}"

    def no_cookie(self) -> str:
        """Return the Set-Cookie header that deletes the cookie."""
        return f"{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"

    def guard(self, endpoint: Endpoint) -> Endpoint:
        """Return ``endpoint`` with this check before it."""
        return GuardedEndpoint(self, endpoint)

    def _has_cookie(self, cookies: str) -> bool:
        for part in cookies.split(";"):
            name, _, value = part.strip().partition("=")
            if name == COOKIE and self._is_good(value):
                return True
        return False

    def _is_good(self, value: str) -> bool:
        try:
            self._signer.verify(self._purpose, value, self._wall())
        except BadToken:
            return False
        return True


class GuardedEndpoint:
    """An endpoint for visitors who may see the status page.

    Args:
        gate: decides who they are.
        endpoint: answers their requests.
    """

    def __init__(self, gate: Gate, endpoint: Endpoint) -> None:
        self._gate = gate
        self._endpoint = endpoint

    def __call__(self, request: Request, reply: Reply) -> None:
        self._gate.check(Requester.of(request))
        self._endpoint(request, reply)

    def body_limit(self, request: Request) -> int:
        """Return 0, since operators send only small bodies; see ``thywill.http.site.Endpoint``."""
        return 0


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def _is_loopback(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if parsed.version == 6 else None
    return (mapped or parsed).is_loopback
