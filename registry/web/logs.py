"""What the service's log may tell of an error: where it was raised, never what it held.

No tracebacks with messages or values of variables: they would hold tokens and facts about people. The log itself is
set up by `registry.logs`.
"""

import traceback

_MOST_FRAMES = 12


def frames(error: BaseException) -> list[str]:
    """Return where an error was raised, outermost first: `file:line function`, without any value."""
    found = traceback.extract_tb(error.__traceback__)
    return [f"{f.filename.rpartition('/')[2]}:{f.lineno} {f.name}" for f in found][-_MOST_FRAMES:]
