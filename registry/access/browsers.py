"""What kind of browser a login came from, as coarsely as a person needs to know their own again."""

import re

# The first that is found: browsers call themselves by several names, the telling one mostly not first.
_BROWSERS = (
    ("Edge", r"Edg(?:e|A|iOS)?/"),
    ("Opera", r"OPR/|Opera"),
    ("Samsung Internet", r"SamsungBrowser/"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Chrome", r"Chrome/|CriOS/|Chromium/"),
    ("Safari", r"Version/[\d.]+ .*Safari/"),
)
_SYSTEMS = (
    ("Android", r"Android"),
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Windows", r"Windows"),
    ("ChromeOS", r"CrOS"),
    ("macOS", r"Mac OS X|Macintosh"),
    ("Linux", r"Linux|X11"),
)
_MAX = 500


def browser_of(user_agent: str) -> str:
    """Return kind and system, such as `Firefox, Windows`; the one that is known, or "" where neither is.

    Nothing of the header itself is in it: neither versions, which would tell one device from another, nor what somebody wrote there.
    """
    text = user_agent[:_MAX]
    found = (
        next((name for name, sign in signs if re.search(sign, text)), "") for signs in (_BROWSERS, _SYSTEMS)
    )
    return ", ".join(name for name in found if name)
