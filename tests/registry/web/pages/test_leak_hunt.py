"""A hunt for people with a protected identity: all of them, at every address, as everybody, in the index, the log and the tables.

They were found, checked and listed like everybody else until the mark came, so that whatever keeps something about people keeps it
about them. Then every rule of the URL map is asked with every id of theirs that anybody may have kept, and nothing that tells of
them may come back but what was in the request itself. A rule with a parameter that the hunt does not know fails the test.
"""

import base64
import json
import os
import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx
import msgspec
import pytest
import sqlalchemy as sa
from werkzeug.routing import Rule

from registry.access.log import events_about
from registry.access.tables import metadata
from registry.checks.desk import open_desk
from registry.checks.subject_requests import LookUp, Wrong, make
from registry.records import tables as t
from registry.records.facts import PersonFacts
from registry.search import open_engine
from registry.search.document import document_key
from tests.registry.checks.lists.sheets import csv_text
from tests.registry.web.pages.house import (
    ADMIN,
    EMPLOYER,
    OFFICER,
    OUTSIDER,
    SEARCHER,
    STAFF,
    House,
    csrf,
    number,
    own,
    press,
    running_house,
    send,
    send_file,
    swedish,
)
from tests.support.world import person

SOAK = bool(os.environ.get("REGISTRY_TEST_SOAK"))
PEOPLE, PROTECTED = (20_000, 200) if SOAK else (400, 8)
SCOPES = "registry:search registry:read registry:verify registry:admin"
_SYLLABLES = ("bra", "dne", "fli", "gro", "hvu", "kly", "mös", "näp", "påt", "rix")
# Characters of which a form has at least so many.
_BEGINNING = 6
ORGANISATION = "https://id.oidc.se/claim/orgNumber"
_JSON = {"Accept": "application/json"}


@dataclass(frozen=True)
class Prey:
    """One protected person: what must not be told, and under which ids they were known."""

    family: str
    given: str
    digits: str
    licence: str
    public_id: str = ""
    evidence: str = ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts that nobody else has."""
        digits = self.digits
        numbers = (digits, digits[2:], f"{digits[:8]}-{digits[8:]}", f"{digits[2:8]}-{digits[8:]}")
        return (self.family, self.given, *numbers, self.licence, self.public_id)


def word(n: int, *, first: str) -> str:
    """A name that is nobody else's."""
    return first + "".join(_SYLLABLES[int(digit)] for digit in f"{n:05}")


def prey(n: int) -> Prey:
    day = f"{1950 + n % 50}{1 + n // 50 % 12:02}{1 + n // 600 % 28:02}"
    return Prey(
        word(n, first="Jak"),
        word(n, first="Osa"),
        number(day, 981 + n // 16_800),
        f"JAKT-{n:05}-{n * 7919 % 9973:04}",
    )


def facts(one: Prey, *, protected: bool) -> PersonFacts:
    return person(
        one.family,
        one.given,
        birth_date=f"{one.digits[:4]}-{one.digits[4:6]}-{one.digits[6:8]}",
        identifiers=(own(one.digits),),
        licences=[swedish("SJ", "registered-nurse", number=one.licence)],
        protected=protected,
    )


def forms(secret: str) -> Iterator[str]:
    """The ways in which a text may stand somewhere, in lower case."""
    folded = "".join(c for c in unicodedata.normalize("NFKD", secret) if not unicodedata.combining(c))
    for text in {secret, folded}:
        yield text.lower()
        yield quote(text).lower()
        yield json.dumps(text)[1:-1].lower()
        yield text.encode().hex()
        for shift in range(3):
            # Without what the neighbours of a text decide in base 64.
            encoded = base64.b64encode(b"\0" * shift + text.encode()).decode().rstrip("=")
            yield encoded[(0, 2, 3)[shift] : -1].lower()


class Hunter:
    """Knows every form of every secret, and finds them in texts in one pass."""

    def __init__(self, hunted: list[Prey]) -> None:
        self._of = {
            form: (place, secret)
            for place, one in enumerate(hunted)
            for secret in one.secrets
            for form in forms(secret)
            if len(form) >= _BEGINNING
        }
        # Thousands of forms in one regular expression are tried one by one at every place; how a form begins is looked up.
        self._beginnings: dict[str, list[str]] = {}
        for form in self._of:
            self._beginnings.setdefault(form[:_BEGINNING], []).append(form)

    def found(self, text: str, asked: str = "") -> set[str]:
        """Return the secrets in a text, but for those of which a form stands in the request: it is told what it said."""
        hits = self._hits(text)
        said = self._hits(asked) if hits else set()
        return {secret for place, secret in hits if (place, secret) not in said}

    def _hits(self, text: str) -> set[tuple[int, str]]:
        lower, beginnings = text.lower(), self._beginnings
        return {
            self._of[form]
            for at in range(len(lower) - _BEGINNING + 1)
            for form in beginnings.get(lower[at : at + _BEGINNING], ())
            if lower.startswith(form, at)
        }


def test_the_hunter_sees_what_it_hunts() -> None:
    one = prey(3)
    hunter = Hunter([one])
    for seen in (
        f"<td>{one.family.upper()}</td>",
        quote(f"?q={one.given}"),
        json.dumps({"name": one.family}),
        base64.b64encode(f"x{one.family}y".encode()).decode(),
        one.digits.encode().hex(),
        f"{one.digits[2:8]}-{one.digits[8:]}",
        "".join(c for c in unicodedata.normalize("NFKD", one.family) if not unicodedata.combining(c)),
    ):
        assert hunter.found(seen), seen
    assert not hunter.found(word(4, first="Jak"))
    assert not hunter.found(one.family, asked=one.family)
    assert hunter.found(f"{one.family} {one.given}", asked=one.family) == {one.given}


@dataclass
class Hunt:
    """The house, everybody who asks, and what is hunted."""

    house: House
    hunted: list[Prey]
    hunter: Hunter
    browsers: dict[str, httpx.Client]
    list_id: str
    requests: list[str]
    asked: int = 0

    def ask(self, who: str, method: str, url: str, **rest: object) -> str:
        """Ask as somebody, and say what leaks."""
        self.asked += 1
        answer = self.browsers[who].request(method, url, follow_redirects=False, **rest)  # type: ignore[arg-type]
        asked = f"{method} {url} {rest}"
        leaked = self.hunter.found(answer.text + str(answer.headers), asked)
        assert not leaked, (who, asked, answer.status_code, leaked)
        # Nothing is hunted where a limit answers.
        assert answer.status_code < 500, (who, asked, answer.text[:300])
        assert answer.status_code != 429, (who, asked, answer.text[:300])
        return answer.text


# Whoever asks so much in so short a time is told to wait.
_UNLIMITED = {
    "REGISTRY_RATES__CALLER_PER_MINUTE": "0",
    "REGISTRY_RATES__ORGANISATION_PER_MINUTE": "0",
    "REGISTRY_RATES__REFUSED_PER_MINUTE": "0",
    "REGISTRY_CHECKS__QUOTAS__CHECKS_PER_MINUTE": "1000000",
    "REGISTRY_CHECKS__QUOTAS__CHECKS_PER_DAY": "1000000",
    "REGISTRY_CHECKS__UNUSUAL__NOT_FOUND": "0",
}


@pytest.fixture(scope="module", params=["small", "large"] if SOAK else ["small"])
def hunt(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hunt]:
    """A register in which some have become protected a moment ago, after all had been looked at."""
    size = large(request) if request.param == "large" else {}
    folder = tmp_path_factory.mktemp("hunt")
    with (
        running_house(folder, published=True, tokens=True, **_UNLIMITED, **size) as house,
        ExitStack() as stack,
    ):
        everybody = [prey(n) for n in range(PEOPLE)]
        house.world.load(
            {f"p{n}": facts(one, protected=False) for n, one in enumerate(everybody)}, feed="hunt"
        )
        house.publish()
        step = PEOPLE // PROTECTED
        hunted = [_known(house, everybody[n]) for n in range(step // 2, PEOPLE, step)]
        users = {"employer": EMPLOYER, "admin": ADMIN, "staff": STAFF, "officer": OFFICER}
        if SOAK:
            users |= {"outsider": OUTSIDER, "searcher": SEARCHER}
        browsers = {name: stack.enter_context(house.browser(user)) for name, user in users.items()}
        browsers["nobody"] = stack.enter_context(house.browser())
        token = house.idp.token(scope=SCOPES, **{ORGANISATION: EMPLOYER.organisation})
        browsers["system"] = stack.enter_context(
            httpx.Client(base_url=house.url, headers={**_JSON, "Authorization": f"Bearer {token}"})
        )
        employer = browsers["employer"]
        hunted = [_checked(employer, one) for one in hunted]
        list_id = _listed(house, employer, hunted)
        for one in hunted[:3]:
            assert (
                one.given
                in employer.get(f"/search?{urlencode({'q': one.family, 'purpose': 'recruitment'})}").text
            )
        told = browsers["system"].get(
            f"/v1/practitioners?{urlencode({'q': hunted[0].family, 'purpose': 'recruitment'})}"
        )
        assert hunted[0].given in told.text
        marked = {one.digits for one in hunted}
        house.world.load(
            {f"p{n}": facts(one, protected=one.digits in marked) for n, one in enumerate(everybody)},
            feed="hunt",
        )
        requests = [each for one in hunted for each in _requested(house, one)]
        yield Hunt(house, hunted, Hunter(hunted), browsers, list_id, requests)


def large(request: pytest.FixtureRequest) -> dict[str, str]:
    """Settings of the large house: PostgreSQL and OpenSearch."""
    return {
        "REGISTRY_DATABASE__URL": request.getfixturevalue("kept_postgres_database")(),
        "REGISTRY_SEARCH__ENGINE": "opensearch",
        "REGISTRY_SEARCH__OPENSEARCH__URLS": f'["{request.getfixturevalue("opensearch_url")}"]',
        "REGISTRY_SEARCH__OPENSEARCH__PREFIX": "leak-hunt",
    }


def _known(house: House, one: Prey) -> Prey:
    return Prey(one.family, one.given, one.digits, one.licence, house.public_id(one.family))


def _checked(employer: httpx.Client, one: Prey) -> Prey:
    """Check somebody as long as they may be found: evidence is kept."""
    page = send(employer, "/check", way="personal-number", personal_number=one.digits, purpose="recruitment")
    assert one.family in page.text
    evidence = re.findall(r"/checks/(ver_[A-Za-z0-9_-]{22})", page.text)[0]
    return Prey(one.family, one.given, one.digits, one.licence, one.public_id, evidence)


def _requested(house: House, one: Prey) -> Iterator[str]:
    """Let somebody report a look-up and ask for a correction: those who answer learn whose licence, and not who it is."""
    desk = open_desk(house.world.settings)
    own = sa.select(t.practitioner.c.id, t.licence.c.id, t.licence.c.authority_id).join(t.licence)
    with desk.truth.connect() as connection:
        person, licence, authority = connection.execute(
            own.where(t.practitioner.c.public_id == one.public_id)
        ).one()
    with desk.access.connect() as connection:
        (event,) = events_about(connection, [person], 1)
    for about in (LookUp(event.id), Wrong("licence", authority, licence), Wrong("person", authority)):
        yield make(
            desk.access,
            desk.sealer,
            desk.settings.checks.subject_requests,
            practitioner_id=person,
            about=about,
            words="Det här stämmer inte.",
            now=desk.now(),
        )
    desk.close()


def _listed(house: House, employer: httpx.Client, hunted: list[Prey]) -> str:
    rows = [(str(n), one.licence) for n, one in enumerate(hunted)]
    page = send_file(employer, csv_text(("Anst.nr", "Legitimationsnummer"), *rows).encode())
    page = press(employer, page, "/columns", **{"column-1": "reference", "column-2": "licenceNumber"})
    house.work()
    return str(re.findall(r"lst_[A-Za-z0-9_-]{22}", str(page.url))[0])


def values(hunt: Hunt, name: str, rule: Rule) -> list[str]:
    """What a parameter of an address is asked with: every id that anybody may have kept."""
    people = [one.public_id for one in hunt.hunted]
    evidence = [one.evidence for one in hunt.hunted]
    known: dict[str, list[str]] = {
        "public_id": people,
        "practitioner_id": people,
        "check_id": evidence,
        "evidence_id": evidence,
        "verification_id": evidence,
        "list_id": [hunt.list_id],
        "request_id": hunt.requests,
        "batch_id": [hunt.list_id],
        "feed_id": ["hunt", "hosp"],
        "run_id": ["1", "2", "3", "4", "5"],
        "filename": ["frame.css"],
        "form": ["csv", "xlsx", "json"],
        "kind": ["csv", "ndjson"],
    }
    if name in known:
        return known[name]
    if name == "id":
        of = {
            "practitioners": people,
            "verifications": evidence,
            "verification-batches": [hunt.list_id],
            "feeds": ["hunt"],
        }
        room = rule.rule.split("/")[2]
        if room in of:
            return of[room]
    # Whatever else there is: any id that somebody may try there.
    converter = type(rule._converters[name]).__name__
    if converter == "IntegerConverter":
        return ["1", "2", "7"]
    if converter == "AnyConverter":
        return sorted(re.findall(r"\w+", re.search(rf"any\(([^)]*)\):{name}>", rule.rule)[1]))  # type: ignore[index]
    return [*people, *evidence, hunt.list_id, "hunt"]


def addresses(hunt: Hunt, rule: Rule) -> list[str]:
    """Return a rule's addresses, filled with every value of its parameters."""
    made = [re.sub(r"<(?:[^:<>]+:)?(\w+)>", r"<\1>", rule.rule)]
    for name in sorted(rule.arguments):
        made = [
            each.replace(f"<{name}>", quote(value)) for each in made for value in values(hunt, name, rule)
        ]
    return made


# No answer of ours about anybody: logging out would end the hunt, and the provider's own pages are the provider's.
_LEFT_OUT = re.compile(r"log-?out|logged-out|login|callback|sessions|revocation")


def everywhere(hunt: Hunt) -> Iterator[tuple[str, str]]:
    """Every method and address of the URL map."""
    for rule in hunt.house.app.url_map.iter_rules():
        if _LEFT_OUT.search(rule.endpoint) or _LEFT_OUT.search(rule.rule):
            continue
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            # What deletes would take away what is hunted for later.
            if method == "GET" or not re.search(r"delet|cancel|withdraw", rule.rule):
                yield from ((method, address) for address in addresses(hunt, rule))


def hunt_everywhere(hunt: Hunt) -> None:
    """Ask every rule as everybody; what is posted is empty but for a purpose."""
    tokens = {name: _csrf(browser) for name, browser in hunt.browsers.items()}
    for place, (method, address) in enumerate(everywhere(hunt)):
        for who in hunt.browsers:
            # An employer and a system ask for all of hundreds, everybody else for one in eleven (of every kind of address, then).
            if SOAK and place % 11 and who not in {"employer", "system"}:
                continue
            if method == "GET":
                hunt.ask(who, "GET", f"{address}?purpose=recruitment")
                if SOAK:
                    hunt.ask(who, "GET", address)
            elif who == "system":
                hunt.ask(who, "POST", address, json={"purpose": "recruitment"})
            else:
                hunt.ask(who, "POST", address, data={"csrf_token": tokens[who], "purpose": "recruitment"})


def _csrf(browser: httpx.Client) -> str:
    page = browser.get("/check-none" if "Authorization" in browser.headers else "/")
    return csrf(page) if "csrf_token" in page.text else ""


def hunt_by_name_and_number(hunt: Hunt) -> None:
    """Search, suggest and check with what somebody may know of each of them."""
    token = _csrf(hunt.browsers["employer"])
    for one in hunt.hunted:
        for q in (one.family, one.given, one.family[:-2], one.licence, f"{one.family} {one.given}"):
            asked = urlencode({"q": q, "purpose": "recruitment"})
            for path in ("/search", "/search/suggestions"):
                hunt.ask("employer", "GET", f"{path}?{asked}")
            for path in ("/v1/practitioners", "/v1/suggestions"):
                hunt.ask("system", "GET", f"{path}?{asked}")
        for question in (
            {"personalIdentityNumber": one.digits},
            {"licenceNumber": one.licence},
            {"licenceNumber": one.licence, "onDate": "2020-01-01"},
            {
                "name": f"{one.given} {one.family}",
                "birthDate": f"{one.digits[:4]}-{one.digits[4:6]}-{one.digits[6:8]}",
            },
        ):
            hunt.ask("system", "POST", "/v1/verifications", json={"purpose": "recruitment", **question})
        fields = {"way": "personal-number", "personal-number": one.digits, "purpose": "recruitment"}
        hunt.ask("employer", "POST", "/check", data={"csrf_token": token, **fields})


def tables(engine: sa.Engine, made: sa.MetaData) -> Iterator[tuple[str, str]]:
    """Every row of every table, as text; what is sealed stays sealed."""
    with engine.connect() as connection:
        for table in made.sorted_tables:
            for row in connection.execute(sa.select(table)):
                yield (
                    table.name,
                    " ".join(
                        value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in row
                    ),
                )


@pytest.mark.soak
def test_nothing_tells_of_anybody_protected(hunt: Hunt, capfd: pytest.CaptureFixture[str]) -> None:
    steps: list[Callable[[Hunt], None]] = [hunt_everywhere, hunt_by_name_and_number]
    # First while the index still holds them, as in the seconds before publishing goes on or after a crash between.
    for step in steps:
        step(hunt)
    hunt.house.publish()
    for step in steps if SOAK else steps[1:]:
        step(hunt)
    rules = len(list(hunt.house.app.url_map.iter_rules()))
    assert hunt.asked > 5 * rules
    logged = capfd.readouterr()
    # Addresses with ids stand in the server's own lines; names and numbers nowhere.
    ids = {one.public_id for one in hunt.hunted}
    assert hunt.hunter.found(logged.out + logged.err) - ids == set()


def test_no_document_of_the_index_tells_of_anybody_protected(hunt: Hunt) -> None:
    hunt.house.publish()
    engine = open_engine(hunt.house.world.settings.search, indexer=True)
    with hunt.house.world.engine.connect() as connection:
        licences = list(
            connection.execute(
                sa.select(t.licence.c.id, t.licence.c.number).where(t.licence.c.feed_id == "hunt")
            )
        )
    documents = engine.stored([document_key(f"l{one.id}") for one in licences])
    engine.close()
    hidden = {one.licence for one in hunt.hunted}
    assert set(documents) == {document_key(f"l{one.id}") for one in licences if one.number not in hidden}
    told = msgspec.json.encode(list(documents.values()), enc_hook=str).decode()
    assert hunt.hunter.found(told) == set()


def test_what_answering_keeps_holds_nothing_plain_of_anybody_protected(hunt: Hunt) -> None:
    """Evidence, lists, keys, quotas, consents and sessions. The log of who asked keeps the question as it was asked."""
    for table, row in tables(hunt.house.world.access_engine, metadata):
        if table != "access_event":
            assert not hunt.hunter.found(row), table


def test_the_files_of_the_house_hold_no_names_beside_sql_and_index(hunt: Hunt) -> None:
    """No cache, spool or export lies about."""
    folder = Path(hunt.house.world.settings.search.tantivy.path).parent
    for path in folder.rglob("*"):
        beside = "index" not in path.relative_to(folder).parts and ".db" not in path.name
        if path.is_file() and beside:
            assert not hunt.hunter.found(path.read_bytes().decode("latin-1")), path.name
