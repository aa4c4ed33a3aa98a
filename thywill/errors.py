"""One tree of errors.

ThywillError
├── SettingsError        the operator's: a setting, a file or a port; ends the start with one line
├── ApplicationError     the application's own: a call that cannot be carried out
│   ├── UnsendableMessage  data that is no JSON, or too large
│   └── RpcError         raised by an @rpc method, to answer an error of the application's own
└── RequestError         the browser's, or the network's: answered on the wire, never a traceback
    ├── Malformed  BadToken  BadKey  NotLocal  BadOrigin  NotFound  MethodNotAllowed  Gap  Gone  TooLarge
    ├── UnsupportedEncoding
    └── TooMany  Draining  Unavailable    say when to come back
"""

from __future__ import annotations

from typing import Any, ClassVar


class ThywillError(Exception):
    """The base of every error that thywill raises on purpose."""


class SettingsError(ThywillError):
    """Something that the operator can mend; its text is one line with the place and the remedy."""


class ApplicationError(ThywillError):
    """An application asked for something that cannot be done."""


class UnsendableMessage(ApplicationError):
    """The data is not JSON, or larger than the queue's limit."""


class RpcError(ApplicationError):
    """What an ``@rpc`` method raises to answer ``error`` to its caller.

    Args:
        code: a short word that the browser's code can compare.
        message: a sentence for people.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class RequestError(ThywillError):
    """A request that is refused, with its HTTP status and its code on the wire."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "malformed"

    def __init__(self, message: str) -> None:
        self.message = message

    def __str__(self) -> str:
        return self.message

    def details(self) -> dict[str, Any]:
        """Return the fields of the error object on the wire, after code and message."""
        return {}


class Malformed(RequestError):
    """The request is not what the wire allows."""


class BadToken(RequestError):
    """The token is missing, forged, truncated or expired."""

    status = 401
    code = "bad_token"


class BadKey(RequestError):
    """The operator's key is missing or wrong."""

    status = 401
    code = "bad_key"


class NotLocal(RequestError):
    """There is no key, so only this machine may ask."""

    status = 403
    code = "not_local"


class BadOrigin(RequestError):
    """The page's origin is not allowed."""

    status = 403
    code = "origin"


class NotFound(RequestError):
    """There is no such application or address."""

    status = 404
    code = "not_found"


class MethodNotAllowed(RequestError):
    """The address exists, but not for this method.

    Args:
        message: a sentence for people.
        allowed: the methods that it exists for.
    """

    status = 405
    code = "method"

    def __init__(self, message: str, allowed: str = "GET, HEAD") -> None:
        super().__init__(message)
        self.allowed = allowed


class Gap(RequestError):
    """A numbered message is missing before those that arrived.

    Args:
        received: the number of the last message that was accepted.
    """

    status = 409
    code = "gap"

    def __init__(self, received: int) -> None:
        super().__init__(f"messages are missing: send again from number {received + 1}")
        self.received = received

    def details(self) -> dict[str, Any]:
        return {"received": self.received}


class Gone(RequestError):
    """The client has left, or its grace time passed, or it was disconnected."""

    status = 410
    code = "gone"


class TooLarge(RequestError):
    """A message or a body is over the limit."""

    status = 413
    code = "too_large"


class UnsupportedEncoding(RequestError):
    """The body is compressed, or encoded in another way (RFC 9110, 15.5.16)."""

    status = 415
    code = "encoding"


class Later(RequestError):
    """The request is refused for now.

    Args:
        message: the reason.
        retry: seconds after which to come back.
    """

    def __init__(self, message: str, retry: float) -> None:
        super().__init__(message)
        self.retry = retry

    def details(self) -> dict[str, Any]:
        return {"retry": self.retry}


class TooMany(Later):
    """The client sends faster than its messages are handled."""

    status = 429
    code = "too_many"


class Draining(Later):
    """The server is about to stop."""

    status = 503
    code = "draining"


class Unavailable(Later):
    """What is sent cannot be kept at present: the database of a durable queue does not take it.

    An application meets it too, from ``send`` and ``publish``: the message is not sent.
    """

    status = 503
    code = "unavailable"
