"""Settings of sealing the access log; section `[ledger]`."""

from typing import Annotated

import msgspec

from registry.settings_base import Positive, Secret, Section


class LedgerSettings(Section, frozen=True):
    """Section `[ledger]`."""

    signing_key: Secret
    public_keys: tuple[str, ...]
    database_url: str
    every_s: Positive
    batch_events: Annotated[int, msgspec.Meta(ge=1, le=100_000)]
    overdue_s: Positive
    state_file: str
    timeline_days: Annotated[int, msgspec.Meta(ge=1, le=3660)]
