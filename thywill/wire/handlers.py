"""Refusals by Tornado's handlers, with the same answers as everywhere else."""

from __future__ import annotations

from typing import Any

from tornado.httputil import HTTPHeaders
from tornado.web import RequestHandler

from thywill.errors import RequestError
from thywill.http.message import REASONS, Refusal
from thywill.wire.refusals import answer_to


def refuse(handler: RequestHandler, error: RequestError | Refusal) -> None:
    """Answer the request of ``handler`` with ``error``, in the form of all errors on the wire."""
    answer = answer_to(error)
    handler.set_status(answer.status, REASONS[answer.status].decode())
    for name, value in HTTPHeaders.parse(answer.head.decode("latin-1")).get_all():
        handler.set_header(name, value)
    handler.finish(answer.body)


def allow(handler: RequestHandler, status: int) -> None:
    """Add the header Allow with the methods of ``handler`` to an answer 405 (RFC 9110, 15.5.6)."""
    if status == 405:
        missing = RequestHandler._unimplemented_method
        methods = [name for name in handler.SUPPORTED_METHODS if _method(handler, name) is not missing]
        handler.set_header("Allow", ", ".join(methods))


def _method(handler: RequestHandler, name: str) -> Any:
    return getattr(type(handler), name.lower())


class MethodsHandler(RequestHandler):
    """A handler whose answer 405 names the methods that it has."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        allow(self, status_code)
        super().write_error(status_code, **kwargs)
