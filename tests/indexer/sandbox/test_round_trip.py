"""From the generator over HTTP through the real readers to facts: every good person arrives, every broken row is caught."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace

from indexer.feeds import BadRow, FeedDescriptor, Previous, SourceRow, fetch, load_feeds, one_by_one, parse
from indexer.feeds.options import SocrataOptions
from indexer.feeds.sources import HttpSource, SocrataSource
from indexer.normalize.errors import BadRecordError
from indexer.normalize.of_feed import Normalizer
from indexer.sandbox import fixed
from indexer.sandbox.feedfiles import write_feed_files
from indexer.sandbox.model import Restriction
from registry.identifiers import HOSP_ID, NPI, PERSONAL_SYSTEMS, holds_personal_number
from registry.records.facts import PersonFacts
from registry.settings import Indexer, load_settings
from registry.vocabulary import Vocabulary, load_vocabulary
from tests.indexer.sandbox.conftest import Sandbox


@dataclass(frozen=True)
class Bad:
    """A row that ended in quarantine."""

    key: str
    reason: str
    echo: str


@dataclass(frozen=True)
class Pulled:
    """One feed, read and normalized."""

    facts: dict[str, PersonFacts]
    payloads: dict[str, bytes]
    bad: list[Bad]


Pull = Callable[[FeedDescriptor], Pulled]


@pytest.fixture(scope="module")
def indexer() -> Indexer:
    return replace(load_settings({}).indexer, retries=0)


@pytest.fixture(scope="module")
def feeds(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, FeedDescriptor]:
    folder = tmp_path_factory.mktemp("feeds")
    write_feed_files(folder, sandbox.url)
    return load_feeds(folder)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return load_vocabulary()


def pull(feed: FeedDescriptor, indexer: Indexer, spool: Path, vocabulary: Vocabulary) -> Pulled:
    fetched = fetch(feed, indexer, spool, None, lambda _: None)
    normalizer = Normalizer(feed, vocabulary)
    pulled = Pulled({}, {}, [])
    for row in one_by_one(parse(feed, fetched, indexer)):
        if isinstance(row, BadRow):
            pulled.bad.append(Bad(row.key, row.reason, row.echo))
            continue
        assert isinstance(row, SourceRow)
        assert row.key not in pulled.payloads
        pulled.payloads[row.key] = row.payload
        try:
            pulled.facts[row.key] = normalizer.facts(row.payload)
        except BadRecordError as error:
            pulled.bad.append(Bad(row.key, f"{error.field}: {error.reason}", ""))
    return pulled


@pytest.fixture
def pull_again(indexer: Indexer, vocabulary: Vocabulary, tmp_path_factory: pytest.TempPathFactory) -> Pull:
    return lambda feed: pull(feed, indexer, tmp_path_factory.mktemp("spool"), vocabulary)


@pytest.fixture(scope="module")
def pulled(
    feeds: dict[str, FeedDescriptor],
    indexer: Indexer,
    vocabulary: Vocabulary,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Pulled]:
    return {
        name: pull(feed, indexer, tmp_path_factory.mktemp(name), vocabulary) for name, feed in feeds.items()
    }


def restrictions(restricted: tuple[Restriction, ...]) -> list[tuple[str, str | None, str | None]]:
    return [(r.code, r.since, r.until or None) for r in restricted]


def test_every_person_of_hosp_arrives(sandbox: Sandbox, pulled: dict[str, Pulled]) -> None:
    facts = pulled["hosp"].facts
    people = list(sandbox.people.swedes())
    assert facts.keys() == {str(person.hosp_id) for person in people}
    for person in people:
        found = facts[str(person.hosp_id)]
        assert found.protected is person.protected
        assert found.deceased is person.deceased
        assert found.birth_date == person.born
        numbers = {i.value for i in found.identifiers if i.system in PERSONAL_SYSTEMS}
        if person.protected:
            assert not found.names
            assert not found.licences
            assert numbers == {person.number} - {""}
            continue
        assert numbers == {person.number, person.former_number} - {""}
        name = found.names[0]
        assert (name.family, name.middle, name.given) == (person.family, person.middle, person.given)
        licences = {licence.raw_profession: licence for licence in found.licences}
        assert licences.keys() == {licence.code for licence in person.licences}
        for licence in person.licences:
            arrived = licences[licence.code]
            assert arrived.profession != "unknown"
            assert arrived.issued == licence.issued
            assert [(s.code, s.text) for s in arrived.specialties] == [
                (s.code, s.text) for s in licence.specialties
            ]
            assert [(r.code, r.valid_from, r.valid_to) for r in arrived.restrictions] == restrictions(
                licence.restrictions
            )


def test_every_row_of_washington_arrives(sandbox: Sandbox, pulled: dict[str, Pulled]) -> None:
    facts = pulled["washington"].facts
    rows = {c.number: (person, c) for person in sandbox.people.washingtonians() for c in person.credentials}
    assert facts.keys() == rows.keys()
    for number, (person, credential) in rows.items():
        found = facts[number]
        (licence,) = found.licences
        assert found.birth_date == person.birth_year
        assert (found.names[0].family, " ".join(found.names[0].given)) == (person.family, person.given)
        assert (licence.number, licence.raw_profession, licence.raw_status) == (
            number,
            credential.type,
            credential.status,
        )
        assert (licence.issued or "", licence.valid_to or "") == (credential.first_issued, credential.expires)


def test_every_provider_of_the_directory_arrives(sandbox: Sandbox, pulled: dict[str, Pulled]) -> None:
    facts = pulled["nppes-fhir"].facts
    people = list(sandbox.people.providers())
    assert facts.keys() == {person.id for person in people}
    for person in people:
        found = facts[person.id]
        values = {i.value for i in found.identifiers if i.system in PERSONAL_SYSTEMS or i.system == NPI}
        assert values == {person.npi, person.swedish_number} - {""}
        assert (found.birth_date or "") == person.born
        assert len(found.names) == len(person.names)
        arrived = {licence.number for licence in found.licences}
        assert arrived <= {licence.number for licence in person.qualifications}
        assert arrived or 40 <= person.quirk < 43


@pytest.mark.parametrize(
    ("feed", "register"), [("hosp", "hosp"), ("washington", "washington"), ("nppes-fhir", "directory")]
)
def test_every_broken_row_ends_in_quarantine_and_says_nothing_personal(
    sandbox: Sandbox, pulled: dict[str, Pulled], feed: str, register: str
) -> None:
    expected = sum(getattr(sandbox.registers, register).broken.values())
    bad = pulled[feed].bad
    assert expected > 0
    assert len(bad) == expected
    assert all(row.reason for row in bad)
    assert not [row for row in bad if holds_personal_number(f"{row.key} {row.reason} {row.echo}")]


def test_the_fixed_people_arrive_as_the_demo_needs_them(pulled: dict[str, Pulled]) -> None:
    by_number = {
        i.value: facts
        for facts in pulled["hosp"].facts.values()
        for i in facts.identifiers
        if i.system in PERSONAL_SYSTEMS
    }
    status = {
        number: [licence.status for licence in by_number[number].licences]
        for number in (
            fixed.ACTIVE_NURSE_NUMBER,
            fixed.REVOKED_PHYSICIAN_NUMBER,
            fixed.PHYSICIAN_ON_PROBATION_NUMBER,
            fixed.DECEASED_NUMBER,
        )
    }
    assert list(status.values()) == [["active"], ["revoked"], ["restricted"], ["deceased"]]
    assert by_number[fixed.PROTECTED_NUMBER].protected
    nurse = by_number[fixed.ACTIVE_NURSE_NUMBER]
    assert str(fixed.ACTIVE_NURSE_HOSP_ID) in {i.value for i in nurse.identifiers if i.system == HOSP_ID}
    washington = pulled["washington"].facts
    assert washington[fixed.SOCIAL_WORKER_ACTIVE_CREDENTIAL].licences[0].status == "active"
    assert washington[fixed.SOCIAL_WORKER_SUSPENDED_CREDENTIAL].licences[0].status == "suspended"
    former = next(
        facts
        for facts in pulled["nppes-fhir"].facts.values()
        if fixed.FORMER_NAME_NPI in {i.value for i in facts.identifiers}
    )
    assert [name.use for name in former.names] == ["official", "former"]


def test_pages_and_csv_give_the_same_records(
    sandbox: Sandbox, feeds: dict[str, FeedDescriptor], pulled: dict[str, Pulled], pull_again: Pull
) -> None:
    feed = feeds["washington"]
    assert isinstance(feed.options, SocrataOptions)
    assert isinstance(feed.source, SocrataSource)
    csv = replace(
        feed,
        source=HttpSource(url=f"{sandbox.url}/api/views/qxh8-f4bd/rows.csv"),
        options=replace(feed.options, export="csv"),
    )
    by_csv = pull_again(csv)
    by_pages = pulled["washington"]
    assert by_csv.facts == by_pages.facts
    # A date that is none stays as each export writes it; that row is in quarantine either way.
    assert {by_csv.payloads[key] for key in by_csv.facts} == {
        by_pages.payloads[key] for key in by_pages.facts
    }
    assert len(by_csv.bad) == len(by_pages.bad)
    small_pages = replace(feed, source=replace(feed.source, page_size=37))
    assert pull_again(small_pages).payloads == by_pages.payloads


def test_a_second_fetch_of_an_unchanged_day_brings_nothing(
    feeds: dict[str, FeedDescriptor], indexer: Indexer, tmp_path: Path
) -> None:
    for name, feed in feeds.items():
        first = fetch(feed, indexer, tmp_path / name / "1", None, lambda _: None)
        again = fetch(
            feed, indexer, tmp_path / name / "2", Previous(first.etag, first.digest), lambda _: None
        )
        assert not first.not_modified
        assert again.not_modified
        assert first.stamp
