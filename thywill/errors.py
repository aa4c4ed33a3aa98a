"""The errors of the server and of applications, ordered by who can mend them.

ThywillError
├── SettingsError            the operator: a setting, a file or a port is wrong; the start ends with one line
├── ApplicationError         the application's author: it asked for something that cannot be done
│   ├── UnsendableMessage    the data is not JSON, or too large
│   └── RpcError             an @rpc method raises it to answer the caller with an error
│       └── LimitReached     a client did something more often than the application allows
└── RequestError             the browser or the network: the answer has its code, and never a traceback
    ├── Malformed  BadToken  BadTicket  BadKey  NotLocal  Forbidden  Refused  Failed  BadOrigin  NotFound
    ├── Misdirected  MethodNotAllowed  Gap  Conflict  Reused  Gone  TooLarge  UnsupportedEncoding  Probed
    └── Later                TooMany, Draining, Unavailable: the request may succeed after so many seconds
"""

from __future__ import annotations

from typing import Any, ClassVar


class ThywillError(Exception):
    """The base of all errors that thywill raises on purpose."""


class SettingsError(ThywillError):
    """The operator has to change something. The text is one line: what is wrong, where, and what to do."""


class ApplicationError(ThywillError):
    """An application asked for something that cannot be done."""


class UnsendableMessage(ApplicationError):
    """The data cannot be written as JSON, or is larger than ``[queue] message`` allows."""


class RpcError(ApplicationError):
    """Raised by an ``@rpc`` method to answer its caller with an error.

    Args:
        code: a short word that the page's code can compare.
        message: a sentence for people.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class LimitReached(RpcError):
    """A client did something more often than ``Client.limit`` allows. Its page gets the error ``too_many``.

    Args:
        retry: seconds after which it may do that again.
    """

    def __init__(self, retry: float) -> None:
        super().__init__("too_many", f"This is too often: try again in {max(round(retry), 1)} s.")
        self.retry = retry


class RequestError(ThywillError):
    """A request is refused.

    ``status`` is the HTTP status, ``code`` the short word on the wire that a program can compare.

    Args:
        message: a sentence for people: what was wrong, and where it helps, what to do.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "malformed"

    def __init__(self, message: str) -> None:
        self.message = message

    def __str__(self) -> str:
        return self.message

    def details(self) -> dict[str, Any]:
        """Return further fields of the error on the wire, beside ``code`` and ``message``."""
        return {}


class Malformed(RequestError):
    """The request is not JSON, or does not have the form that the wire asks for."""


class BadToken(RequestError):
    """The token is missing, forged, truncated or expired."""

    status = 401
    code = "bad_token"


class Probed(BadToken):
    """``run.py doctor`` has sent a word in place of a token, to see whether its request gets through."""


class BadKey(RequestError):
    """The operator's key ([monitoring] key) or a publisher's ([publishing.keys]) is missing or wrong."""

    status = 401
    code = "bad_key"


class NotLocal(RequestError):
    """No operator's key is set, so only requests from this machine are answered."""

    status = 403
    code = "not_local"


class BadTicket(RequestError):
    """The ticket is forged, was changed, has expired, or is for another application or user."""

    status = 401
    code = "bad_ticket"


class Refused(RequestError):
    """Raised by an application's ``authenticate`` to refuse a visitor, whose page gets the reason.

    Args:
        message: the reason, a sentence for people.
    """

    status = 403
    code = "refused"


class Failed(RequestError):
    """The application's ``authenticate`` has raised an exception."""

    status = 500
    code = "failed"


class Forbidden(RequestError):
    """The publisher's key is not for this application ([publishing.keys])."""

    status = 403
    code = "forbidden"


class BadOrigin(RequestError):
    """The page's origin is not allowed ([client_interface] origins)."""

    status = 403
    code = "origin"


class NotFound(RequestError):
    """There is no such address or application."""

    status = 404
    code = "not_found"


class Misdirected(RequestError):
    """The request's Host is not one of ``[server] hosts`` (RFC 9110, 15.5.20)."""

    status = 421
    code = "host"


class MethodNotAllowed(RequestError):
    """The address does not answer this method.

    Args:
        message: a sentence for people.
        allowed: the methods that it answers, as for the header Allow.
    """

    status = 405
    code = "method"

    def __init__(self, message: str, allowed: str = "GET, HEAD") -> None:
        super().__init__(message)
        self.allowed = allowed


class Gap(RequestError):
    """The browser has skipped a number: a message before those in the request is missing.

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


class Conflict(RequestError):
    """A number was used again for another message, because two pages have the same token.

    A browser that duplicates a tab can copy the token. The second page cannot go on, since its numbers are
    already used: it has to connect again.

    Args:
        number: the number of the message.
    """

    status = 409
    code = "conflict"

    def __init__(self, number: int) -> None:
        super().__init__(f"another page with the same token has sent a message {number}: connect again")
        self.number = number


class Reused(RequestError):
    """A publisher has used an id again for another message.

    Args:
        index: the index of that other message among those that were published together.
    """

    status = 409
    code = "conflict"

    def __init__(self, index: int) -> None:
        super().__init__("its id was used before for another message: each message needs an id of its own")
        self.index = index


class Gone(RequestError):
    """The client has left, expired or been disconnected: the page has to connect again.

    Args:
        message: a sentence for people.
        reconnect: whether the page may connect again by itself, since nobody has ended the client on purpose.
    """

    status = 410
    code = "gone"

    def __init__(self, message: str, *, reconnect: bool = False) -> None:
        super().__init__(message)
        self.reconnect = reconnect

    def details(self) -> dict[str, Any]:
        return {"reconnect": True} if self.reconnect else {}


class TooLarge(RequestError):
    """A message or a request's body is larger than the limit."""

    status = 413
    code = "too_large"


class UnsupportedEncoding(RequestError):
    """The body has a Content-Encoding, and none is supported (RFC 9110, 15.5.16)."""

    status = 415
    code = "encoding"


class Later(RequestError):
    """The request is refused for now, and may succeed when it is sent again.

    Args:
        message: the reason, in a sentence for people.
        retry: after how many seconds to send it again.
    """

    def __init__(self, message: str, retry: float) -> None:
        super().__init__(message)
        self.retry = retry

    def details(self) -> dict[str, Any]:
        return {"retry": self.retry}


class TooMany(Later):
    """The client sends faster than its messages are handled, or exceeds another limit."""

    status = 429
    code = "too_many"


class Draining(Later):
    """The server is stopping or restarting."""

    status = 503
    code = "draining"


class Unavailable(Later):
    """The durable queue cannot save a message at present, because its database refuses or is away.

    In applications ``send`` and ``publish`` raise this error; then the message was not sent.
    """

    status = 503
    code = "unavailable"
