"""Signed texts: what a browser is given to keep and cannot change.

``value.expires.signature``: the signature is keyed BLAKE2b (RFC 7693, 2.9) of 128 bits over the purpose, the
value and the expiry, written in URL-safe base64, so that it fits a cookie, a query and JSON as it is. It
takes a fifth of the time of an HMAC, and each browser that connects needs two.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from thywill.errors import BadToken

_SIGNATURE_BYTES = 16


class Signer:
    """Signs and checks with one secret.

    Args:
        secret: at least 16 bytes that nobody else knows.
    """

    def __init__(self, secret: bytes) -> None:
        # A key has at most 64 bytes.
        self._key = hashlib.blake2b(secret).digest()

    def sign(self, purpose: str, value: str, expires: float) -> str:
        """Return ``value`` signed for ``purpose``, good until ``expires`` (seconds since the epoch).

        ``value`` is ASCII and has no dot in it.
        """
        body = f"{value}.{int(expires):x}"
        return f"{body}.{self._signature(purpose, body)}"

    def verify(self, purpose: str, text: str, now: float) -> str:
        """Return the value that ``text`` was made of.

        Raises:
            BadToken: it was made with another secret or for another purpose, changed, cut, or is over age.
        """
        body, _, signature = text.rpartition(".")
        if not text.isascii() or not hmac.compare_digest(signature, self._signature(purpose, body)):
            raise BadToken("the signature does not match")
        value, _, expires = body.partition(".")
        if int(expires, 16) < now:
            raise BadToken("it has expired")
        return value

    def _signature(self, purpose: str, body: str) -> str:
        text = f"{purpose}:{body}".encode()
        digest = hashlib.blake2b(text, key=self._key, digest_size=_SIGNATURE_BYTES).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
