"""The access log on both databases: written before the answer, or no answer."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from registry.access.caller import Caller
from registry.access.log import events_about, loggable, record_access
from registry.access.purposes import check_purpose
from registry.access.tables import access_event, access_event_subject, metadata
from registry.database import open_database
from registry.errors import AccessLogUnavailableError, BadRequestError
from registry.settings import Access, Purpose, Secret
from tests.registry.access.harness import NURSE_NUMBER, settings_for

CALLER = Caller(
    "https://issuer.example",
    "employer-1",
    client_id="registry",
    organisation="2120000142",
    personal_number=Secret(NURSE_NUMBER),
)
_PLAIN = Purpose(sv="Skäl", en="Reason", ground_sv="Lag", ground_en="Law")
ACCESS = Access(purposes={"recruitment": _PLAIN, "employment": _PLAIN}, role_scopes={}, scope_acr={})


@pytest.fixture
def engine(each_database: str) -> Iterator[sa.Engine]:
    engine = open_database(each_database, settings_for(None, each_database).database, service=True)
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def _record(engine: sa.Engine, **changes: object) -> int:
    values: dict[str, Any] = {
        "purpose": "recruitment",
        "action": "verify",
        "question": {"licenceNumber": "LK-123"},
        "answer": "yes",
        "practitioner_ids": [7],
        "request_id": "r-1",
        **changes,
    }
    return record_access(engine, ACCESS, CALLER, **values)


def _count(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(access_event)).scalar_one())


def test_an_event_says_who_what_whom_why_and_when(engine: sa.Engine) -> None:
    before = datetime.now(UTC)
    event_id = _record(engine, practitioner_ids=[9, 7, 9])
    with engine.connect() as connection:
        row = connection.execute(sa.select(access_event)).one()
        shown = connection.execute(sa.select(access_event_subject.c.practitioner_id)).scalars().all()
    assert row.id == event_id
    assert (row.issuer, row.subject, row.client_id) == ("https://issuer.example", "employer-1", "registry")
    assert (row.organisation, row.purpose, row.action) == ("2120000142", "recruitment", "verify")
    assert (row.question, row.answer, row.request_id) == ('{"licenceNumber":"LK-123"}', "yes", "r-1")
    at = row.at.replace(tzinfo=UTC) if row.at.tzinfo is None else row.at
    assert before - timedelta(seconds=1) <= at <= datetime.now(UTC) + timedelta(seconds=1)
    assert sorted(shown) == [7, 9]


def test_an_answer_about_nobody_is_an_event_too(engine: sa.Engine) -> None:
    _record(engine, practitioner_ids=[], answer="0", action="search")
    assert _count(engine) == 1


def test_the_callers_own_number_is_written_nowhere(engine: sa.Engine) -> None:
    _record(engine)
    with engine.connect() as connection:
        assert NURSE_NUMBER not in str(connection.execute(sa.select(access_event)).all())


@pytest.mark.parametrize(
    "changes",
    [
        {"question": {"personalIdentityNumber": NURSE_NUMBER}},
        {"question": {"q": "Anna 850709-9805"}},
        {"question": {"deep": [{"er": "850709+9805"}]}},
        {"answer": NURSE_NUMBER},
        {"action": "browse"},
    ],
)
def test_an_event_that_must_not_be_written_is_a_fault_of_the_caller(
    changes: dict[str, Any], engine: sa.Engine
) -> None:
    with pytest.raises(ValueError, match=r"personal identity number|none of") as fault:
        _record(engine, **changes)
    assert "9805" not in str(fault.value)
    assert _count(engine) == 0


def test_typed_text_is_masked_for_the_log(engine: sa.Engine) -> None:
    _record(engine, question={"q": loggable("Anna 850709-9805"), "born": loggable("1985-07-09")})
    with engine.connect() as connection:
        question = connection.execute(sa.select(access_event.c.question)).scalar_one()
    assert question == '{"born":"1985-07-09","q":"Anna [personal number]"}'


def test_a_purpose_outside_the_settings_is_refused_with_the_list(engine: sa.Engine) -> None:
    with pytest.raises(BadRequestError, match="recruitment, employment"):
        _record(engine, purpose="curiosity")
    with pytest.raises(BadRequestError):
        check_purpose("", ACCESS)
    assert check_purpose("employment", ACCESS) == "employment"
    assert _count(engine) == 0


def test_an_event_that_cannot_be_written_is_no_answer_and_tells_nothing(engine: sa.Engine) -> None:
    access_event_subject.drop(engine)
    with pytest.raises(AccessLogUnavailableError) as refused:
        _record(engine, question={"q": "Anna Andersson"})
    assert refused.value.__cause__ is None
    assert "Anna" not in f"{refused.value} {refused.value.extra}"
    assert "INSERT" not in str(refused.value)
    assert _count(engine) == 0, "the event without its subjects is taken back"


def test_a_database_that_is_locked_is_no_answer(database: str) -> None:
    settings = settings_for(None, database, REGISTRY_DATABASE__SQLITE_BUSY_TIMEOUT_MS="50").database
    engine = open_database(database, settings, service=True)
    metadata.create_all(engine)
    with engine.execution_options(registry_write=True).begin(), pytest.raises(AccessLogUnavailableError):
        _record(engine)
    assert _record(engine) == 1
    engine.dispose()


def test_a_person_sees_who_looked_the_latest_first(engine: sa.Engine) -> None:
    for n in range(5):
        _record(engine, practitioner_ids=[7, 8] if n % 2 else [8], answer=f"answer {n}")
    with engine.connect() as connection:
        events = events_about(connection, [7], 10)
        assert [event.answer for event in events] == ["answer 3", "answer 1"]
        latest = events_about(connection, [8], 2)
        assert [event.answer for event in latest] == ["answer 4", "answer 3"]
        assert events_about(connection, [99], 10) == []
        # One event that showed the person under two ids is one line; pages go on where the last one ended.
        assert [event.answer for event in events_about(connection, [7, 8], 3)] == [
            "answer 4",
            "answer 3",
            "answer 2",
        ]
        rest = events_about(connection, [7, 8], 9, before=latest[-1].id)
        assert [event.answer for event in rest] == ["answer 2", "answer 1", "answer 0"]
    assert (events[0].subject, events[0].organisation, events[0].purpose) == (
        "employer-1",
        "2120000142",
        "recruitment",
    )
    assert events[0].at.tzinfo is not None
    assert "licence" not in repr(events), "what was asked may tell about others"
