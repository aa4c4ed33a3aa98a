"""Asynchronous messaging between a server and many browsers, over plain HTTP."""

from thywill.application import Application, Client, rpc
from thywill.component import Configuration
from thywill.cuttable import Cuttable
from thywill.errors import (
    ApplicationError,
    LimitReached,
    RpcError,
    ThywillError,
    Unavailable,
    UnsendableMessage,
)

__version__ = "0.1.0"

__all__ = [
    "Application",
    "ApplicationError",
    "Client",
    "Configuration",
    "Cuttable",
    "LimitReached",
    "RpcError",
    "ThywillError",
    "Unavailable",
    "UnsendableMessage",
    "__version__",
    "rpc",
]
