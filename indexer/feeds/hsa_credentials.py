"""HSA credentials: what HSA passes on from Socialstyrelsen's HOSP about a person asked for, one record a person.

Reads what the transport `hsa` leaves (a line of JSON for each person asked about), and files: answers as XML with or without
their SOAP envelope, as a JSON object, as a list of them, or one object a line.

What an answer means:

- An empty answer says that the person is not among those whom Socialstyrelsen has delivered to HSA. That is not "not
  licensed". A record that we hold is then no longer confirmed by anyone: it becomes a `GoneRow`, so that its last facts stand
  with their history and every answer that rests on it asks a human. About a person we hold nothing of it changes nothing.
- Several answers about one person (one for each HSA-id) are one record.
- An answer about another person than the one asked about is refused whole, and stored under nobody.

The key is the personal identity number, for nothing else of an answer is always there. `HsaOptions.personal_keys` says so: the
loader keeps keyed digests of keys only.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from indexer.feeds import hsa_wire
from indexer.feeds.errors import MalformedFeedError, TruncatedFeedError
from indexer.feeds.hsa_answer import FEIGNED, NUMBER, AnswerError, Tree, is_empty, merged, number_of
from indexer.feeds.options import FormatOptions
from indexer.feeds.rows import BadRow, GoneRow, Row, SourceRow, canonical

# Keys of the lines that the transport writes.
SUBJECT, SOAP, JSON, UNANSWERED = "subject", "soap", "json", "unanswered"

_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_SPACE = b" \t\r\n"
_HEAD = 4096
# A line holds one record as JSON within JSON, where quotation marks and line breaks take two bytes.
_LINE_FACTOR = 4


class HsaOptions(FormatOptions, frozen=True, kw_only=True):
    """Answers to GetHospCredentialsForPerson.

    Attributes:
        prescriber_code: whether personalPrescriptionCode is kept as an identifier; only with an agreement that covers it.
        max_document_bytes: largest XML document or JSON list in a file, which is read whole.
    """

    prescriber_code: bool = False
    max_document_bytes: int = 67_108_864

    def problem(self) -> str:
        """See `FormatOptions.problem`."""
        if self.max_document_bytes < 1:
            return "max_document_bytes is not positive; write a number of bytes."
        return super().problem()

    @property
    def personal_keys(self) -> bool:
        """See `FormatOptions.personal_keys`: HSA has no other key that is always there."""
        return True


def parse(parts: Sequence[Path], options: HsaOptions, max_record_bytes: int) -> Iterator[Row]:
    """Yield every person of the parts, in order.

    Raises:
        TruncatedFeedError: a document ends in the middle.
        MalformedFeedError: a document is neither XML nor JSON, has a DOCTYPE, or is larger than `max_document_bytes`.
    """
    row = 0
    for part in parts:
        for found in _part(part, options, max_record_bytes):
            for one in found:
                row += 1
                yield _numbered(one, row)


def _numbered(row: Row, number: int) -> Row:
    if isinstance(row, SourceRow):
        return SourceRow(number, row.key, row.raw)
    if isinstance(row, GoneRow):
        return GoneRow(number, row.key)
    return BadRow(number, row.key, row.field, row.reason, row.echo)


def _part(part: Path, options: HsaOptions, max_record_bytes: int) -> Iterator[list[Row]]:
    with part.open("rb") as file:
        head = file.read(_HEAD)
    start = head.removeprefix(_BOM).lstrip(_SPACE)
    if start.startswith(b"<") or head.startswith(_UTF_16):
        data = _whole(part, options)
        try:
            yield _people(hsa_wire.soap_answers(data), max_record_bytes)
        except AnswerError as error:
            raise _refused(part, error) from error
    elif start.startswith(b"{") and _has_lines(part, max_record_bytes * _LINE_FACTOR):
        yield from _lines(part, max_record_bytes)
    else:
        data = _whole(part, options)
        try:
            yield _people(hsa_wire.json_answers(data), max_record_bytes)
        except AnswerError as error:
            cut = start[:1] in (b"{", b"[") and data.rstrip()[-1:] not in (b"}", b"]")
            raise _refused(
                part, hsa_wire.CutOffError("", "the JSON ends in the middle") if cut else error
            ) from error


def _whole(part: Path, options: HsaOptions) -> bytes:
    if part.stat().st_size > options.max_document_bytes:
        raise MalformedFeedError(
            f"{part.name} is larger than {options.max_document_bytes} bytes and has to be read whole. Have it written with "
            "one JSON object a line, or raise options.max_document_bytes."
        )
    return part.read_bytes()


def _refused(part: Path, error: AnswerError) -> MalformedFeedError:
    if isinstance(error, hsa_wire.CutOffError):
        return TruncatedFeedError(f"{part.name}: {error.reason}. Fetch it again.")
    return MalformedFeedError(f"{part.name}: {error.reason}. It must hold answers to {hsa_wire.CREDENTIALS}.")


def _has_lines(part: Path, limit: int) -> bool:
    """Tell one object a line from one object over many lines, by whether the first line is an object."""
    with part.open("rb") as file:
        first = file.readline(limit + _HEAD).removeprefix(_BOM).strip()
        while not first and (line := file.readline(limit + _HEAD)):
            first = line.strip()
    if len(first) > limit:
        return True
    try:
        return isinstance(orjson.loads(first), dict)
    except orjson.JSONDecodeError:
        return False


def _lines(part: Path, max_record_bytes: int) -> Iterator[list[Row]]:
    limit = max_record_bytes * _LINE_FACTOR
    with part.open("rb") as file:
        while line := file.readline(limit):
            if len(line) == limit and not line.endswith(b"\n"):
                while (rest := file.readline(limit)) and not rest.endswith(b"\n"):
                    pass
                yield [BadRow(0, "", "", f"the line is longer than {limit} bytes", "")]
                continue
            text = line.removeprefix(_BOM).strip()
            if not text:
                continue
            try:
                value = orjson.loads(text)
            except orjson.JSONDecodeError as error:
                if not line.endswith(b"\n"):
                    raise TruncatedFeedError(
                        f"{part.name} ends in the middle of a line. Fetch it again."
                    ) from error
                yield [BadRow(0, "", "", "the line is no JSON", "")]
                continue
            yield _line(value, max_record_bytes)


def _line(value: Any, max_record_bytes: int) -> list[Row]:  # noqa: ANN401 - whatever JSON holds
    """Read one line: what the transport wrote about one person, or a bare answer."""
    if not (isinstance(value, dict) and isinstance(value.get(SUBJECT), str)):
        try:
            return _people(hsa_wire.value_answers(value), max_record_bytes)
        except AnswerError as error:
            return [BadRow(0, "", error.field, error.reason, "")]
    subject = value[SUBJECT]
    try:
        if isinstance(value.get(UNANSWERED), str):
            return [
                BadRow(
                    0, subject, "", f"the service gave no answer about this person: {value[UNANSWERED]}", ""
                )
            ]
        if isinstance(value.get(SOAP), str):
            answers = hsa_wire.soap_answers(value[SOAP].encode("utf-8", "surrogatepass"))
        else:
            answers = hsa_wire.value_answers(value.get(JSON))
        if not number_of({NUMBER: [subject]}):
            return [BadRow(0, "", SUBJECT, "the line does not say whom it is about", "")]
        _refuse_others(answers, subject)
        return [_person(subject, answers, max_record_bytes)]
    except AnswerError as error:
        return [BadRow(0, subject, error.field, error.reason, "")]


def _refuse_others(answers: list[Tree], subject: str) -> None:
    for answer in answers:
        number = number_of(answer)
        if number and number != subject:
            raise AnswerError(NUMBER, "the answer is about another person than the one asked about")
        if not number and not is_empty(answer):
            raise AnswerError(NUMBER, "the answer does not say whom it is about")


def _people(answers: list[Tree], max_record_bytes: int) -> list[Row]:
    """Read answers of a file, where only they themselves say whom they are about."""
    by_person: dict[str, list[Tree]] = {}
    rows: list[Row] = []
    for answer in answers:
        try:
            number = number_of(answer)
        except AnswerError as error:
            rows.append(BadRow(0, "", error.field, error.reason, ""))
            continue
        if number:
            by_person.setdefault(number, []).append(answer)
        elif not is_empty(answer):
            rows.append(BadRow(0, "", NUMBER, "the answer does not say whom it is about", ""))
    for number, about in by_person.items():
        try:
            rows.append(_person(number, about, max_record_bytes))
        except AnswerError as error:
            rows.append(BadRow(0, number, error.field, error.reason, ""))
    return rows


def _person(number: str, answers: list[Tree], max_record_bytes: int) -> Row:
    """Make the row of a person.

    Raises:
        AnswerError: the answers can't be read.
    """
    told = [answer for answer in answers if not is_empty(answer)]
    if not told:
        return GoneRow(0, number)
    record = merged(number, told)
    if not record.keys() - {NUMBER, FEIGNED}:
        return GoneRow(0, number)
    payload = canonical(record)
    if len(payload) > max_record_bytes:
        raise AnswerError("", f"the record is larger than {max_record_bytes} bytes")
    return SourceRow(0, number, payload)
