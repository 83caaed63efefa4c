"""What a row of a staff list may tell, by the names that the API, the pages and config/checks/columns.toml share."""

from typing import Literal, get_args

Field = Literal[
    "licenceNumber",
    "personalIdentityNumber",
    "name",
    "givenName",
    "familyName",
    "birthDate",
    "profession",
    "authority",
    "reference",
]
FIELDS: tuple[Field, ...] = get_args(Field)
