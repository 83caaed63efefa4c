"""Ids of what is kept: nobody can guess one, and none looks like a personal identity number."""

import secrets

from registry.identifiers import holds_personal_number

_ID_BYTES = 16


def new_id(prefix: str) -> str:
    """Return `prefix`, an underscore and 22 characters of base64url.

    It stands in URLs and logs, where nothing may look like a personal identity number.
    """
    while holds_personal_number(made := f"{prefix}_{secrets.token_urlsafe(_ID_BYTES)}"):
        pass
    return made
