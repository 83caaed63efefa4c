"""A record that can't be understood."""


class BadRecordError(Exception):
    """One record says something that can't be read; it is quarantined and the others go on.

    Attributes:
        field: the authority's own name of the field.
        reason: what is wrong, without the value: that may be personal.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason
