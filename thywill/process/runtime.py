"""Python's runtime: the event loop and the garbage collector."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's loop, two to three times faster than asyncio's, or None if it is not installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def spare_the_collector() -> None:
    """Keep the garbage collector from visiting the objects of the start again: they live until the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
