"""No personal identity number in a URL: such a request is refused before anything looks at it.

OWASP ASVS 5.0 item 14.2.1; DIGG REST profile RES.02. URLs are kept by proxies, browsers and logs, so the number has
leaked before we see it; the refusal makes the caller's programmer notice.
"""

import re
from datetime import UTC, datetime

from flask import Flask, request

from registry.errors import PersonalNumberInUrlError
from registry.identifiers import holds_personal_number, parse_personal_number

# Licence numbers of ten digits are common and one in twenty looks like a date with four digits, so here only a number
# whose date and check digit are right counts (of 1,500 real US numbers none has both).
NUMBER_PARAMETER = "licenceNumber"
_CANDIDATE = re.compile(r"(?<!\d)(?:\d{2})?\d{6}[-+ ]?\d{4}(?!\d)")
# What stands in these addresses is made by machines, not written by people, and one in a thousand of it has the form:
# codes of the identity provider (often UUIDs), and digests of our own static files.
_EXEMPT = frozenset({"login.callback", "assets.static"})
_REMEDY = "Send it in the body of POST /v1/verifications, and treat this URL as leaked where it was stored."


def is_personal_number_inside(text: str) -> bool:
    """Tell whether `text` holds a valid personal identity or coordination number (date and check digit are right)."""
    today = datetime.now(UTC).date()
    for match in _CANDIDATE.finditer(text):
        try:
            parse_personal_number(match[0], today=today)
        except ValueError:
            continue
        return True
    return False


def register(app: Flask) -> None:
    """Refuse every request to `app` whose URL may hold a personal identity number."""
    app.before_request(_refuse)


def _refuse() -> None:
    if request.endpoint in _EXEMPT:
        return
    if holds_personal_number(request.path):
        raise PersonalNumberInUrlError(
            f"The path holds what looks like a personal identity number. {_REMEDY}"
        )
    for name, value in request.args.items(multi=True):
        holds = is_personal_number_inside if name == NUMBER_PARAMETER else holds_personal_number
        # `?19800101-NNNN` is a parameter's name.
        if holds(value) or holds_personal_number(name):
            raise PersonalNumberInUrlError(
                f"The query string holds what looks like a personal identity number. {_REMEDY}"
            )
