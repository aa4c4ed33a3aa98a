"""What is used of sockjs-tornado; nothing else imports it."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    # It decorates with what Tornado 5.1 deprecated, and a pattern has an escape that Python does not know.
    warnings.simplefilter("ignore")
    from sockjs.tornado import SockJSRouter
    from sockjs.tornado.basehandler import CACHE_TIME, PreflightHandler
    from sockjs.tornado.static import GreetingsHandler, IFrameHandler, InfoHandler

__all__ = [
    "CACHE_TIME",
    "GreetingsHandler",
    "IFrameHandler",
    "InfoHandler",
    "PreflightHandler",
    "SockJSRouter",
]
