"""What Tornado's handlers leave out of a 405."""

from __future__ import annotations

from typing import Any

from tornado.web import RequestHandler


def allow(handler: RequestHandler, status: int) -> None:
    """Say in an answer with the status 405 which methods ``handler`` has (RFC 9110, 15.5.6)."""
    if status == 405:
        missing = RequestHandler._unimplemented_method
        methods = [name for name in handler.SUPPORTED_METHODS if _method(handler, name) is not missing]
        handler.set_header("Allow", ", ".join(methods))


def _method(handler: RequestHandler, name: str) -> Any:
    return getattr(type(handler), name.lower())


class MethodsHandler(RequestHandler):
    """A handler that says so in its own answers."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        allow(self, status_code)
        super().write_error(status_code, **kwargs)
