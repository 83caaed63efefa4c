"""Real directories, as published. Skipped where the samples are not at hand (see REGISTRY_SAMPLES)."""

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from indexer.feeds import FeedDescriptor, Fetched, SourceRow, one_by_one, parse
from indexer.normalize.of_feed import Normalizer
from registry.identifiers import NPI, fold_number
from registry.records.facts import PersonFacts
from registry.settings import Indexer
from registry.vocabulary import load_vocabulary
from tests.indexer.feeds.conftest import Described
from tests.support.samples import SAMPLES, needs_samples

pytestmark = needs_samples


def people(feed: FeedDescriptor, path: Path, settings: Indexer) -> dict[str, PersonFacts]:
    """Read a whole file; a single bad row or record fails the test."""
    normalizer = Normalizer(feed, load_vocabulary())
    rows = list(one_by_one(parse(feed, Fetched((path,), None, "", "", not_modified=False), settings)))
    good = [row for row in rows if isinstance(row, SourceRow)]
    assert len(good) == len(rows)
    return {row.key: normalizer.facts(row.payload) for row in good}


def test_the_bulk_export_is_read_whole(feed: Described, settings: Indexer) -> None:
    found = people(feed("nppes-fhir"), SAMPLES / "bulk-fhir" / "Practitioner.000.ndjson", settings)
    assert len(found) == 43
    for facts in found.values():
        assert [i.system for i in facts.identifiers] == [NPI]
        assert facts.names[0].display()


@pytest.fixture
def directory(tmp_path: Path) -> tuple[Path, list[dict[str, Any]]]:
    """The YAML directory as NDJSON, and its documents."""
    text = (SAMPLES / "fhir-nppes" / "practitioners-400.yaml").read_text("utf-8")
    documents = [document for document in yaml.safe_load_all(text) if document]
    path = tmp_path / "practitioners.ndjson"
    path.write_bytes(b"".join(orjson.dumps(document) + b"\n" for document in documents))
    return path, [document for document in documents if document["resourceType"] == "Practitioner"]


def test_every_practitioner_of_the_directory_keeps_every_licence_number(
    feed: Described, settings: Indexer, directory: tuple[Path, list[dict[str, Any]]]
) -> None:
    path, documents = directory
    found = people(feed("nppes-fhir"), path, settings)
    assert set(found) == {document["id"] for document in documents}
    numbers = 0
    for document in documents:
        facts = found[document["id"]]
        assert (NPI, document["id"]) in [(i.system, i.value) for i in facts.identifiers]
        kept = {(licence.jurisdiction, fold_number(licence.number)) for licence in facts.licences}
        for qualification in document["qualification"]:
            for identifier in qualification["identifier"]:
                if "value" in identifier:
                    numbers += 1
                    assert (f"US-{identifier['state']}", fold_number(identifier["value"])) in kept
    assert numbers == 396


def test_licences_of_one_person_have_keys_of_their_own(
    feed: Described, settings: Indexer, directory: tuple[Path, list[dict[str, Any]]]
) -> None:
    for facts in people(feed("nppes-fhir"), directory[0], settings).values():
        keys = [licence.key for licence in facts.licences]
        assert len(keys) == len(set(keys))


def test_the_directory_never_says_that_a_licence_is_valid(
    feed: Described, settings: Indexer, directory: tuple[Path, list[dict[str, Any]]]
) -> None:
    found = people(feed("nppes-fhir"), directory[0], settings).values()
    assert {licence.status for facts in found for licence in facts.licences} == {"unknown"}


def test_most_codes_of_the_directory_are_known_professions(
    feed: Described, settings: Indexer, directory: tuple[Path, list[dict[str, Any]]]
) -> None:
    found = people(feed("nppes-fhir"), directory[0], settings).values()
    licences = [licence for facts in found for licence in facts.licences]
    unknown = {licence.raw_profession for licence in licences if licence.profession == "unknown"}
    assert unknown == {"174400000X", "332B00000X", "204E00000X", "246ZC0007X"}
    assert sum(licence.profession == "physician" for licence in licences) > 200


def test_a_practitioner_with_nulls_and_a_date_without_zone_is_read(
    feed: Described, settings: Indexer, tmp_path: Path
) -> None:
    resource = orjson.loads((SAMPLES / "fhir-nppes" / "practitioner-with-nulls.json").read_bytes())
    path = tmp_path / "one.ndjson"
    path.write_bytes(orjson.dumps(resource))
    (facts,) = people(feed("nppes-fhir"), path, settings).values()
    (name,) = facts.names
    assert (name.family, name.given, name.suffix) == ("AADALEN", ("KIRK",), "")
    assert [(i.system, i.value) for i in facts.identifiers] == [(NPI, "1720081672")]
    assert facts.licences == ()
