"""Schemas of staff lists: how they are sent, how they stand, and what became of each row."""

import marshmallow as ma

from registry.checks.lists.fields import FIELDS
from registry.checks.lists.results import RESULTS
from registry.checks.lists.tables import STATES
from registry.verification.question import MAX_NAME, MAX_NUMBER
from registry.web.api.fields import (
    ABOUT_NOBODY,
    PART,
    Answer,
    Bilingual,
    CamelCase,
    Count,
    Day,
    Instant,
    Moment,
    Text,
    about,
)
from registry.web.api.schemas import WordSchema

_PROFESSION = "Profession asked about where the row names none: a code, or its Swedish or English name."
_AUTHORITY = "Id of the authority whose licences are meant where the row names none, see `GET /v1/feeds`."
_COUNTS = "Rows with this result."


class _CommonSchema(CamelCase):
    reference = Text(max_length=200, metadata=about("Your own name for the list. No personal data."))
    profession = Text(max_length=100, metadata=about(_PROFESSION))
    authority = Text(max_length=64, metadata=about(_AUTHORITY))
    on_date = Day(metadata=about("The day asked about, today or earlier; the day of the run when left out."))
    known_at = Instant(
        metadata=about(
            "What the registry knew at this moment, instead of what it knows now; with its offset from UTC.",
            format="date-time",
        )
    )


class SendQuerySchema(_CommonSchema):
    """What is said about a CSV or XLSX file that is the body itself."""

    purpose = Text(max_length=50, metadata=about("Why you ask. Needed with a CSV or XLSX body."))
    columns = ma.fields.List(
        Text(max_length=200),
        metadata=about(
            "Which column tells what, where headers are not recognised: `licenceNumber=Leg.nr`, or by place, `birthDate=#3`. Give "
            f"it once for each. Fields: {', '.join(FIELDS)}."
        ),
    )
    file_name = Text(max_length=120, metadata=about("Name of the file, to tell lists apart."))


class BatchRowSchema(CamelCase):
    """One person."""

    licence_number = Text(max_length=2 * MAX_NUMBER, metadata=about("Licence number, or an NPI."))
    personal_identity_number = Text(max_length=20, metadata=about("Swedish personal identity number."))
    name = Text(max_length=MAX_NAME, metadata=about("The whole name; with birthDate."))
    given_name = Text(max_length=MAX_NAME, metadata=about("Given names, with familyName."))
    family_name = Text(max_length=MAX_NAME, metadata=about("Family name, with birthDate."))
    birth_date = Text(max_length=30, metadata=about("`YYYY-MM-DD`."))
    profession = Text(max_length=100, metadata=about("Code or name of a profession."))
    authority = Text(max_length=100, metadata=about("Id or name of an authority."))
    reference = Text(max_length=200, metadata=about("Your own reference, such as an employee number."))


class BatchQuestionSchema(_CommonSchema):
    """A list as JSON."""

    purpose = Text(required=True, max_length=50, metadata=about("Why you ask; written to the access log."))
    rows = ma.fields.List(ma.fields.Nested(BatchRowSchema), required=True, metadata=about("The people."))


class BatchCountsSchema(Answer):
    """How many rows have each result so far."""

    resource = PART

    found_yes = ma.fields.Integer(required=True, metadata=about(_COUNTS))
    found_no = ma.fields.Integer(required=True, metadata=about(_COUNTS))
    found_ask = ma.fields.Integer(required=True, metadata=about(_COUNTS))
    not_found = ma.fields.Integer(required=True, metadata=about(_COUNTS))
    ambiguous = ma.fields.Integer(required=True, metadata=about(_COUNTS))
    could_not_check = ma.fields.Integer(required=True, metadata=about(_COUNTS))


class BatchColumnSchema(Answer):
    """What a column tells."""

    resource = PART

    field = ma.fields.String(required=True, metadata=about("What it tells.", enum=list(FIELDS)))
    header = ma.fields.String(required=True, metadata=about("As it stands in the list."))
    place = ma.fields.Integer(required=True, metadata=about("From 1."))


class BatchLinksSchema(Answer):
    """Where more is."""

    resource = PART

    self = ma.fields.String(required=True)
    results = ma.fields.String(required=True)
    csv = ma.fields.String(required=True)
    xlsx = ma.fields.String(required=True)


class BatchSchema(Answer):
    """A list and how far it has come."""

    resource = "staffList"

    id = ma.fields.String(required=True)
    state = ma.fields.String(
        required=True,
        metadata=about(
            "mapping: waits for somebody to say which column tells what; accepted: waits for a worker; running; done; cancelled; "
            "failed: `error` says why.",
            enum=list(STATES),
        ),
    )
    purpose = ma.fields.String(required=True)
    reference = ma.fields.String(required=True, allow_none=True)
    file_name = ma.fields.String(required=True, allow_none=True)
    profession = ma.fields.String(
        required=True,
        allow_none=True,
        metadata=about("Code of the profession asked about for the whole list."),
    )
    authority = ma.fields.String(
        required=True, allow_none=True, metadata=about("Id of the authority asked about for the whole list.")
    )
    on_date = ma.fields.String(
        required=True,
        allow_none=True,
        metadata=about("The day asked about; null for that of the run.", format="date"),
    )
    day = ma.fields.String(
        required=True,
        allow_none=True,
        metadata=about(
            "The day that was today for rows that wait or were last asked: the day it was sent, confirmed or resumed, however "
            "long it takes; null while the columns wait.",
            format="date",
        ),
    )
    rule_version = ma.fields.String(
        required=True,
        allow_none=True,
        metadata=about(
            "Of the rules for the day asked about; null with knownAt, where each row tells its own."
        ),
    )
    known_at = Moment(
        required=True,
        allow_none=True,
        metadata=about("With what knowledge; null for that of the run.", format="date-time"),
    )
    rows = ma.fields.Integer(required=True, metadata=about("Rows about people."))
    done = ma.fields.Integer(required=True, metadata=about("Rows that have a result."))
    counts = ma.fields.Nested(BatchCountsSchema, required=True)
    retryable = ma.fields.Integer(
        required=True,
        metadata=about("Rows that could not be checked and are asked again by `resumption`."),
    )
    columns = ma.fields.List(ma.fields.Nested(BatchColumnSchema), required=True)
    unknown_columns = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata=about("Headers that were not recognised and are not read."),
    )
    error = ma.fields.String(required=True, allow_none=True)
    created_at = Moment(required=True, metadata=about("When it was sent (UTC).", format="date-time"))
    started_at = Moment(required=True, allow_none=True, metadata=about("UTC.", format="date-time"))
    ended_at = Moment(required=True, allow_none=True, metadata=about("UTC.", format="date-time"))
    expires_at = Moment(required=True, metadata=about("When all of it is deleted (UTC).", format="date-time"))
    links = ma.fields.Nested(BatchLinksSchema, required=True)


class BatchPageSchema(Answer):
    """A page of lists."""

    resource = ABOUT_NOBODY

    items = ma.fields.List(ma.fields.Nested(BatchSchema), required=True)
    total = ma.fields.Integer(required=True)
    page = ma.fields.Integer(required=True)
    limit = ma.fields.Integer(required=True)


class PageQuerySchema(CamelCase):
    """Which page."""

    page = Count(low=1, load_default=1, metadata=about("Page of the answer, from 1."))
    limit = Count(low=1, metadata=about("Items a page."))


class ResultsQuerySchema(PageQuerySchema):
    """Which results."""

    results = ma.fields.List(
        Text(max_length=20, choices=RESULTS), metadata=about("Only these results; all when left out.")
    )
    attention = ma.fields.Boolean(
        load_default=False, metadata=about("Only what needs attention: everything but `foundYes`.")
    )


class FileQuerySchema(CamelCase):
    """What the file is like."""

    language = Text(max_length=2, choices=("sv", "en"), metadata=about("Of headers and texts."))
    delimiter = Text(
        max_length=9,
        choices=("semicolon", "comma", "tab"),
        metadata=about("Between columns, CSV only; as the operator says when left out."),
    )
    attention = ma.fields.Boolean(
        load_default=False, metadata=about("Only what needs attention: everything but `foundYes`.")
    )


class BatchReasonSchema(Answer):
    """Why: the first reason decided."""

    resource = PART

    code = ma.fields.String(required=True)
    answer = ma.fields.String(
        required=True, allow_none=True, metadata=about("null for a remark.", enum=["yes", "no", "ask", None])
    )
    nature = ma.fields.String(required=True)
    text = ma.fields.Nested(Bilingual, required=True)


class BatchPersonLinksSchema(Answer):
    """Where the person is."""

    resource = PART

    self = ma.fields.String(required=True)


class BatchPersonSchema(Answer):
    """Who was found."""

    resource = "practitioner"

    id = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    birth_year = ma.fields.String(required=True, allow_none=True)
    links = ma.fields.Nested(BatchPersonLinksSchema, required=True)


class BatchLicenceSchema(Answer):
    """A licence that the row is about."""

    resource = "licence"

    number = ma.fields.String(required=True, allow_none=True)
    profession = ma.fields.Nested(WordSchema, required=True)
    authority = ma.fields.String(required=True)
    status = ma.fields.Nested(WordSchema, required=True)
    valid_to = ma.fields.String(required=True, allow_none=True)
    verdict = ma.fields.String(
        required=True, metadata=about("For this licence alone.", enum=["yes", "no", "ask"])
    )


class BatchErrorSchema(Answer):
    """What is wrong with a cell."""

    resource = PART

    column = ma.fields.String(required=True, metadata=about("Its header; empty for the row as a whole."))
    code = ma.fields.String(required=True)
    detail = ma.fields.String(required=True, metadata=about("What to do. Never repeats the cell."))


class BatchResultSchema(Answer):
    """What became of a row."""

    resource = "listRow"

    row = ma.fields.Integer(
        required=True, metadata=about("Its number in the spreadsheet, or its place from 1 in `rows`.")
    )
    reference = ma.fields.String(required=True)
    result = ma.fields.String(
        required=True,
        metadata=about(
            "couldNotCheck: nothing was found out; it is never the same as notFound.",
            enum=["found", "notFound", "ambiguous", "couldNotCheck"],
        ),
    )
    verdict = ma.fields.String(
        required=True,
        allow_none=True,
        metadata=about("null where nothing was checked.", enum=["yes", "no", "ask", None]),
    )
    outcome = ma.fields.String(
        required=True,
        allow_none=True,
        metadata=about("As for a single check.", enum=["found", "notFound", "ambiguous", "mismatch", None]),
    )
    reasons = ma.fields.List(ma.fields.Nested(BatchReasonSchema), required=True)
    practitioner = ma.fields.Nested(BatchPersonSchema, required=True, allow_none=True)
    licences = ma.fields.List(ma.fields.Nested(BatchLicenceSchema), required=True)
    match = ma.fields.String(
        required=True,
        allow_none=True,
        metadata=about("How sure: exact or strong; null where nobody is shown."),
    )
    on_date = ma.fields.String(
        required=True,
        allow_none=True,
        metadata=about("The day that the answer is about; null where nothing was checked.", format="date"),
    )
    rule_version = ma.fields.String(
        required=True, allow_none=True, metadata=about("Of the rules that gave the answer.")
    )
    errors = ma.fields.List(ma.fields.Nested(BatchErrorSchema), required=True)


class BatchResultsSchema(Answer):
    """A page of results."""

    resource = ABOUT_NOBODY

    items = ma.fields.List(ma.fields.Nested(BatchResultSchema), required=True)
    total = ma.fields.Integer(required=True, metadata=about("Rows with the results asked for."))
    page = ma.fields.Integer(required=True)
    limit = ma.fields.Integer(required=True)
