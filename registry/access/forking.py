"""What a forked worker must not inherit: locks that a thread of its parent holds, and work that such a thread had begun.

The app is made before the workers are forked (gunicorn with preload), and only the thread that forks lives on in a child.
"""

import os
import weakref
from typing import Protocol


class Forked(Protocol):
    """Something with locks."""

    def after_fork(self) -> None:
        """Begin anew with locks of one's own; what is known stays."""


_known: "weakref.WeakSet[Forked]" = weakref.WeakSet()


def begin_anew_in_children(one: Forked) -> None:
    """Have `one.after_fork()` called in every process that is forked from this one, for as long as `one` is in use."""
    _known.add(one)


def _after_fork() -> None:
    for one in list(_known):
        one.after_fork()


os.register_at_fork(after_in_child=_after_fork)
