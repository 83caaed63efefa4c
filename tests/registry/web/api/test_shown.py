"""Who may see what, asked of the running service: every endpoint as every role, and a policy of the operator's own."""

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import marshmallow as ma
import openpyxl
import pytest
from werkzeug.test import TestResponse

from registry.access.policy import Audience
from registry.access.policy_file import load_policy
from registry.checks.desk import open_desk
from registry.checks.lists.worker import Worker
from registry.errors import SettingsError
from registry.settings import CONFIG
from registry.web import create_app
from registry.web.api.fields import Answer
from registry.web.api.shown import shape_of
from tests.registry.web.people import ANNA_NUMBER, everyone
from tests.registry.web.service import EVERY_SCOPE, Service
from tests.support.world import make_settings

POLICY = (CONFIG / "policy.toml").read_text("utf-8")
QUESTION = {"purpose": "recruitment", "personalIdentityNumber": ANNA_NUMBER}
LISTED = {"purpose": "employment", "rows": [{"licenceNumber": "RN-100.1"}]}
Make = Callable[..., Service]


def _schemas(of: type[ma.Schema]) -> Iterator[type[ma.Schema]]:
    for one in of.__subclasses__():
        yield one
        yield from _schemas(one)


def test_every_field_of_every_answer_has_a_row_in_the_policy(tmp_path: Path) -> None:
    policy = load_policy(make_settings(tmp_path))
    ours = [one for one in _schemas(Answer) if one.__module__.startswith("registry.web.")]
    assert len(ours) > 50
    told = {name for one in ours for name in shape_of(one()).fields}
    assert told == policy.fields


class Unsaid(Answer):
    """Of these tests: it does not say what it is about."""

    name = ma.fields.String()


class Loose(Answer):
    """Of these tests: nothing describes what it holds."""

    resource: ClassVar[str] = "practitioner"
    name = ma.fields.Raw()


class Holding(Answer):
    """Of these tests: the fault is deeper."""

    resource: ClassVar[str] = "-"
    items = ma.fields.List(ma.fields.Nested(Loose))


@pytest.mark.parametrize("schema", [Unsaid, Loose, Holding, ma.Schema])
def test_a_schema_that_does_not_say_what_it_is_can_not_answer(schema: type[ma.Schema]) -> None:
    with pytest.raises(TypeError, match=r"must be an Answer that states its `resource`|is no plain value"):
        shape_of(schema())


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('"licence.matched", ', "", r"says nothing of licence\.matched; write each"),
        (
            '"licence.matched", ',
            '"licence.matched", "licence.colour", ',
            r"names licence\.colour, which no answer",
        ),
    ],
)
def test_a_policy_that_does_not_fit_the_answers_stops_the_start(
    before: str, after: str, told: str, tmp_path: Path
) -> None:
    assert before in POLICY
    text = POLICY.replace(before, after, 1)
    settings = make_settings(tmp_path, REGISTRY_ACCESS__POLICY_FILE=_own(tmp_path, text))
    with pytest.raises(SettingsError, match=told):
        create_app(settings)


def _own(folder: Path, text: str) -> str:
    path = folder / "policy.toml"
    path.write_text(text, "utf-8")
    return str(path)


def _ask(service: Service, roles: list[str], method: str, url: str, json: object = None) -> TestResponse:
    """Ask with every scope, so that only the policy decides. Not held against the contract: members may be left out."""
    token = service.idp.token(scope=" ".join(EVERY_SCOPE), roles=roles)
    return service.app.test_client().open(
        url, method=method, headers={"Authorization": f"Bearer {token}"}, json=json
    )


def _endpoints(service: Service) -> dict[str, tuple[str, str, object]]:
    """Every operation about people, with a question that finds somebody."""
    anna = service.public_id("anna")
    kept = service.ask("POST", "/v1/verifications", json=QUESTION).get_json()["id"]
    sent = _ask(service, ["system"], "POST", "/v1/verification-batches", json=LISTED)
    found = sent.get_json()["id"] if sent.status_code == 202 else "none"
    return {
        "search": ("GET", "/v1/practitioners?name=lindqvist", None),
        "box": ("GET", "/v1/practitioners?q=anna+lindqvist", None),
        "number": ("GET", "/v1/practitioners?licenceNumber=RN-100.1", None),
        "filter": ("GET", "/v1/practitioners?profession=registered-nurse&status=active", None),
        "suggest": ("GET", "/v1/suggestions?q=lindq", None),
        "read": ("GET", f"/v1/practitioners/{anna}", None),
        "history": ("GET", f"/v1/practitioners/{anna}/history", None),
        "verify": ("POST", "/v1/verifications", QUESTION),
        "kept": ("GET", f"/v1/verifications/{kept}", None),
        "listed": ("GET", "/v1/verifications", None),
        "again": ("POST", f"/v1/verifications/{kept}/reverification", {}),
        "lists": ("GET", "/v1/verification-batches", None),
        "list": ("GET", f"/v1/verification-batches/{found}", None),
        "rows": ("GET", f"/v1/verification-batches/{found}/results", None),
        "csv": ("GET", f"/v1/verification-batches/{found}/results.csv", None),
        "xlsx": ("GET", f"/v1/verification-batches/{found}/results.xlsx", None),
        "runs": ("GET", "/v1/feed-runs", None),
        "feeds": ("GET", "/v1/feeds", None),
        "purposes": ("GET", "/v1/purposes", None),
    }


OPEN = {"feeds", "purposes"}
ALLOWED = {
    "staff": OPEN,
    "privacy_officer": OPEN,
    "unheard-of": OPEN,
    "auditor": OPEN | {"runs"},
    "registry_administrator": OPEN | {"runs", "read", "history"},
    "administrator": OPEN | {"runs", "read", "history"},
}


@pytest.fixture
def loaded(sized: Service) -> Service:
    sized.load(everyone())
    return sized


def test_every_endpoint_answers_each_role_with_what_the_policy_shows_it(loaded: Service) -> None:
    endpoints = _endpoints(loaded)
    # The question itself is in order: who sees everything is answered, or told that a list has not ended.
    for name, (method, url, body) in endpoints.items():
        answer = _ask(loaded, ["system"], method, url, body)
        assert answer.status_code == (409 if name in {"csv", "xlsx"} else 200), name
    for role, allowed in ALLOWED.items():
        for name, (method, url, body) in endpoints.items():
            answer = _ask(loaded, [role], method, url, body)
            told = answer.get_data().decode("utf-8", "replace")
            assert answer.status_code == (200 if name in allowed else 403), (role, name, told)
            if name not in allowed:
                assert answer.get_json()["type"].rpartition("/")[2] == "not-shown"
            for secret in ("Lindqvist", "Berg", "1980-05", "RN-100.1", ANNA_NUMBER):
                assert secret not in told, (role, name)
    assert _ask(loaded, [], "GET", endpoints["read"][1]).status_code == 403
    assert _ask(loaded, ["staff", "employer"], "GET", endpoints["read"][1]).status_code == 200


def test_who_is_refused_leaves_no_trace_of_having_been_shown_somebody(service: Service) -> None:
    service.load(everyone())
    before = len(service.events())
    assert (
        _ask(service, ["auditor"], "GET", f"/v1/practitioners/{service.public_id('anna')}").status_code == 403
    )
    assert len(service.events()) == before


def test_administrators_see_what_a_record_says_and_not_whom_it_is_about(service: Service) -> None:
    service.load(everyone())
    anna = service.public_id("anna")
    whole = _ask(service, ["system"], "GET", f"/v1/practitioners/{anna}").get_json()
    seen = _ask(service, ["registry_administrator"], "GET", f"/v1/practitioners/{anna}").get_json()
    assert seen.keys() == {"id", "name", "birthDate", "licences", "links"}
    assert (whole["name"], seen["name"], seen["birthDate"]) == ("Anna Maria Lindqvist", "A. M. L.", "1980")
    (licence,), (masked,) = whole["licences"], seen["licences"]
    assert masked == {name: licence[name] for name in licence if name != "restrictions"} | {"number": "…0.1"}
    history = _ask(service, ["registry_administrator"], "GET", f"/v1/practitioners/{anna}/history").get_json()
    assert history["licences"][0]["versions"][0]["number"] == "…0.1"


# What a change tells of goes with what it tells of.
CHANGES = "".join(f'"change.{name}" = "absent"\n' for name in ("licence", "before", "after", "text"))
NARROW = f"""
[roles.system.purposes.lookup]
restrictions = "absent"
"licence.profession" = "absent"
"licence.reasons" = "absent"
"verification.reasons" = "absent"
"listRow.reasons" = "absent"
[roles.system.sees]
"practitioner.birthDate" = "masked"
"practitioner.birthYear" = "masked"
"licence.number" = "absent"
{CHANGES}"""


@pytest.fixture
def narrow(make_service: Make, tmp_path: Path) -> Service:
    """Systems see birth years and no numbers, and for the purpose `lookup` no restrictions and no reasons."""
    text = POLICY.replace("[roles.system.sees]\n", NARROW, 1)
    service = make_service(REGISTRY_ACCESS__POLICY_FILE=_own(tmp_path, text))
    service.load(everyone())
    return service


def test_a_field_that_is_hidden_is_in_no_answer_and_can_not_be_asked_by(narrow: Service) -> None:
    def ask(url: str, method: str = "GET", json: object = None) -> TestResponse:
        return _ask(narrow, ["system"], method, url, json=json)

    found = ask("/v1/practitioners?name=lindqvist&purpose=employment")
    assert found.status_code == 200
    body = found.get_json()
    assert {each["name"] for each in body["items"]} == {"Anna Maria Lindqvist", "Karl Lindqvist"}
    assert all("number" not in licence for each in body["items"] for licence in each["licences"])
    assert body["facets"]["profession"]
    for hidden in ("licenceNumber=RN-100.1", "birthDate=1980", "q=anna", "name=a&birthDate=1980-05-03"):
        answer = ask(f"/v1/practitioners?{hidden}&purpose=employment")
        assert (answer.status_code, answer.get_json()["type"].rpartition("/")[2]) == (403, "not-shown")
    person = ask(f"/v1/practitioners/{narrow.public_id('anna')}?purpose=employment").get_json()
    assert (person["birthDate"], "restrictions" in person["licences"][0]) == ("1980", True)
    checked = ask("/v1/verifications", "POST", json=QUESTION).get_json()
    assert (checked["verdict"], "number" in checked["licences"][0]) == ("yes", False)
    assert checked["licences"][0]["reasons"]
    # Why it is read again is not stated, so the least that a system sees for any purpose counts.
    kept = ask(f"/v1/verifications/{checked['id']}").get_json()
    assert "reasons" not in kept
    assert "reasons" in ask(f"/v1/verifications/{checked['id']}?purpose=recruitment").get_json()


def test_a_purpose_decides_what_is_seen_counted_and_filtered_by(narrow: Service) -> None:
    asked = _ask(narrow, ["system"], "GET", "/v1/practitioners?name=lindqvist")
    licence = asked.get_json()["items"][0]["licences"][0]
    assert {"restrictions", "profession"}.isdisjoint(licence)
    assert licence["status"]["name"]["en"]
    assert asked.get_json()["facets"].keys() == {"status", "authority", "specialty", "county"}
    refused = _ask(narrow, ["system"], "GET", "/v1/practitioners?name=a&profession=registered-nurse")
    assert "licence.profession" in refused.get_json()["detail"]
    for allowed in ("&profession=registered-nurse&purpose=employment", "&status=active"):
        assert _ask(narrow, ["system"], "GET", f"/v1/practitioners?name=a{allowed}").status_code == 200


def test_files_of_staff_lists_hold_no_more_than_the_policy_shows(narrow: Service) -> None:
    sent = _ask(narrow, ["system"], "POST", "/v1/verification-batches", LISTED).get_json()
    desk = open_desk(narrow.world.settings)
    assert Worker(desk).run(once=True) == 1
    desk.close()
    path = f"/v1/verification-batches/{sent['id']}/results"
    (row,) = _ask(narrow, ["system"], "GET", path).get_json()["items"]
    assert (row["verdict"], row["practitioner"]["name"], row["practitioner"]["birthYear"]) == (
        "yes",
        "Anna Maria Lindqvist",
        "1980",
    )
    assert {"reasons", "number", "profession"}.isdisjoint({*row, *row["licences"][0]})
    table = (
        _ask(narrow, ["system"], "GET", f"{path}.csv?language=en&delimiter=comma")
        .get_data()
        .decode("utf-8-sig")
    )
    (line,) = csv.DictReader(io.StringIO(table))
    book = openpyxl.load_workbook(
        io.BytesIO(_ask(narrow, ["system"], "GET", f"{path}.xlsx?language=en").get_data())
    )
    cells = [
        ["" if cell is None else str(cell) for cell in some]
        for some in book.worksheets[0].iter_rows(values_only=True)
    ]
    assert cells == [list(line), list(line.values())]
    assert (line["Result"], line["Name in the registry"], line["Status"]) == (
        "found/yes",
        "Anna Maria Lindqvist",
        "Active",
    )
    assert [line[name] for name in ("Reason", "Licence", "Licence number")] == ["", "", ""]
    for ending in ("", ".csv", ".xlsx"):
        assert _ask(narrow, ["auditor"], "GET", f"{path}{ending}").status_code == 403


def test_an_answer_read_member_by_member_is_as_it_was_for_who_sees_everything(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.load(everyone())
    urls = [
        "/v1/practitioners?name=lindqvist",
        f"/v1/practitioners/{service.public_id('anna')}",
        "/v1/verifications",
    ]
    urls += [
        f"/v1/verifications/{service.verify(licenceNumber='RN-100.1').get_json()['id']}",
        "/v1/feed-runs",
    ]
    before = [service.get(url).get_data() for url in urls]
    # As for somebody who sees less: nothing that an answer holds is unknown to the policy, whoever wrote it.
    monkeypatch.setattr(Audience, "sees_all", lambda *_: False)
    assert [service.get(url).get_data() for url in urls] == before
