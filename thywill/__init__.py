"""Asynchronous messaging between a server and many browsers, over plain HTTP.

The names are imported when they are first used. So a program can import ``thywill.publisher`` and
``thywill.tickets`` where the packages that the server needs are not installed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from thywill.application import Application as Application
    from thywill.client import Client as Client
    from thywill.component import Configuration as Configuration
    from thywill.core.text import one_line as one_line
    from thywill.core.totals import Totals as Totals
    from thywill.core.user import User as User
    from thywill.core.user import Visitor as Visitor
    from thywill.cuttable import Cuttable as Cuttable
    from thywill.errors import ApplicationError as ApplicationError
    from thywill.errors import LimitReached as LimitReached
    from thywill.errors import Refused as Refused
    from thywill.errors import RpcError as RpcError
    from thywill.errors import ThywillError as ThywillError
    from thywill.errors import Unavailable as Unavailable
    from thywill.errors import UnsendableMessage as UnsendableMessage
    from thywill.handlers.declare import every as every
    from thywill.handlers.declare import on as on
    from thywill.handlers.declare import rpc as rpc

__version__ = "0.1.0"

MODULES = {
    "Application": "application",
    "Client": "client",
    "Configuration": "component",
    "Cuttable": "cuttable",
    "ApplicationError": "errors",
    "LimitReached": "errors",
    "Refused": "errors",
    "RpcError": "errors",
    "ThywillError": "errors",
    "Totals": "core.totals",
    "Unavailable": "errors",
    "User": "core.user",
    "Visitor": "core.user",
    "UnsendableMessage": "errors",
    "every": "handlers.declare",
    "on": "handlers.declare",
    "one_line": "core.text",
    "rpc": "handlers.declare",
}
"""The module of each name that the authors of applications import."""

__all__ = [*MODULES, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{MODULES[name]}"), name)
    globals()[name] = value
    return value
