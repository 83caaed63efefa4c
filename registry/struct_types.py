"""Struct types that threads decode: what msgspec knows of them is made while the module is imported, by one thread.

msgspec makes it when a type is decoded for the first time and calls Python meanwhile. A second thread that decodes the type for the
first time at that moment takes what is half made, and the process dies of it (seen as SIGSEGV in a worker that had just started).
"""

from typing import TypeVar

import msgspec

T = TypeVar("T")


def ready(kind: type[T]) -> type[T]:
    """Make what msgspec knows of a Struct type, and of the types in it; a decorator for the class."""
    msgspec.json.Decoder(kind)
    return kind
