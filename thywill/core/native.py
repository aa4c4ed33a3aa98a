"""A decorator that tells ``run.py compile`` about a class; plain Python ignores it.

mypyc reads the decorator in the source and never calls it, so the package that defines it need not be
installed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    from mypy_extensions import mypyc_attr as mypyc_attr
else:

    def mypyc_attr(**_: object) -> Callable[[T], T]:
        """Return a decorator that changes nothing.

        ``allow_interpreted_subclasses`` says that a class has subclasses in modules that are not compiled.
        """
        return lambda kind: kind
