"""A whole small registry for page tests: people loaded and published, the service and a login provider over HTTP."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from flask import Flask

from indexer.feeds.rows import BadRow
from indexer.publish import publish
from registry.access.log import NOBODY as NO_PERSON
from registry.access.tables import access_event, access_event_subject
from registry.checks.desk import open_desk
from registry.checks.lists.worker import Worker
from registry.database import writing
from registry.identifiers import HSA_ID, PERSONAL_IDENTITY_NUMBER, check_digit
from registry.records import tables as t
from registry.records.facts import (
    IdentifierFacts,
    LicenceFacts,
    NameFacts,
    PersonFacts,
    RestrictionFacts,
    SpecialtyFacts,
)
from registry.sandbox.config import SandboxUser
from registry.search import open_engine
from registry.settings import CONFIG
from registry.web import create_app
from tests.registry.access.harness import AUDIENCE, Idp, Switch, running, running_idp, sign_in
from tests.support.world import World, licence, make_settings, person, source_rows


def number(eight: str, serial: int = 980) -> str:
    """A personal identity number of Skatteverket's test range, whose serials are never given to a person."""
    nine = f"{eight[2:]}{serial}"
    return f"{eight}{serial}{check_digit(nine)}"


NURSE, REVOKED, PROBATION, PROTECTED, NOBODY, NAMELESS = (
    number(day) for day in ("19850709", "19700102", "19661231", "19900909", "19550505", "19750606")
)
EMPLOYER = SandboxUser("ebba", "Ebba Exempel", roles=("employer",), organisation="2120000142")
# Of another organisation.
OUTSIDER = SandboxUser("olle", "Olle Utanför", roles=("employer",), organisation="2321000131")
STAFF = SandboxUser("nils", "Nils Påhitt", roles=("staff",), personal_number=NURSE)
HIDDEN = SandboxUser("hanna", "Hanna Hemlig", roles=("staff",), personal_number=PROTECTED)
NOT_LISTED = SandboxUser("ove", "Ove Okänd", roles=("staff",), personal_number=NOBODY)
NO_NUMBER = SandboxUser("nora", "Nora Nummerlös", roles=("staff",))
NO_ROLE = SandboxUser("rolf", "Rolf Rollös", roles=("visitor",))
SEARCHER = SandboxUser("sara", "Sara Sökare", roles=("searcher",))
ADMIN = SandboxUser("adam", "Adam Administratör", roles=("administrator",))
OFFICER = SandboxUser("olga", "Olga Ombud", roles=("privacy_officer",))
# Known from a source that gives numbers and no names.
UNNAMED = SandboxUser("uno", "Uno Utan", roles=("staff",), personal_number=NAMELESS)
USERS = (EMPLOYER, OUTSIDER, STAFF, HIDDEN, UNNAMED, NOT_LISTED, NO_NUMBER, NO_ROLE, SEARCHER, ADMIN, OFFICER)
# What HOSP sent beside its people.
BAD = (
    BadRow(90, "9001", "legitimationsDatum", "expected a date as YYYY, YYYY-MM or YYYY-MM-DD", "31/31/2020"),
    BadRow(91, "", "hospId", "the person has no hospId, so nothing tells which record it is", ""),
)


def own(digits: str) -> IdentifierFacts:
    return IdentifierFacts(system=PERSONAL_IDENTITY_NUMBER, value=digits)


def swedish(key: str, profession: str, **rest: Any) -> LicenceFacts:  # noqa: ANN401 - fields of any kind
    facts: dict[str, Any] = {
        "key": key,
        "profession": profession,
        "raw_profession": key,
        "jurisdiction": "SE",
        "issued": "2005-06-14",
        "valid_from": "2005-06-14",
        "raw_status": "giltigLegitimation=true",
    }
    return licence(**{**facts, **rest})


HOSP: dict[str, PersonFacts] = {
    "nurse": person(
        "Påhitt",
        "Nils",
        "Erik",
        birth_date="1985-07-09",
        county="Gotlands län",
        identifiers=(own(NURSE), IdentifierFacts(system=HSA_ID, value="SE2321000131-P000000000042")),
        licences=[
            swedish(
                "SJ",
                "registered-nurse",
                number="SJ-100",
                specialties=(SpecialtyFacts(code="33", text="Ambulanssjukvård", valid_from="2012-05"),),
            )
        ],
    ),
    "revoked": person(
        "Lindström-Öhman",
        "Anna",
        names=(
            NameFacts(family="Lindström-Öhman", given=("Anna",)),
            NameFacts(use="former", family="Öhman", given=("Anna",)),
        ),
        birth_date="1970-01-02",
        identifiers=(own(REVOKED),),
        licences=[
            swedish(
                "LK",
                "physician",
                number="LK-200",
                restrictions=(
                    RestrictionFacts(
                        kind="revoked", code="001", text="Återkallad legitimation", valid_from="2024-03-01"
                    ),
                ),
            ),
            swedish("SJ", "registered-nurse", number="SJ-201"),
        ],
    ),
    "probation": person(
        "Prövo",
        "Per",
        birth_date="1966-12-31",
        identifiers=(own(PROBATION),),
        licences=[
            swedish(
                "PS",
                "psychologist",
                number="PS-300",
                restrictions=(
                    RestrictionFacts(kind="probation", code="002", text="Prövotid", valid_from="2025-01-01"),
                ),
            )
        ],
    ),
    "protected": person(
        "Hemlig",
        "Hanna",
        birth_date="1990-09-09",
        protected=True,
        identifiers=(own(PROTECTED),),
        licences=[swedish("BM", "midwife", number="BM-400")],
    ),
    "deceased": person(
        "Avliden",
        "Axel",
        birth_date="1940-01-01",
        deceased=True,
        deceased_date="2025-02-03",
        licences=[swedish("AP", "pharmacist", number="AP-450")],
    ),
    "both": person(
        "Bägge",
        "Bo",
        licences=[
            swedish("SJ", "registered-nurse", number="BO-1"),
            swedish("BM", "midwife", number="BO-2"),
            swedish("OLD", "midwife", number="BO-3", status="lapsed", raw_status="upphört"),
        ],
        identifiers=(IdentifierFacts(system=HSA_ID, value="SE2321000131-P000000000077"),),
    ),
    "nameless": PersonFacts(
        names=(), identifiers=(own(NAMELESS),), licences=(swedish("KP", "chiropractor", number="KP-550"),)
    ),
    "markup": person(
        "<script>alert(1)</script>",
        "Mallory",
        birth_date="1960",
        licences=[swedish("TL", "dentist", number="TL-500", raw_status="<b>")],
    ),
    **{
        f"many-{index:02}": person(
            "Andersson",
            f"Kim{chr(97 + index)}",
            birth_date=f"19{60 + index}-03-03",
            licences=[
                swedish(
                    "AT", "occupational-therapist" if index % 3 else "dietitian", number=f"AT-{600 + index}"
                )
            ],
        )
        for index in range(25)
    },
}
WASHINGTON: dict[str, PersonFacts] = {
    "abroad": person(
        "Miller",
        "Grace",
        birth_date="1979",
        licences=[
            licence(
                "RN60999111",
                jurisdiction="US-WA",
                profession="registered-nurse",
                raw_profession="Registered Nurse License",
                raw_status="ACTIVE",
            ),
            licence(
                "ZZ1",
                jurisdiction="US-WA",
                profession="unknown",
                raw_profession="Dream Reader",
                status="unknown",
            ),
        ],
    ),
}


@dataclass
class House:
    """The running service."""

    url: str
    world: World
    app: Flask
    idp: Idp

    @contextmanager
    def browser(self, user: SandboxUser | None = None, accept: str = "sv") -> Iterator[httpx.Client]:
        """A browser without script, logged in as `user`."""
        headers = {"Accept": "text/html", "Accept-Language": accept}
        with httpx.Client(base_url=self.url, follow_redirects=True, headers=headers) as browser:
            if user:
                sign_in(browser, f"{self.url}/login", user.subject)
            yield browser

    def public_id(self, family: str) -> str:
        """The id in URLs of the person with this family name."""
        query = (
            sa.select(t.practitioner.c.public_id)
            .join(t.practitioner_name, t.practitioner_name.c.practitioner_id == t.practitioner.c.id)
            .where(t.practitioner_name.c.family == family)
        )
        with self.world.engine.connect() as connection:
            return str(connection.scalars(query).first())

    def events(self) -> list[Any]:
        """Every access event, the oldest first."""
        with self.world.access_engine.connect() as connection:
            return list(connection.execute(sa.select(access_event).order_by(access_event.c.id)).all())

    def event_people(self, event_id: int) -> set[int]:
        """Whom an access event is about."""
        query = sa.select(access_event_subject.c.practitioner_id).where(
            access_event_subject.c.event_id == event_id, access_event_subject.c.practitioner_id != NO_PERSON
        )
        with self.world.access_engine.connect() as connection:
            return set(connection.scalars(query))

    def work(self) -> int:
        """Answer every staff list that waits, as a worker does; return how many rows there were."""
        desk = open_desk(self.world.settings)
        try:
            return Worker(desk).run(once=True)
        finally:
            desk.close()

    def publish(self) -> None:
        """Publish what waits, as the indexer does."""
        _publish(self.world)

    def protect(self, family: str) -> None:
        """Mark a person as protected, as a run of their feed would."""
        person = sa.select(t.practitioner.c.id).where(t.practitioner.c.public_id == self.public_id(family))
        with writing(self.world.engine).begin() as connection:
            connection.execute(
                sa.update(t.practitioner).where(t.practitioner.c.id.in_(person)).values(protected=True)
            )

    def break_access_log(self) -> None:
        """Make the table of access events unusable."""
        with writing(self.world.access_engine).begin() as connection:
            connection.execute(sa.text("ALTER TABLE access_event RENAME TO lost"))

    def break_sessions(self) -> None:
        """Make the table of sessions unusable."""
        with writing(self.world.access_engine).begin() as connection:
            connection.execute(sa.text("ALTER TABLE web_session RENAME TO lost_sessions"))

    def age_feeds(self, *, days: int) -> None:
        """Make every run an older one."""
        with writing(self.world.engine).begin() as connection:
            then = datetime.now(UTC) - timedelta(days=days)
            connection.execute(sa.update(t.feed_run).values(finished_at=then, started_at=then))


def policy_file(folder: Path, before: str = "", after: str = "") -> str:
    """Write the policy that is shipped, in which searchers see what employers see, with one part of it changed."""
    text = (CONFIG / "policy.toml").read_text("utf-8")
    assert before in text
    path = folder / "policy.toml"
    path.write_text(
        text.replace('claims = ["employer"]', 'claims = ["employer", "searcher"]').replace(before, after, 1),
        "utf-8",
    )
    return str(path)


@contextmanager
def running_house(
    folder: Path, *, published: bool = True, tokens: bool = False, **environ: str
) -> Iterator[House]:
    """Make the registry and serve it until the block ends; with `tokens` it takes the provider's bearer tokens too."""
    switch = Switch()
    with running(switch) as url, running_idp(url, users=USERS) as idp:
        settings = make_settings(
            folder,
            REGISTRY_SERVICE__BASE_URL=url,
            REGISTRY_LOGIN__ISSUER=idp.issuer,
            # The provider answers from this very process, which a browser and other tests keep waiting at times.
            REGISTRY_TOKENS__TIMEOUT_S="10",
            REGISTRY_LOGIN__CLIENT_SECRET=idp.client("registry").secret.reveal(),
            REGISTRY_ACCESS__ROLE_SCOPES=(
                '{employer = ["registry:search", "registry:read", "registry:verify"], '
                'staff = ["registry:self"], searcher = ["registry:search"], administrator = ["registry:admin", "registry:corrections"], '
                'privacy_officer = ["registry:reports", "registry:oversight"]}'
            ),
            **{
                "REGISTRY_ACCESS__POLICY_FILE": policy_file(folder),
                **(_trusting(idp) if tokens else {}),
                **environ,
            },
        )
        world = World(settings)
        now = datetime.now(UTC)
        world.describe_feed("hosp", name_sv="HOSP", name_en="HOSP (Sweden)")
        # Fresh, and yet known for long enough to answer about yesterday.
        world.load([*source_rows(HOSP), *BAD], feed="hosp", finished_at=now - timedelta(hours=40))
        world.describe_feed("washington", name_sv="Washingtons register", name_en="Washington register")
        world.load(WASHINGTON, feed="washington", finished_at=now - timedelta(hours=2))
        if published:
            _publish(world)
        app = create_app(settings)
        switch.app = app.wsgi_app
        yield House(url, world, app, idp)
        world.close()


def _trusting(idp: Idp) -> dict[str, str]:
    return {
        "REGISTRY_TOKENS__ISSUER": idp.issuer,
        "REGISTRY_TOKENS__AUDIENCE": AUDIENCE,
        "REGISTRY_TOKENS__BOUND_BULK": "false",
        "REGISTRY_TOKENS__BOUND_SCOPES": "[]",
    }


def _publish(world: World) -> None:
    engine = open_engine(world.settings.search, indexer=True)
    publish(world.engine, engine, world.settings, lambda _text, _count: None)
    engine.close()


class _Reader(HTMLParser):
    """Reads a page as somebody does who sees only its words."""

    def __init__(self, page: httpx.Response) -> None:
        super().__init__()
        self.tokens: list[str] = []
        self.words: list[str] = []
        self.heading = ""
        self._inside: list[str] = []
        self.feed(page.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if found.get("name") == "csrf_token":
            self.tokens.append(found.get("value") or "")
        if tag in {"h1", "title", "style"}:
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            self._inside.remove(tag)

    def handle_data(self, data: str) -> None:
        if "h1" in self._inside:
            self.heading += data
        self.words += data.replace("\xa0", " ").split()


def csrf(page: httpx.Response) -> str:
    """The proof in the first form of a page."""
    return _Reader(page).tokens[0]


def heading(page: httpx.Response) -> str:
    """The page's main heading."""
    return _Reader(page).heading


def text(page: httpx.Response) -> str:
    """The words of a page, one space between two."""
    return " ".join(_Reader(page).words)


def without_noise(page: httpx.Response) -> str:
    """A page without what differs from one answer to the next: proofs, times, ids of the request and the check."""
    shown = re.sub(r'value="[A-Za-z0-9_=-]{80,}"', "", page.text)
    shown = re.sub(r"\d\d[.:]\d\d", "", shown)
    shown = re.sub(r"\bver_[A-Za-z0-9_-]{22}", "", shown)
    return re.sub(r"\b[0-9a-f]{32}\b", "", shown)


def send(browser: httpx.Client, path: str, **fields: str) -> httpx.Response:
    """Fill a form of the start page and send it; `_` in names stands for `-`."""
    token = csrf(browser.get("/"))
    data = {name.replace("_", "-"): value for name, value in fields.items()}
    return browser.post(path, data={"csrf_token": token, **data})


def send_file(
    browser: httpx.Client, data: bytes, name: str = "personal.csv", **fields: str
) -> httpx.Response:
    """Send a staff list by its form."""
    token = csrf(browser.get("/lists"))
    values = {"purpose": "employment", **{each.replace("_", "-"): text for each, text in fields.items()}}
    return browser.post("/lists", data={"csrf_token": token, **values}, files={"file": (name, data)})


def press(browser: httpx.Client, page: httpx.Response, action: str, **fields: str) -> httpx.Response:
    """Send the form of a page that leads to an address with this end; fields are given as they are named."""
    address = next(each for each in re.findall(r'action="([^"]+)"', page.text) if each.endswith(action))
    return browser.post(address, data={"csrf_token": csrf(page), **fields})
