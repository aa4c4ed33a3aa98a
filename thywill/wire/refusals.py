"""The one place where an error becomes an answer: its status, its code and text as JSON, its headers.

An endpoint raises ``TooMany("one after the other", retry=7)``; the browser is answered

    HTTP/1.1 429 Too Many Requests
    Content-Type: application/json
    Retry-After: 7

    {"error": {"code": "too_many", "message": "one after the other", "retry": 7}}

Endpoints, Tornado's handlers, SockJS and the HTTP servers themselves (for a malformed request, a time-out)
all answer errors here. An unforeseen error is answered 500 without details, and logged with its traceback.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable

from thywill.core import probe
from thywill.core.bucket import TokenBucket
from thywill.core.envelope import encode_error, encode_failure
from thywill.errors import BadKey, Later, MethodNotAllowed, RequestError, UnsupportedEncoding
from thywill.http.message import JSON, Refusal, WholeAnswer
from thywill.http.request import Request

log = logging.getLogger(__name__)

CODES = {
    401: "bad_key",
    403: "origin",
    404: "not_found",
    405: "method",
    408: "timeout",
    413: "too_large",
    429: "too_many",
    431: "too_large",
    500: "internal",
    503: "unavailable",
}
"""The code on the wire of a ``Refusal``, by its status; all other statuses have ``malformed``."""
AGENT = probe.AGENT.encode()
PATH_SHOWN = 200
"""How many characters of a path are logged."""
LINES, BURST = 10.0, 100.0
"""How many refusals with one code are logged: lines a second, and lines at once."""
INTERNAL = Refusal(500, "an error in the server")


def code_of(error: RequestError | Refusal) -> str:
    """Return the code of ``error`` on the wire."""
    return error.code if isinstance(error, RequestError) else CODES.get(error.status, "malformed")


def answer_to(error: RequestError | Refusal) -> WholeAnswer:
    """Return the answer to a request that is refused."""
    if isinstance(error, Refusal):
        return WholeAnswer(error.status, encode_failure(code_of(error), error.reason), JSON + error.head)
    return WholeAnswer(error.status, encode_error(error), JSON + _headers(error))


def _headers(error: RequestError) -> bytes:
    """Return the header lines of this error, in addition to those of every answer."""
    if isinstance(error, Later):
        return b"Retry-After: %d\r\n" % max(1, round(error.retry))  # RFC 9110, 10.2.3
    if isinstance(error, MethodNotAllowed):
        return b"Allow: %b\r\n" % error.allowed.encode()  # RFC 9110, 15.5.6
    if isinstance(error, BadKey):
        return b"WWW-Authenticate: Bearer\r\n"  # RFC 9110, 11.6.1
    if isinstance(error, UnsupportedEncoding):
        return b"Accept-Encoding: identity\r\n"  # RFC 9110, 12.5.3
    return b""


class Refusals:
    """Answers refusals, counts them by code and logs them.

    Anybody can cause a refusal. So for each code a burst of lines is logged, and after that a few a second.

    Args:
        errors: the counter, by code.
        now: returns seconds of a monotonic clock.
    """

    def __init__(self, errors: Counter[str], *, now: Callable[[], float] = time.monotonic) -> None:
        self._errors = errors
        self._now = now
        self._buckets: dict[str, TokenBucket] = {}
        self._unlogged: Counter[str] = Counter()

    def __call__(self, error: Exception | Refusal, request: Request) -> WholeAnswer:
        """Return the answer to ``request``, which has failed with ``error``."""
        if not isinstance(error, RequestError | Refusal):
            log.error("an error in the endpoint of %s", _shown(request), exc_info=error)
            error = INTERNAL
        answer, code = answer_to(error), code_of(error)
        self._errors[probe.COUNTED if request.header(b"user-agent") == AGENT else code] += 1
        self._log(error, answer.status, code, request)
        return answer

    def _log(self, error: RequestError | Refusal, status: int, code: str, request: Request) -> None:
        bucket = self._buckets.setdefault(code, TokenBucket(LINES, BURST))
        if bucket.take(self._now()):
            self._unlogged[code] += 1
            return
        more = self._unlogged.pop(code, 0)
        reason = f": {error.reason}" if isinstance(error, Refusal) else ""
        others = f" ({more} more of these were not logged)" if more else ""
        what = _shown(request)
        log.warning("%s from %s refused: %d %s%s%s", what, request.peer, status, code, reason, others)


def _shown(request: Request) -> str:
    return repr(request.path.decode("latin-1")[:PATH_SHOWN]) if request.target else "a request"
