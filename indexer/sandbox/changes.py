"""What happens to people from one day to the next. None = the register no longer has the person."""

from collections.abc import Callable

from msgspec.structs import replace

from indexer.sandbox import american_names, directory_register, swedish_names, swedish_register
from indexer.sandbox.draw import Draw, Weighted
from indexer.sandbox.identities import personal_number
from indexer.sandbox.model import (
    Credential,
    Provider,
    ProviderName,
    Qualification,
    Restriction,
    SwedishLicence,
    SwedishPerson,
    WashingtonPerson,
)
from indexer.sandbox.washington_register import ACTIVE, EXPIRED, STATUSES
from registry.identifiers import COORDINATION_NUMBER, personal_system
from registry.identifiers import born as birth_date_of

Swedish = Callable[[Draw, SwedishPerson, int], SwedishPerson | None]


def _swede_vanishes(_draw: Draw, _person: SwedishPerson, _year: int) -> SwedishPerson | None:
    return None


def _becomes_protected(_draw: Draw, person: SwedishPerson, _year: int) -> SwedishPerson:
    return replace(person, protected=True)


def _dies(_draw: Draw, person: SwedishPerson, year: int) -> SwedishPerson:
    return person if person.deceased else replace(person, deceased=True, deceased_on=f"{year}-01")


def _emigrates(_draw: Draw, person: SwedishPerson, _year: int) -> SwedishPerson:
    return replace(person, emigrated=True, county="", municipality="", place="")


def _changes_name(draw: Draw, person: SwedishPerson, _year: int) -> SwedishPerson:
    # The old surname often stays as middle name.
    return replace(
        person,
        family=swedish_names.surname(draw),
        middle=person.family if draw.chance(0.4) else person.middle,
    )


def _moves(draw: Draw, person: SwedishPerson, _year: int) -> SwedishPerson:
    county, _, municipality, place = swedish_register.PLACES.pick(draw)
    return replace(person, county=county, municipality=municipality, place=place)


def _is_restricted(draw: Draw, person: SwedishPerson, year: int) -> SwedishPerson:
    options = [Restriction("001", f"{year}-01-01"), Restriction("002", f"{year}-01-01", f"{year + 3}-01-01")]
    if person.licences[-1].prescribes:
        options.append(Restriction("003", f"{year}-01-01", text=swedish_register.PRESCRIBING_LIMITS[0]))
    restriction = draw.one(options)
    return _licence_changed(person, lambda licence: replace(licence, restrictions=(restriction,)))


def _restriction_ends(_draw: Draw, person: SwedishPerson, _year: int) -> SwedishPerson:
    return _licence_changed(person, lambda licence: replace(licence, valid=True, restrictions=()))


def _recoded(_draw: Draw, person: SwedishPerson, year: int) -> SwedishPerson:
    """Let a sjukgymnast become fysioterapeut: the code changes, the licence is the same."""
    return replace(
        person,
        licences=tuple(
            replace(licence, code="FT", text=swedish_register.PROFESSIONS["FT"], recoded=f"{year}-01-01")
            if licence.code == "SG"
            else licence
            for licence in person.licences
        ),
    )


def _gets_licence(_draw: Draw, person: SwedishPerson, year: int) -> SwedishPerson:
    codes = {licence.code for licence in person.licences}
    new = "BM" if "SJ" in codes else "PT" if codes & {"PS", "HK"} else "SJ"
    if new in codes:
        return person
    licence = SwedishLicence(code=new, text=swedish_register.PROFESSIONS[new], issued=f"{year}-01-01")
    return replace(person, licences=(*person.licences, licence))


def _gets_personal_number(_draw: Draw, person: SwedishPerson, _year: int) -> SwedishPerson:
    """Being registered in Sweden replaces the coordination number, which is kept as the former one."""
    if not person.number or personal_system(person.number) != COORDINATION_NUMBER:
        return person
    day = birth_date_of(person.number)
    assert day is not None
    return replace(person, number=personal_number(day, int(person.number[8:11])), former_number=person.number)


def _licence_changed(
    person: SwedishPerson, change: Callable[[SwedishLicence], SwedishLicence]
) -> SwedishPerson:
    """Change the person's last licence."""
    *others, licence = person.licences
    return replace(person, licences=(*others, change(licence)))


_SWEDISH: Weighted[Swedish] = Weighted(
    {
        _swede_vanishes: 8,
        _becomes_protected: 3,
        _dies: 8,
        _emigrates: 5,
        _changes_name: 25,
        _moves: 25,
        _is_restricted: 8,
        _restriction_ends: 3,
        _recoded: 2,
        _gets_licence: 10,
        _gets_personal_number: 5,
    }
)


def swede(draw: Draw, person: SwedishPerson, year: int) -> SwedishPerson | None:
    """Let one thing happen to a person of the Swedish register."""
    if draw.chance(0.15):
        # What concerns few people would else never happen to any of them.
        if personal_system(person.number or "0" * 12) == COORDINATION_NUMBER:
            return _gets_personal_number(draw, person, year)
        if any(licence.code == "SG" for licence in person.licences):
            return _recoded(draw, person, year)
    return _SWEDISH.pick(draw)(draw, person, year)


def washingtonian(draw: Draw, person: WashingtonPerson, year: int) -> WashingtonPerson | None:
    """Let one thing happen to a person of Washington's register: renewals mostly; few ever leave it."""
    if draw.chance(0.01):
        return None
    if draw.chance(0.1):
        return replace(person, family=american_names.surname(draw))
    place = draw.within(0, len(person.credentials) - 1)
    credentials = list(person.credentials)
    credentials[place] = _credential(draw, credentials[place], year)
    return replace(person, credentials=tuple(credentials))


def _credential(draw: Draw, credential: Credential, year: int) -> Credential:
    if draw.chance(0.6):
        return replace(
            credential,
            status=ACTIVE,
            first_issued=credential.first_issued or f"{year}-01-01",
            last_issued=f"{year}-01-01",
            expires=f"{year + 2}{credential.expires[4:].replace('02-29', '02-28') or '-12-31'}",
        )
    status = EXPIRED if draw.chance(0.5) else STATUSES.pick(draw)
    return replace(credential, status=status, action="Yes" if status != EXPIRED else credential.action)


def provider(draw: Draw, person: Provider, year: int) -> Provider | None:
    """Let one thing happen to a person of the provider directory."""
    if draw.chance(0.03):
        return None
    if draw.chance(0.3):
        name = person.names[0]
        new = replace(name, family=american_names.surname(draw))
        old = ProviderName(use="old", family=name.family, given=name.given)
        return replace(person, names=(new, old, *person.names[1:]))
    if draw.chance(0.5) and person.qualifications:
        ended = replace(person.qualifications[0], end=f"{year + draw.within(-1, 2)}-12-31")
        return replace(person, qualifications=(ended, *person.qualifications[1:]))
    state, city, postal_code, _, board = directory_register.STATES.pick(draw)
    code, text, _ = directory_register.TAXONOMY.pick(draw)
    number = f"{draw.within(100_000, 999_999)}"
    new_licence = Qualification(
        number=number, state=state, taxonomy=code, text=text, issuer=board, start=f"{year}-01-01"
    )
    return replace(
        person,
        city=city,
        state=state,
        postal_code=postal_code,
        qualifications=(*person.qualifications, new_licence),
    )
