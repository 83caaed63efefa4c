"""The privacy officer's page: who asked, who was refused, which days stand out; in both languages, for that role alone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import sqlalchemy as sa

from registry.access.refusals import OTHERS
from registry.access.tables import access_event, access_refusal
from registry.checks.tables import check_unusual
from registry.database import writing
from tests.registry.web.pages.house import (
    ADMIN,
    EMPLOYER,
    NURSE,
    OFFICER,
    STAFF,
    House,
    heading,
    running_house,
    send,
    text,
)

# A day in whose month nobody asks but this test.
DAY = datetime(2025, 3, 12, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A registry in which one organisation asked, and was refused, far more often on one day than on others."""
    with running_house(tmp_path_factory.mktemp("oversight")) as house:
        event = {
            "issuer": "https://idp.example",
            "subject": "s",
            "client_id": "ward",
            "organisation": "2321000131",
            "purpose": "employment",
            "action": "verify",
            "question": "{}",
            "answer": "not found",
            "request_id": "r",
        }
        unusual = {
            "noticed_at": DAY,
            "kind": "consecutive",
            "seen": 31,
            "bound": 30,
            "organisation": "2321000131",
            "issuer": "https://idp.example",
            "subject": "s",
            "client_id": "ward",
            "caller": "c",
            "slowed_until": DAY,
        }
        refused = [
            {"kind": kind, "organisation": who, "issuer": who, "client_id": who, "count": count}
            for kind, who, count in (("insufficient-scope", "2321000131", 70), ("invalid-token", OTHERS, 3))
        ]
        with writing(house.world.access_engine).begin() as connection:
            connection.execute(access_event.insert(), [{**event, "at": DAY} for _ in range(80)])
            connection.execute(check_unusual.insert(), unusual)
            connection.execute(access_refusal.insert(), [{**one, "day": DAY.date()} for one in refused])
        yield house


@pytest.fixture
def officer(place: House) -> Iterator[httpx.Client]:
    with place.browser(OFFICER) as browser:
        yield browser


def test_the_page_tells_who_asked_who_was_refused_and_what_stands_out(officer: httpx.Client) -> None:
    page = officer.get("/privacy?from=2025-03-01&to=2025-03-28")
    assert (page.status_code, heading(page)) == (200, "Användning och nekade försök")
    shown = text(page)
    for part in (
        "1 mars 2025 till 28 mars 2025",
        "2321000131 80 1 Under anställning eller uppdrag 80 kontroller 80 hittades inte 80",
        "2321000131 12 mars 2025 Sticker ut 80 0",
        "Nekade: 73",
        "behörigheten saknas 70",
        "Övriga, räknas inte var för sig",
        "2321000131 12 mars 2025 Sticker ut 70 0",
        "Legitimationsnummer i följd: 31, ovanligt från 30.",
    ):
        assert part in shown, part
    assert 'href="/reports"' in page.text


def test_the_page_is_in_english_too(place: House) -> None:
    with place.browser(OFFICER, accept="en") as browser:
        shown = text(browser.get("/privacy?from=2025-03-12&to=2025-03-12"))
    for part in (
        "Use and refusals",
        "checks 80",
        "not found 80",
        "No day stands out.",
        "lacks the permission 70",
    ):
        assert part.lower() in shown.lower(), part


def test_the_last_four_weeks_are_shown_when_no_days_are_asked_for(
    place: House, officer: httpx.Client
) -> None:
    with place.browser(EMPLOYER) as employer:
        send(employer, "/check", way="personal-number", personal_number=NURSE, purpose="recruitment")
    page = officer.get("/privacy")
    first = (datetime.now(UTC) - timedelta(days=27)).date()
    assert page.status_code == 200
    assert f'value="{first}"' in page.text or f'value="{first - timedelta(days=1)}"' in page.text
    assert "Inför anställning 1" in text(page)
    for secret in ("Påhitt", NURSE, "SJ-100"):
        assert secret not in page.text


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("from=igår", "Dagen går inte att läsa"),
        ("from=2025-W10-1", "Dagen går inte att läsa"),
        ("to=0001-01-01", "Dagen går inte att läsa"),
        ("from=9999-12-31&to=9999-12-31", "Dagen går inte att läsa"),
        ("from=2025-03-02&to=2025-03-01", "högst 92 dagar"),
        ("from=2025-01-01&to=2025-12-31", "högst 92 dagar"),
    ],
)
def test_days_that_can_not_be_shown_are_marked_in_the_form(
    officer: httpx.Client, query: str, told: str
) -> None:
    page = officer.get(f"/privacy?{query}")
    assert (page.status_code, told in text(page)) == (422, True)
    assert 'aria-invalid="true"' in page.text


def test_more_events_than_are_counted_at_once_are_told_in_the_form(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("bounded")
    with running_house(folder, REGISTRY_CHECKS__OVERSIGHT__MAX_EVENTS="1") as house:
        for _ in range(3):
            with house.browser(STAFF) as staff:
                assert staff.get("/me").status_code == 200
        with house.browser(OFFICER) as browser:
            page = browser.get("/privacy")
    assert (page.status_code, "Välj färre dagar" in text(page)) == (422, True)


def test_only_the_privacy_officer_sees_it_and_what_refuses_the_others_is_counted(place: House) -> None:
    for user in (EMPLOYER, STAFF, ADMIN):
        with place.browser(user) as browser:
            assert browser.get("/privacy").status_code == 403
            assert 'href="/privacy"' not in browser.get("/").text
    with place.browser() as stranger:
        assert "/privacy" not in str(stranger.get("/privacy").url.path)
    place.app.extensions["registry-context"].refusals.write()
    query = sa.select(sa.func.sum(access_refusal.c["count"])).where(
        access_refusal.c.kind == "insufficient-scope", access_refusal.c.day > DAY.date()
    )
    with place.world.access_engine.connect() as connection:
        assert connection.scalar(query) == 3
