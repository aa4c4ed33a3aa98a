"""Everything that we use of sockjs-tornado; no other module imports it."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    # It uses decorators that Tornado 5.1 deprecated, and a pattern with an escape that Python warns of.
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
