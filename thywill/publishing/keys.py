"""The keys of publishers: finds the key of a request, and the applications that the key is for."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from thywill.core.attempts import Attempts
from thywill.errors import BadKey, Forbidden
from thywill.publishing.settings import KeySettings, applications_of, key_of

BEARER = "bearer "
NAME_SHOWN = 100
"""How many characters of an application's name an error repeats."""


class PublishingKey(NamedTuple):
    """A key of ``[publishing.keys]``.

    Args:
        name: its name in the settings.
        digest: the SHA-256 of the key.
        applications: the applications that it is for; None means all.
    """

    name: str
    digest: bytes
    applications: frozenset[str] | None

    def check(self, application: str) -> None:
        """Check that the key is for ``application``.

        Raises:
            Forbidden: the key is only for other applications.
        """
        if self.applications is not None and application not in self.applications:
            raise Forbidden(f"the key {self.name!r} is not for the application {application[:NAME_SHOWN]!r}")


class Caller(NamedTuple):
    """The sender of a request.

    Args:
        address: the network address, as trusted proxies report it.
        forwarded: whether a proxy has named the address.
        authorization: the header Authorization.
    """

    address: str
    forwarded: bool
    authorization: str


def require_key(authorization: str) -> None:
    """Check that the header Authorization has a key, whether right or wrong.

    Raises:
        BadKey: the header has no key.
    """
    if authorization[: len(BEARER)].lower() != BEARER:  # RFC 6750, 2.1
        raise BadKey("the key is missing: send it as Authorization: Bearer KEY (see [publishing.keys])")


class Keys:
    """Finds the key of a request. ``wrong`` counts the requests with an unknown key.

    Args:
        settings: the keys by name.
    """

    def __init__(self, settings: Mapping[str, str | KeySettings]) -> None:
        self._keys = [
            PublishingKey(name, _digest(key_of(each).encode()), applications_of(each))
            for name, each in settings.items()
        ]
        self._attempts = Attempts()
        self.wrong = 0

    def __iter__(self) -> Iterator[PublishingKey]:
        return iter(self._keys)

    def find(self, caller: Caller, now: float) -> PublishingKey:
        """Return the key that ``caller`` has shown.

        Args:
            caller: the sender of the request.
            now: seconds by a monotonic clock.

        Raises:
            BadKey: the key is missing or wrong.
            TooMany: this address has sent too many wrong keys.
        """
        require_key(caller.authorization)
        self._attempts.check(caller.address, now, forwarded=caller.forwarded)
        found = self._matching(caller.authorization[len(BEARER) :].strip().encode("latin-1"))
        if found is None:
            self.wrong += 1
            self._attempts.failed(caller.address, now, forwarded=caller.forwarded)
            raise BadKey("this key is not in [publishing.keys]")
        self._attempts.succeeded(caller.address)
        return found

    def _matching(self, sent: bytes) -> PublishingKey | None:
        # All keys are compared, by digests of one length. So the time that it takes reveals neither which key
        # was nearly right nor how long the keys are.
        digest, found = _digest(sent), None
        for each in self._keys:
            if hmac.compare_digest(digest, each.digest):
                found = each
        return found


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()
