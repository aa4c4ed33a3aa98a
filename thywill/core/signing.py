"""Signed texts, such as tokens and cookies: a browser can keep one, but cannot change or forge it.

The form is ``value.expires.signature``. The signature is keyed BLAKE2b (RFC 7693, 2.9) of 128 bits over
purpose, value and expiry, in URL-safe base64, so that it fits into a cookie, a query and JSON without
quoting. BLAKE2b takes a fifth of the time of an HMAC, and every connecting browser needs two signatures.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac

from thywill.errors import BadToken

_SIGNATURE_BYTES = 16
_SIGNATURE_LENGTH = 22
"""Characters of a signature, without the two of padding."""
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class Signer:
    """Signs and verifies with one secret.

    Args:
        secret: at least 16 bytes that only the server knows.
    """

    def __init__(self, secret: bytes) -> None:
        # A BLAKE2b key may have at most 64 bytes, so a longer secret is hashed first.
        # Copying a keyed hash costs half as much as making one, and every connecting browser needs several.
        self._hash = hashlib.blake2b(key=hashlib.blake2b(secret).digest(), digest_size=_SIGNATURE_BYTES)

    def sign(self, purpose: str, value: str, expires: float) -> str:
        """Return ``value`` with its expiry and signature.

        Args:
            purpose: what the text is for; ``verify`` refuses it for any other purpose.
            value: ASCII without a dot.
            expires: when it expires, in seconds since the epoch.
        """
        body = f"{value}.{int(expires):x}"
        return f"{body}.{self._signature(purpose, body)}"

    def verify(self, purpose: str, text: str, now: float) -> str:
        """Return the value that was signed.

        Args:
            purpose: the purpose that was signed.
            text: a result of ``sign``.
            now: the present time, in seconds since the epoch.

        Raises:
            BadToken: the text was signed with another secret or for another purpose, changed, or has expired.
        """
        body, _, signature = text.rpartition(".")
        if not text.isascii() or not hmac.compare_digest(signature, self._signature(purpose, body)):
            raise BadToken("this server did not issue the token, or the token was changed")
        value, _, expires = body.partition(".")
        if int(expires, 16) < now:
            raise BadToken("the token has expired")
        return value

    def _signature(self, purpose: str, body: str) -> str:
        signing = self._hash.copy()
        signing.update(f"{purpose}:{body}".encode())
        return binascii.b2a_base64(signing.digest()).translate(_URL_SAFE)[:_SIGNATURE_LENGTH].decode()
