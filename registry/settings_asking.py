"""Settings of asking: why and how much one may ask, and what is kept of it; sections `[access]` and `[checks]`."""

from typing import Annotated, Literal

import msgspec

from registry.settings_base import Positive, Section


class Purpose(Section, frozen=True):
    """Table `[access.purposes.<name>]`: why somebody may ask, on what legal ground, and who may say so.

    Attributes:
        about: whom a question with this purpose may be about: others, or only whoever asks.
        roles: one of these roles is needed; none named: any.
        scopes: all of these scopes are needed.
    """

    sv: str
    en: str
    ground_sv: str
    ground_en: str
    about: Literal["others", "self"] = "others"
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()


class Access(Section, frozen=True):
    """Section `[access]`."""

    purposes: dict[Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,49}$")], Purpose]
    role_scopes: dict[str, tuple[str, ...]]
    scope_acr: dict[str, tuple[str, ...]]
    policy_file: str = ""


class Quotas(Section, frozen=True):
    """Section `[checks.quotas]`: what one organisation may ask; 0 = nothing."""

    checks_per_minute: Annotated[int, msgspec.Meta(ge=0)]
    checks_per_day: Annotated[int, msgspec.Meta(ge=0)]
    list_rows_per_day: Annotated[int, msgspec.Meta(ge=0)]


class OwnQuotas(Section, frozen=True):
    """Table `[checks.quotas_of.<organisation>]`: what differs from `[checks.quotas]` for one organisation."""

    checks_per_minute: Annotated[int, msgspec.Meta(ge=0)] | None = None
    checks_per_day: Annotated[int, msgspec.Meta(ge=0)] | None = None
    list_rows_per_day: Annotated[int, msgspec.Meta(ge=0)] | None = None


class Unusual(Section, frozen=True):
    """Section `[checks.unusual]`."""

    window_minutes: Positive
    not_found: Annotated[int, msgspec.Meta(ge=0)]
    not_found_share: Annotated[float, msgspec.Meta(ge=0, le=1)]
    people: Annotated[int, msgspec.Meta(ge=0)]
    consecutive: Annotated[int, msgspec.Meta(ge=0)]
    guesses: Annotated[int, msgspec.Meta(ge=0)]
    list_not_found: Annotated[int, msgspec.Meta(ge=0)]
    list_consecutive: Annotated[int, msgspec.Meta(ge=0)]
    slow_minutes: Positive
    slow_share: Annotated[float, msgspec.Meta(gt=0, le=1)]
    keep_days: Annotated[int, msgspec.Meta(ge=1)]


class StaffLists(Section, frozen=True):
    """Section `[checks.lists]`."""

    max_rows: Annotated[int, msgspec.Meta(ge=1)]
    max_bytes: Annotated[int, msgspec.Meta(ge=1)]
    max_unpacked_bytes: Annotated[int, msgspec.Meta(ge=1)]
    max_columns: Annotated[int, msgspec.Meta(ge=1)]
    max_cell: Annotated[int, msgspec.Meta(ge=1)]
    max_waiting: Annotated[int, msgspec.Meta(ge=1)]
    part_rows: Annotated[int, msgspec.Meta(ge=1, le=5000)]
    poll_s: Positive
    turn_s: Positive
    lease_timeout_s: Positive
    lease_heartbeat_s: Positive
    max_takeovers: Annotated[int, msgspec.Meta(ge=1)]
    search_wait_s: Annotated[float, msgspec.Meta(ge=0)]
    late_s: Positive
    mapping_hours: Positive
    keep_days: Annotated[int, msgspec.Meta(ge=1)]
    page_rows: Annotated[int, msgspec.Meta(ge=1)]
    max_page_rows: Annotated[int, msgspec.Meta(ge=1)]
    csv_delimiter: Literal[";", ",", "\t"]


class Consents(Section, frozen=True):
    """Section `[checks.consents]`."""

    max_hours: Annotated[int, msgspec.Meta(ge=1, le=168)]
    max_unused: Annotated[int, msgspec.Meta(ge=1)]
    wrong_per_hour: Annotated[int, msgspec.Meta(ge=1)]
    wrong_per_person_per_hour: Annotated[int, msgspec.Meta(ge=1)]
    keep_days: Annotated[int, msgspec.Meta(ge=1)]


class SubjectRequests(Section, frozen=True):
    """Section `[checks.subject_requests]`."""

    max_open: Annotated[int, msgspec.Meta(ge=1)]
    max_text: Annotated[int, msgspec.Meta(ge=1, le=20_000)]
    answer_days: Annotated[int, msgspec.Meta(ge=1)]
    keep_days: Annotated[int, msgspec.Meta(ge=1)]


class Oversight(Section, frozen=True):
    """Section `[checks.oversight]`."""

    max_events: Annotated[int, msgspec.Meta(ge=1)]
    refusals_every_s: Positive
    refusal_rows_per_day: Annotated[int, msgspec.Meta(ge=1, le=5000)]
    refusals_keep_days: Annotated[int, msgspec.Meta(ge=1)]


class Checks(Section, frozen=True):
    """Section `[checks]`."""

    evidence_keep_days: Annotated[int, msgspec.Meta(ge=1)]
    idempotency_keep_hours: Positive
    idempotency_stale_s: Positive
    quotas: Quotas
    quotas_of: dict[str, OwnQuotas]
    unusual: Unusual
    consents: Consents
    subject_requests: SubjectRequests
    oversight: Oversight
    lists: StaffLists
