"""The people of the Swedish register on the day they come into it."""

from datetime import date, timedelta

from msgspec.structs import replace

from indexer.sandbox import swedish_names
from indexer.sandbox import swedish_register as register
from indexer.sandbox.draw import Draw, Weighted
from indexer.sandbox.identities import HOSP_ID_FROM, PersonalNumbers, personal_number
from indexer.sandbox.model import Restriction, Sex, Specialty, SwedishLicence, SwedishPerson

# What for a stream of chance is drawn, so that one question does not disturb the answer to another.
_PERSON = 1
# Shares among the people of the register.
_NO_NUMBER = 0.006
_COORDINATION = 0.012
_HAD_COORDINATION = 0.008
_EMIGRATED = 0.015
_PROTECTED = 0.004
_NAMESAKE_EVERY = 400
_RESTRICTED = Weighted({"": 98.7, "revoked": 0.6, "probation": 0.4, "probation over": 0.3})
_PRESCRIBERS_RESTRICTED = Weighted(
    {
        "": 97.8,
        "revoked": 0.6,
        "probation": 0.4,
        "probation over": 0.3,
        "limited": 0.7,
        "probation, limited": 0.2,
    }
)


class Swedes:
    """Makes person `i` of the Swedish register, as of the day the person came.

    Args:
        seed: of the whole sandbox.
        year: that dates are laid around (see `Plan.year`).
        numbers: hands out birth dates and personal identity numbers.
    """

    def __init__(self, seed: int, year: int, numbers: PersonalNumbers) -> None:
        self._seed, self._year, self._numbers = seed, year, numbers

    def __getitem__(self, i: int) -> SwedishPerson:
        if i % _NAMESAKE_EVERY != _NAMESAKE_EVERY - 1:
            return self._one(i, self._numbers[i][0])
        # A namesake of the person before, with the same birth date: numbers of a day run out, and then the
        # number bears another date than the birth date (Skatteverket). Only the number tells the two apart.
        other = self._one(i - 1, self._numbers[i - 1][0])
        person = self._one(i, date.fromisoformat(other.born))
        return replace(
            person,
            given=other.given,
            called=other.called,
            family=other.family,
            middle=other.middle,
            sex=other.sex,
        )

    def _one(self, i: int, born: date) -> SwedishPerson:
        draw = Draw(self._seed, _PERSON, i)
        numbered, birth_number = self._numbers[i]
        sex: Sex = "M" if birth_number % 2 else "F"
        given, family = swedish_names.full_name(draw, sex, born.year)
        number, former = _numbers(draw, numbered, birth_number)
        person = SwedishPerson(
            hosp_id=HOSP_ID_FROM + i,
            number=number,
            former_number=former,
            family=family,
            middle=swedish_names.surname(draw) if draw.chance(0.08) else "",
            given=given,
            called=draw.one(given[:2]) if len(given) > 1 else "",
            born=born.isoformat(),
            sex=sex,
            licences=self._licences(draw, i, born),
        )
        return self._life(draw, person, born)

    def _life(self, draw: Draw, person: SwedishPerson, born: date) -> SwedishPerson:
        """Put in what became of the person: where they live, whether they do."""
        prescribes = any(licence.code in register.PRESCRIBERS for licence in person.licences)
        code = draw.within(1_000_000, 9_999_999) if prescribes else None
        if draw.chance(_mortality(self._year - born.year)):
            died = draw.within(min(born.year + 60, self._year - 1), self._year - 1)
            return replace(
                person, deceased=True, deceased_on=partial(draw, _day(draw, died)), prescriber_code=code
            )
        if draw.chance(_PROTECTED):
            return replace(person, protected=True)
        if draw.chance(_EMIGRATED):
            return replace(person, emigrated=True, prescriber_code=code)
        county, _, municipality, place = register.PLACES.pick(draw)
        return replace(person, county=county, municipality=municipality, place=place, prescriber_code=code)

    def _licences(self, draw: Draw, i: int, born: date) -> tuple[SwedishLicence, ...]:
        # The first people hold one profession each, so that every code is there in a small sandbox too.
        codes = tuple(register.PROFESSIONS)
        code = codes[i] if i < len(codes) else register.COMMON.pick(draw)
        found: list[SwedishLicence] = []
        earliest = born.year + draw.within(21, 30)
        basis = ""
        if code in register.BUILDS_ON:
            basis = draw.one(register.BUILDS_ON[code])
            found.append(self._licence(draw, basis, earliest))
            earliest += draw.within(1, 10)
        found.append(self._licence(draw, code, earliest, basis))
        if draw.chance(0.015):
            other = register.COMMON.pick(draw)
            if other not in {licence.code for licence in found} and other not in register.BUILDS_ON:
                found.append(self._licence(draw, other, earliest + draw.within(2, 12)))
        return tuple(found)

    def _licence(self, draw: Draw, code: str, earliest: int, basis: str = "") -> SwedishLicence:
        last = self._year - 1
        year = min(max(earliest, register.LICENSED_SINCE.get(code, 0)), last)
        issued = _day(draw, year)
        recoded = ""
        if code == "FT" and year < register.RECODED_FROM:
            recoded = _day(draw, draw.within(register.RECODED_FROM, register.RECODED_FROM + 3))
        abroad = draw.chance(0.12)
        restrictions = self._restrictions(draw, code, year)
        return SwedishLicence(
            code=code,
            text=register.PROFESSIONS[code],
            valid=_marked_valid(draw, restrictions),
            issued=partial(draw, issued),
            recoded=recoded,
            examined=_day(draw, year - 1) if draw.chance(0.5) else "",
            school="" if abroad else draw.one(register.SCHOOLS),
            country=draw.one(register.COUNTRIES) if abroad else "",
            basic_profession=register.PROFESSIONS[basis] if basis else "",
            prescribes=True if code in register.PRESCRIBERS else None,
            prescribes_since=issued if code in register.PRESCRIBERS else "",
            specialties=_specialties(draw, code, year, last),
            restrictions=restrictions,
        )

    def _restrictions(self, draw: Draw, code: str, issued: int) -> tuple[Restriction, ...]:
        year = self._year
        kind = (_PRESCRIBERS_RESTRICTED if code in register.PRESCRIBERS else _RESTRICTED).pick(draw)
        if kind == "revoked":
            return (Restriction("001", _day(draw, draw.within(issued + 1, year - 1))),)
        if kind == "probation over":
            return (probation(draw, max(issued, year - draw.within(5, 12))),)
        found: tuple[Restriction, ...] = ()
        if "probation" in kind:
            found = (probation(draw, draw.within(year - 2, year - 1)),)
        if "limited" in kind:
            found = (*found, limited(draw, draw.within(max(issued, year - 10), year - 1)))
        return found


def _marked_valid(draw: Draw, restrictions: tuple[Restriction, ...]) -> bool:
    """Mark a revoked licence mostly, but not always, as not valid: it is the restriction that counts."""
    revoked = any(restriction.code == "001" for restriction in restrictions)
    return draw.chance(0.25 if revoked else 0.996)


def probation(draw: Draw, year: int) -> Restriction:
    """Return a probation (prövotid) of three years that began in the year."""
    since = _day(draw, year)
    return Restriction("002", since, f"{year + 3}{since[4:].replace('02-29', '02-28')}")


def limited(draw: Draw, year: int) -> Restriction:
    """Return a limit on prescribing from a day of the year; it has no end date in HOSP."""
    return Restriction("003", _day(draw, year), text=draw.one(register.PRESCRIBING_LIMITS))


def _specialties(draw: Draw, code: str, licensed: int, last: int) -> tuple[Specialty, ...]:
    systems = register.SPECIALTIES.get(code)
    if not systems or not draw.chance(0.55):
        return ()
    found: dict[str, Specialty] = {}
    for _ in range(1 + draw.chance(0.15)):
        system, names = draw.one(systems)
        number, text = draw.one(names)
        year = min(licensed + draw.within(5, 12), last)
        found[text] = Specialty(number, system, text, partial(draw, _day(draw, year)))
    return tuple(found.values())


def _numbers(draw: Draw, born: date, birth_number: int) -> tuple[str, str]:
    """Return the personal number and the former one, "" where there is none."""
    roll = draw.random()
    if roll < _NO_NUMBER:
        return "", ""
    if roll < _NO_NUMBER + _COORDINATION:
        return personal_number(born, birth_number, coordination=True), ""
    number = personal_number(born, birth_number)
    if roll < _NO_NUMBER + _COORDINATION + _HAD_COORDINATION:
        return number, personal_number(born, birth_number, coordination=True)
    return number, ""


def _mortality(age: int) -> float:
    """Return the share of people born that long ago who have died (roughly; the register keeps them)."""
    return next(
        share for until, share in ((50, 0.004), (65, 0.02), (75, 0.08), (85, 0.25), (999, 0.6)) if age < until
    )


def _day(draw: Draw, year: int) -> str:
    return (date(year, 1, 1) + timedelta(days=int(draw.random() * 365))).isoformat()


def partial(draw: Draw, day: str) -> str:
    """Return the date as the register may have it: the older, the more often only a year or a month."""
    year = int(day[:4])
    shares = (0.4, 0.7) if year < 1970 else (0.05, 0.15) if year < 1990 else (0.002, 0.01)  # noqa: PLR2004 - from card index to computer
    roll = draw.random()
    return day[:4] if roll < shares[0] else day[:7] if roll < shares[1] else day
