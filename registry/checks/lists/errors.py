"""What may be wrong with a staff list as a whole."""

from typing import ClassVar

from registry.errors import BadRequestError, RegistryError


class UnreadableListError(BadRequestError):
    """The file can't be read as a list at all; `detail` says what to do. No value of a cell is in it."""

    slug = "unreadable-list"
    status = 422
    title = "The staff list can't be read"


class ListColumnsError(BadRequestError):
    """The columns don't tell who is asked about, or tell it twice; `detail` says what to do."""

    slug = "list-columns"
    status = 422
    title = "The columns of the staff list are not clear"


class ListTooLargeError(RegistryError):
    """More rows, columns or bytes than the operator allows."""

    slug = "list-too-large"
    status = 413
    title = "The staff list is too large"


class ListStateError(RegistryError):
    """What was asked for can't be done with a list in this state."""

    slug: ClassVar[str] = "list-state"
    status = 409
    title = "The staff list is in another state"
