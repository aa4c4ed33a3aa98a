"""Answers whether a visitor may see the status page; if so, the front page links to it."""

from __future__ import annotations

from thywill.core.envelope import encode_object
from thywill.errors import MethodNotAllowed, RequestError
from thywill.http.message import Reply
from thywill.http.request import Request
from thywill.monitoring.gate import Gate, Requester


class OperatorEndpoint:
    """The endpoint ``/thywill/operator``: ``{"operator": true}`` for visitors who may see the status page.

    It ignores a key in the request, so that nobody can guess keys with it.

    Args:
        gate: decides who may see the page.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def __call__(self, request: Request, reply: Reply) -> None:
        if request.method not in (b"GET", b"HEAD"):
            raise MethodNotAllowed("only GET is allowed here")
        reply.send(200, encode_object({"operator": self._is_admitted(request)}))

    def _is_admitted(self, request: Request) -> bool:
        try:
            self._gate.check(Requester.of(request)._replace(authorization=""))
        except RequestError:
            return False
        return True
