"""Results as files: CSV that Swedish Excel opens with a double click, XLSX, and what stands in their columns.

Nothing in them is calculated by a spreadsheet: text that begins like a formula is made harmless (OWASP, CSV injection).
They hold no time, so that the same results are the same bytes.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

from registry.checks.lists.results import LABELS, Result, Values
from registry.checks.lists.workbook import workbook
from registry.vocabulary import Language

FileForm = Literal["csv", "xlsx"]
MEDIA_TYPES: dict[FileForm, str] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
BOM = "\ufeff"
# What makes a spreadsheet take a cell for a formula, also after spaces.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
# The same where another delimiter (or a quotation mark, which then ends no cell) begins a new cell or line inside a text.
_FORMULA_AFTER = re.compile(r"""([,;\t|\r\n]['"\s]*)(?=[=+\-@＝＋－＠])""")
_PIECE = 65_536

_HEADERS: dict[Language, tuple[str, ...]] = {
    "sv": (
        "Rad",
        "Referens",
        "Resultat",
        "Besked",
        "Skäl",
        "Namn i registret",
        "Födelseår",
        "Legitimation",
        "Legitimationsnummer",
        "Myndighet",
        "Status",
        "Giltig till",
        "Gäller dagen",
        "Regelversion",
        "Fel",
    ),
    "en": (
        "Row",
        "Reference",
        "Result",
        "Verdict",
        "Reason",
        "Name in the registry",
        "Birth year",
        "Licence",
        "Licence number",
        "Authority",
        "Status",
        "Valid to",
        "On the day",
        "Rule version",
        "Errors",
    ),
}
_VERDICTS: dict[Language, dict[str | None, str]] = {
    "sv": {"yes": "ja", "no": "nej", "ask": "fråga myndigheten", None: ""},
    "en": {"yes": "yes", "no": "no", "ask": "ask the authority", None: ""},
}


def headers(language: Language) -> tuple[str, ...]:
    """Return the names of the columns."""
    return _HEADERS[language]


def cells(row: Mapping[str, Any], language: Language) -> tuple[str, ...]:
    """Return a row of results as cells, in the order of the headers; empty ones for what the reader may not see."""
    person = row.get("practitioner") or {}
    licences = row.get("licences", ())

    def each(text: Callable[[Values], str | None]) -> str:
        return "; ".join(dict.fromkeys(filter(None, map(text, licences))))

    def named(licence: Values, member: str) -> str | None:
        return licence[member]["name"][language] if member in licence else None

    return (
        str(row.get("row", "")),
        row.get("reference", ""),
        LABELS[result_of(row)][language] if "verdict" in row else "",
        _VERDICTS[language][row.get("verdict")],
        " ".join(dict.fromkeys(reason["text"][language] for reason in row.get("reasons", ()))),
        person.get("name", ""),
        person.get("birthYear") or "",
        each(lambda licence: named(licence, "profession")),
        each(lambda licence: licence.get("number")),
        each(lambda licence: licence.get("authority")),
        each(lambda licence: named(licence, "status")),
        each(lambda licence: licence.get("validTo")),
        row.get("onDate") or "",
        row.get("ruleVersion") or "",
        " ".join(f"{error['column']}: {error['detail']}".lstrip(": ") for error in row.get("errors", ())),
    )


def result_of(row: Mapping[str, Any]) -> Result:
    """Return which of the six results a row has."""
    kind: str = row["result"]
    found: Result = f"found{row['verdict'].capitalize()}" if kind == "found" else kind  # type: ignore[assignment]
    return found


def harmless(text: str) -> str:
    """Keep a spreadsheet from calculating a text, also one that splits the file at another delimiter than ours.

    An apostrophe stands before what begins like a formula, at the beginning and after what may be taken for a delimiter.
    """
    kept = _FORMULA_AFTER.sub(r"\1'", text)
    return f"'{kept}" if kept.lstrip(" ").startswith(_FORMULA) else kept


def csv_file(rows: Iterable[Values], language: Language, delimiter: str) -> Iterator[bytes]:
    """Give a CSV file with a byte order mark, piece by piece (RFC 4180)."""
    text = io.StringIO()
    text.write(BOM)
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(headers(language))
    for row in rows:
        writer.writerow(map(harmless, cells(row, language)))
        if text.tell() > _PIECE:
            yield _taken(text)
    yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    data = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return data


def xlsx_file(rows: Iterable[Values], language: Language) -> Iterator[bytes]:
    """Give an Excel workbook, piece by piece. All cells but the row's number are text."""
    return workbook(headers(language), (cells(row, language) for row in rows))
