"""The people whom the README, the demo and the tests speak of.

They are in every sandbox of at least `plan.FIXED_FROM` people, whatever its seed.

Their surnames are made up from words for trying out (prov, mock, sample), so that nobody takes them for real.
What happens to them depends only on the day and the year of the plan.
"""

from datetime import date

from msgspec.structs import replace

from indexer.sandbox.directory_register import WASHINGTON_BOARD
from indexer.sandbox.identities import HOSP_ID_FROM, npi, personal_number
from indexer.sandbox.model import (
    Credential,
    Provider,
    ProviderName,
    Qualification,
    Restriction,
    Specialty,
    SwedishLicence,
    SwedishPerson,
    WashingtonPerson,
)
from indexer.sandbox.swedish_register import PRESCRIBERS, PROFESSIONS

# Birth date and birth number of each, which no generated person gets.
_BORN = {
    "ACTIVE_NURSE": (date(1984, 3, 12), 982),
    "REVOKED_PHYSICIAN": (date(1971, 9, 30), 981),
    "PHYSICIAN_ON_PROBATION": (date(1988, 1, 17), 990),
    "PROTECTED": (date(1979, 11, 5), 984),
    "NAMESAKE": (date(1990, 6, 15), 980),
    "OTHER_NAMESAKE": (date(1990, 6, 15), 988),
    "DECEASED": (date(1948, 2, 29), 985),
    "STAFF": (date(1992, 8, 24), 996),
    "REVOKED_ON_DAY_1": (date(1981, 12, 2), 983),
    "PROTECTED_ON_DAY_1": (date(1995, 4, 8), 986),
    "MARRIED_ON_DAY_1": (date(1989, 5, 21), 992),
    "IN_TWO_REGISTERS": (date(1976, 7, 7), 987),
    "FORMER_COORDINATION_NUMBER": (date(1987, 10, 14), 994),
    "EMPLOYER": (date(1968, 3, 3), 999),
}
TAKEN = frozenset(_BORN.values())


def _number(who: str, *, coordination: bool = False) -> str:
    return personal_number(*_BORN[who], coordination=coordination)


# Personal identity numbers (12 digits) and HOSP ids that the demo and the README use.
ACTIVE_NURSE_NUMBER = _number("ACTIVE_NURSE")
REVOKED_PHYSICIAN_NUMBER = _number("REVOKED_PHYSICIAN")
PHYSICIAN_ON_PROBATION_NUMBER = _number("PHYSICIAN_ON_PROBATION")
PROTECTED_NUMBER = _number("PROTECTED")
NAMESAKE_NUMBERS = (_number("NAMESAKE"), _number("OTHER_NAMESAKE"))
DECEASED_NUMBER = _number("DECEASED")
REVOKED_ON_DAY_1_NUMBER = _number("REVOKED_ON_DAY_1")
PROTECTED_ON_DAY_1_NUMBER = _number("PROTECTED_ON_DAY_1")
MARRIED_ON_DAY_1_NUMBER = _number("MARRIED_ON_DAY_1")
IN_TWO_REGISTERS_NUMBER = _number("IN_TWO_REGISTERS")
FORMER_COORDINATION_NUMBER = _number("FORMER_COORDINATION_NUMBER", coordination=True)

# The sandbox logins. STAFF is in the register and may see her own record; EMPLOYER is not in it.
STAFF_NUMBER, STAFF_GIVEN, STAFF_FAMILY = _number("STAFF"), "Alma", "Provlycke"
EMPLOYER_NUMBER, EMPLOYER_GIVEN, EMPLOYER_FAMILY = _number("EMPLOYER"), "Staffan", "Provchef"

# What the protected person is called; no register tells.
PROTECTED_GIVEN, PROTECTED_FAMILY = "Mira", "Provdal"

# Licence numbers: HOSP ids below those of generated people, Washington numbers that are not issued.
ACTIVE_NURSE_HOSP_ID = HOSP_ID_FROM - 100
SOCIAL_WORKER_ACTIVE_CREDENTIAL = "LW68000101"
SOCIAL_WORKER_SUSPENDED_CREDENTIAL = "SW68000102"
NURSE_IN_BOTH_CREDENTIAL = "RN68000103"
NURSE_IN_BOTH_NPI = npi(99_999_901)
FORMER_NAME_NPI = npi(99_999_902)
PHYSICIAN_IN_BOTH_NPI = npi(99_999_903)


def swedes(year: int, day: int) -> tuple[SwedishPerson, ...]:
    """Return the fixed people of the Swedish register as they are on the day."""
    probation = (Restriction("002", f"{year - 1}-02-01", f"{year + 2}-02-01"),)
    revoked = (Restriction("001", f"{year - 3}-05-20"),)
    revoked_on_day_1 = (Restriction("001", f"{year}-01-01"),) if day else ()
    nurse = _licence("SJ", "2008-06-30")
    return (
        _person(0, "ACTIVE_NURSE", "Saga Linnéa", "Provberg", nurse),
        # The licence is still marked as valid: only the restriction tells.
        _person(1, "REVOKED_PHYSICIAN", "Viktor", "Provlund", _licence("LK", "1999-04-19", revoked)),
        _person(
            2, "PHYSICIAN_ON_PROBATION", "Ebba Sofia", "Provström", _licence("LK", "2016-01-25", probation)
        ),
        replace(_person(3, "PROTECTED", PROTECTED_GIVEN, PROTECTED_FAMILY, nurse), protected=True),
        _person(4, "NAMESAKE", "Elin Maria", "Provgren", _licence("SJ", "2013-01-21")),
        _person(5, "OTHER_NAMESAKE", "Elin Maria", "Provgren", _licence("AT", "2014-06-11")),
        replace(
            _person(6, "DECEASED", "Gunnar Åke", "Provsten", _licence("LK", "1974")),
            deceased=True,
            deceased_on="2021-04",
        ),
        _person(7, "STAFF", STAFF_GIVEN, STAFF_FAMILY, _licence("HK", "2019-11-04")),
        _person(
            8, "REVOKED_ON_DAY_1", "Nils Erik", "Provfors", _licence("SJ", "2006-02-03", revoked_on_day_1)
        ),
        replace(
            _person(9, "PROTECTED_ON_DAY_1", "Iris", "Provhage", _licence("PS", "2020-09-01")),
            protected=day > 0,
        ),
        _person(
            10, "MARRIED_ON_DAY_1", "Tuva", "Provek" if day else "Provholm", _licence("BM", "2017-03-15")
        ),
        _person(11, "IN_TWO_REGISTERS", "Oskar", "Provnäs", _psychiatrist()),
        replace(
            _person(12, "FORMER_COORDINATION_NUMBER", "Amira", "Al-Provi", _licence("TL", "2018-12-10")),
            former_number=FORMER_COORDINATION_NUMBER,
        ),
    )


def washingtonians(year: int) -> tuple[WashingtonPerson, ...]:
    """Return the fixed people of Washington's register."""
    return (
        WashingtonPerson(
            family="Mockingham",
            given="Grace",
            middle="Ann",
            birth_year="1979",
            credentials=(
                _credential(
                    SOCIAL_WORKER_ACTIVE_CREDENTIAL, "Social Worker Independent Clinical License", year
                ),
            ),
        ),
        WashingtonPerson(
            family="Mockridge",
            given="Dale",
            birth_year="1966",
            credentials=(
                replace(
                    _credential(SOCIAL_WORKER_SUSPENDED_CREDENTIAL, "Social Worker Advanced License", year),
                    status="Suspended",
                    action="Yes",
                ),
            ),
        ),
        WashingtonPerson(
            family="Samplewood",
            given="Daniel",
            middle="R",
            birth_year="1985",
            credentials=(_credential(NURSE_IN_BOTH_CREDENTIAL, "Registered Nurse License", year),),
        ),
    )


def providers(year: int) -> tuple[Provider, ...]:
    """Return the fixed people of the provider directory."""
    return (
        Provider(
            id="5a1d3c52-0001-4000-8000-000000000001",
            npi=NURSE_IN_BOTH_NPI,
            names=(ProviderName(use="official", family="Samplewood", given=("Daniel", "R")),),
            sex="M",
            city="Spokane",
            state="WA",
            postal_code="99201",
            qualifications=(
                _qualification(NURSE_IN_BOTH_CREDENTIAL, "WA", "163W00000X", "Registered Nurse", year),
            ),
        ),
        Provider(
            id="5a1d3c52-0001-4000-8000-000000000002",
            npi=FORMER_NAME_NPI,
            names=(
                ProviderName(use="official", family="Mockbridge", given=("Hannah", "Lee"), prefix="DR."),
                ProviderName(use="maiden", family="Samplefield", given=("Hannah", "Lee")),
            ),
            born="1983-02",
            sex="F",
            city="Portland",
            state="OR",
            postal_code="97204",
            qualifications=(_qualification("MD680104", "OR", "207Q00000X", "Family Medicine", year),),
        ),
        Provider(
            id="5a1d3c52-0001-4000-8000-000000000003",
            npi=PHYSICIAN_IN_BOTH_NPI,
            swedish_number=IN_TWO_REGISTERS_NUMBER,
            names=(ProviderName(use="official", family="Provnas", given=("Oskar",)),),
            born="1976-07-07",
            sex="M",
            city="Bloomington",
            state="MN",
            postal_code="55425",
            qualifications=(_qualification("R 680105-3", "MN", "2084P0800X", "Psychiatry", year),),
        ),
    )


def _person(place: int, who: str, given: str, family: str, licence: SwedishLicence) -> SwedishPerson:
    born, birth_number = _BORN[who]
    return SwedishPerson(
        hosp_id=ACTIVE_NURSE_HOSP_ID + place,
        number=_number(who),
        family=family,
        given=tuple(given.split()),
        called=given.split(maxsplit=1)[0] if " " in given else "",
        born=born.isoformat(),
        sex="M" if birth_number % 2 else "F",
        county="03",
        municipality="0380",
        place="Uppsala",
        prescriber_code=9_990_000 + place if licence.code in PRESCRIBERS else None,
        licences=(licence,),
    )


def _licence(code: str, issued: str, restrictions: tuple[Restriction, ...] = ()) -> SwedishLicence:
    return SwedishLicence(
        code=code,
        text=PROFESSIONS[code],
        issued=issued,
        school="Uppsala universitet",
        prescribes=True if code in PRESCRIBERS else None,
        prescribes_since=issued if code in PRESCRIBERS else "",
        restrictions=restrictions,
    )


def _psychiatrist() -> SwedishLicence:
    specialty = Specialty("1510", "1.2.752.116.3.1.8", "Psykiatri", "2012-05")
    return replace(_licence("LK", "2004-08-16"), specialties=(specialty,))


def _credential(number: str, kind: str, year: int) -> Credential:
    return Credential(
        number=number,
        type=kind,
        status="Active",
        first_issued="2012-05-14",
        last_issued=f"{year - 1}-12-05",
        expires=f"{year + 1}-12-31",
    )


def _qualification(number: str, state: str, taxonomy: str, text: str, year: int) -> Qualification:
    return Qualification(
        number=number,
        state=state,
        taxonomy=taxonomy,
        text=text,
        issuer=WASHINGTON_BOARD if state == "WA" else f"Licensing board, {state}",
        start="2012-05-14",
        end=f"{year + 1}-12-31",
    )
