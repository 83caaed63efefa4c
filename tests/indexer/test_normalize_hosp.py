from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from msgspec.structs import replace

from indexer.feeds import SourceRow, hosp_xml, load_feed
from indexer.feeds.options import HospOptions
from indexer.normalize.errors import BadRecordError
from indexer.normalize.of_feed import Normalizer
from registry.errors import SettingsError
from registry.identifiers import COORDINATION_NUMBER, HOSP_ID, PERSONAL_IDENTITY_NUMBER, PRESCRIBER_CODE
from registry.records.facts import LicenceFacts, PersonFacts, Status
from registry.settings import CONFIG
from registry.vocabulary import load_vocabulary
from tests.indexer.feeds.hosp_xml_text import NUMBER, code, document, licence, person, restriction

FEED = load_feed(CONFIG / "feeds" / "hosp.toml")
VOCABULARY = load_vocabulary()
Read = Callable[..., PersonFacts]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read one person element, as XML, to facts."""

    def facts(text: str, **options: object) -> PersonFacts:
        path = tmp_path / "one.xml"
        path.write_text(document(text))
        assert isinstance(FEED.options, HospOptions)
        chosen = replace(FEED.options, **options)
        (row,) = hosp_xml.parse([path], chosen, 100_000)
        assert isinstance(row, SourceRow)
        return Normalizer(replace(FEED, options=chosen), VOCABULARY).facts(row.payload)

    return facts


def the_licence(facts: PersonFacts) -> LicenceFacts:
    (found,) = facts.licences
    return found


def test_a_person_with_names_numbers_birth_date_and_county(read: Read) -> None:
    facts = read(person(more=code("lan", "01", "1.2.752.129.2.2.1.18", "Stockholms län"), licences=licence()))
    (name,) = facts.names
    assert (name.use, name.family, name.given) == ("official", "Öberg", ("Anna", "Karin", "Maria"))
    assert [(i.system, i.value, i.use) for i in facts.identifiers] == [
        (HOSP_ID, "100001", "official"),
        (PERSONAL_IDENTITY_NUMBER, NUMBER, "official"),
    ]
    assert (facts.birth_date, facts.county) == ("1980-01-01", "Stockholms län")
    assert not facts.protected
    assert not facts.deceased


def test_a_licence_with_code_text_number_and_dates(read: Read) -> None:
    found = the_licence(read(person(licences=licence("SJ"))))
    assert (found.key, found.number, found.jurisdiction) == ("SJ", "100001", "SE")
    assert (found.profession, found.raw_profession, found.raw_profession_text) == (
        "registered-nurse",
        "SJ",
        "SJ i klartext",
    )
    assert (found.status, found.raw_status) == ("active", "giltigLegitimation=true")
    assert (found.issued, found.valid_from, found.valid_to) == ("2005-06-03", "2005-06-03", None)


@pytest.mark.parametrize(
    ("value", "profession"), [("NA", "naprapath"), ("HK", "health-care-counsellor"), ("ZZ", "unknown")]
)
def test_no_profession_code_drops_the_person(read: Read, value: str, profession: str) -> None:
    found = the_licence(read(person(licences=licence(value))))
    assert (found.profession, found.raw_profession) == (profession, value)


REVOKED = restriction("001", "Återkallad legitimation")
PROBATION = restriction("002", "Prövotid", "20200101", "<tomDatum>20230101</tomDatum>")
PRESCRIBING = restriction("003", "Begränsad förskrivningsrätt")
ENDED = restriction("001", "Återkallad legitimation", "20150101", "<tomDatum>20180101</tomDatum>")
OTHER = restriction("009", "Något nytt")


@pytest.mark.parametrize(
    ("valid", "restrictions", "status"),
    [
        ("true", "", "active"),
        ("1", "", "active"),
        ("false", "", "lapsed"),
        ("0", "", "lapsed"),
        ("", "", "unknown"),
        ("ja", "", "unknown"),
        ("true", REVOKED, "revoked"),
        ("false", REVOKED, "revoked"),
        ("", REVOKED, "revoked"),
        ("true", REVOKED + PROBATION, "revoked"),
        ("true", ENDED, "restricted"),
        ("true", PROBATION, "restricted"),
        ("true", PRESCRIBING, "restricted"),
        ("true", PROBATION + PRESCRIBING, "restricted"),
        ("true", OTHER, "restricted"),
        ("false", PROBATION, "lapsed"),
    ],
)
def test_flag_and_restrictions_together_make_the_status(
    read: Read, valid: str, restrictions: str, status: Status
) -> None:
    facts = read(person(licences=licence("LK", valid, more=restrictions)))
    assert the_licence(facts).status == status


def test_restrictions_are_kept_with_kind_code_text_and_dates(read: Read) -> None:
    text = "<begransadForskrivningsrattText>Ej narkotika</begransadForskrivningsrattText>"
    limited = restriction("003", "Begränsad förskrivningsrätt", "2021", text)
    found = the_licence(read(person(licences=licence(more=PROBATION + limited + OTHER)))).restrictions
    assert [(r.kind, r.code, r.text, r.valid_from, r.valid_to) for r in found] == [
        ("probation", "002", "Prövotid", "2020-01-01", "2023-01-01"),
        ("limited-prescribing", "003", "Begränsad förskrivningsrätt: Ej narkotika", "2021", None),
        ("unknown", "009", "Något nytt", "2020-01-01", None),
    ]


@pytest.mark.parametrize("dates", ["<tomDatum>99991231</tomDatum>", "<tomDatum>snart</tomDatum>"])
def test_a_restriction_stays_whatever_its_dates(read: Read, dates: str) -> None:
    revoked = restriction("001", "Återkallad legitimation", "i våras", dates)
    found = the_licence(read(person(licences=licence(more=revoked))))
    assert found.status == "revoked"
    assert (found.restrictions[0].valid_from, found.restrictions[0].valid_to) == (None, None)


def test_specialties_keep_code_system_and_date_and_other_rights_stand_beside_them(read: Read) -> None:
    title = code("specialistinriktning", "74", "1.2.752.116.3.1.9", "Nukleärmedicin")
    right = code("behorighet", "12", "1.2.752.116.3.1.4", "Förskrivningsutbildning")
    more = (
        f"<specialistbevis>{title}<specialistbevisDatum>201005</specialistbevisDatum></specialistbevis>"
        "<specialistbevis><specialistinriktning><code>3299</code></specialistinriktning></specialistbevis>"
        f"<ovrigBehorighet>{right}<behorighetsDatum>2012</behorighetsDatum></ovrigBehorighet>"
    )
    found = the_licence(read(person(licences=licence(more=more)))).specialties
    assert [(s.code, s.system, s.text, s.valid_from) for s in found] == [
        ("74", "urn:oid:1.2.752.116.3.1.9", "Nukleärmedicin", "2010-05"),
        ("3299", "", "", None),
        ("12", "urn:oid:1.2.752.116.3.1.4", "Förskrivningsutbildning", "2012"),
    ]


def test_several_licences_have_keys_of_their_own(read: Read) -> None:
    facts = read(person(licences=licence("LK") + licence("PT") + licence("NA")))
    assert [found.key for found in facts.licences] == ["LK", "NA", "PT"]


def test_a_second_licence_of_a_profession_changes_nothing_about_the_first(read: Read) -> None:
    old, new = licence("LK", "false", "19900101", REVOKED), licence("LK", "true", "20100101")
    first = read(person(licences=old)).licences
    both = read(person(licences=new + old)).licences
    assert both[0] == first[0]
    assert [found.key for found in both] == ["LK", "LK@20100101"]
    twins = read(person(licences=old + new + new)).licences
    assert len({found.key for found in twins}) == 3


def test_a_person_without_licences_is_kept(read: Read) -> None:
    assert read(person()).licences == ()


@pytest.mark.parametrize(
    ("called", "aliases"),
    [
        ("Anna", []),
        ("anna", []),
        ("Karin", [("Karin",)]),
        ("Karin Maria", [("Karin", "Maria")]),
        ("Nanna", [("Nanna",)]),
    ],
)
def test_the_name_a_person_is_called_by_is_an_alias_if_it_is_not_the_first(
    read: Read, called: str, aliases: list[tuple[str, ...]]
) -> None:
    names = read(person(more=f"<mellannamn>Lind</mellannamn><tilltalsnamn>{called}</tilltalsnamn>")).names
    assert [name.given for name in names if name.use == "alias"] == aliases
    assert {(name.family, name.middle) for name in names} == {("Öberg", "Lind")}


def test_a_former_number_is_kept_as_old_and_its_kind_told_by_its_day(read: Read) -> None:
    old = "<tidigarePersonId><extension>197010632391</extension><root>1.2.752.129.2.1.3.3</root></tidigarePersonId>"
    assert [(i.system, i.value, i.use) for i in read(person(more=old)).identifiers][2:] == [
        (COORDINATION_NUMBER, "197010632391", "old")
    ]


def test_a_number_without_a_system_is_told_by_its_day(read: Read) -> None:
    text = person().replace("<root>1.2.752.129.2.1.3.1</root>", "")
    assert read(text).identifiers[1].system == PERSONAL_IDENTITY_NUMBER


def test_a_number_of_another_system_is_not_kept_plain(read: Read) -> None:
    reserve = person().replace("1.2.752.129.2.1.3.1", "1.2.752.74.9.1").replace(NUMBER, "98240301AA06")
    assert [i.system for i in read(reserve).identifiers] == [HOSP_ID]


def test_the_prescriber_code_is_kept_only_when_asked_for(read: Read) -> None:
    text = person(
        more="<forskrivarkod><extension>1234567</extension><root>1.2.752.116.3.1.2</root></forskrivarkod>"
    )
    assert PRESCRIBER_CODE not in [i.system for i in read(text).identifiers]
    assert (PRESCRIBER_CODE, "1234567") in [
        (i.system, i.value) for i in read(text, prescriber_code=True).identifiers
    ]


@pytest.mark.parametrize(
    ("born", "partial"),
    [("19800101", "1980-01-01"), ("1980-01-01", "1980-01-01"), ("198001", "1980-01"), ("1980", "1980")],
)
def test_a_birth_date_keeps_the_precision_it_came_with(read: Read, born: str, partial: str) -> None:
    assert read(person(born=born)).birth_date == partial


@pytest.mark.parametrize(
    ("more", "date"),
    [
        ("<avliden>true</avliden>", None),
        ("<avliden>true</avliden><avlidenDatum>2021</avlidenDatum>", "2021"),
        ("<avlidenDatum>20210304</avlidenDatum>", "2021-03-04"),
        ("<avliden>1</avliden><avlidenDatum>i fjol</avlidenDatum>", None),
    ],
)
def test_nobody_practises_on_a_deceased_persons_licence(read: Read, more: str, date: str | None) -> None:
    facts = read(
        person(more=more, licences=licence("LK") + licence("PT", "false") + licence("SJ", more=REVOKED))
    )
    assert (facts.deceased, facts.deceased_date) == (True, date)
    assert [(found.key, found.status) for found in facts.licences] == [
        ("LK", "deceased"),
        ("PT", "lapsed"),
        ("SJ", "revoked"),
    ]


def test_a_person_who_is_not_deceased_is_not(read: Read) -> None:
    assert not read(person(more="<avliden>false</avliden>")).deceased


@pytest.mark.parametrize(
    ("more", "protected"),
    [
        ("", False),
        ("<skyddadIdentitet>false</skyddadIdentitet>", False),
        ("<skyddadIdentitet>0</skyddadIdentitet>", False),
        ("<skyddadIdentitet>true</skyddadIdentitet>", True),
        ("<skyddadIdentitet> 1 </skyddadIdentitet>", True),
        ("<skyddadIdentitet>TRUE</skyddadIdentitet>", True),
        ("<skyddadIdentitet>oklart</skyddadIdentitet>", True),
        ("<skyddadIdentitetUpplysning>Kontakta oss</skyddadIdentitetUpplysning>", True),
    ],
)
def test_protection_holds_unless_it_is_clearly_denied(read: Read, more: str, protected: bool) -> None:
    assert read(person(more=more)).protected is protected


PROTECTED = "<skyddadIdentitet>true</skyddadIdentitet>"


@pytest.mark.parametrize(
    "broken",
    [
        person(more=PROTECTED, born="19801345"),
        person(more=PROTECTED).replace(NUMBER, "19800101TF04"),
        person(more=PROTECTED).replace("Öberg", "\ufffdberg"),
        person(more=PROTECTED, licences=licence(since="aldrig")),
        person(more=PROTECTED + "<lan>Stockholm</lan>"),
        person(more=PROTECTED + "<efternamn><del>Ö</del></efternamn>").replace(
            "<efternamn>Öberg</efternamn>", ""
        ),
        person(more=PROTECTED)
        .replace("<efternamn>Öberg</efternamn>", "")
        .replace("<samtligaFornamn>Anna</samtligaFornamn>", "")
        .replace("<samtligaFornamn>Karin Maria</samtligaFornamn>", ""),
    ],
)
def test_no_fault_keeps_a_protected_person_from_being_hidden(read: Read, broken: str) -> None:
    facts = read(broken)
    assert facts.protected
    assert facts.identifiers[0].value == "100001"


@pytest.mark.parametrize(
    ("text", "field", "reason"),
    [
        (person(born="19801345"), "fodelsedatum", "there is no such month"),
        (person(born="igår"), "fodelsedatum", "expected a date"),
        (person(licences=licence(since="aldrig")), "legitimationsDatum", "expected a date"),
        (person().replace(NUMBER, "19800101TF04"), "personId", "expected twelve digits"),
        (person().replace(NUMBER, "8001019804"), "personId", "expected twelve digits"),
        (person().replace(NUMBER, "198001019805"), "personId", "the check digit is wrong"),
        (person().replace(NUMBER, "198013019800"), "personId", "does not start with a date"),
        (
            person(more="<tidigarePersonId><extension>1</extension></tidigarePersonId>"),
            "tidigarePersonId",
            "expected twelve digits",
        ),
        (person().replace("Öberg", "\ufffdberg"), "efternamn", "letters were lost"),
        (person(more="<lan>Stockholm</lan>"), "lan", "Expected `object`"),
        (
            "<hospPerson><hospId><extension>1</extension></hospId><fodelsedatum>1980</fodelsedatum></hospPerson>",
            "efternamn",
            "no name at all",
        ),
    ],
)
def test_a_record_that_can_not_be_read_names_field_and_reason_without_the_value(
    read: Read, text: str, field: str, reason: str
) -> None:
    with pytest.raises(BadRecordError) as caught:
        read(text)
    assert caught.value.field == field
    assert reason in caught.value.reason
    assert "9804" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        person(born="19801345", licences=licence(more=REVOKED)),
        person(licences=licence(since="aldrig", more=REVOKED)),
        person(licences=licence(more=REVOKED)).replace("Öberg", "\ufffdberg"),
        person(licences=licence(more=REVOKED)).replace(NUMBER, "198001019805"),
    ],
)
def test_bad_news_is_not_held_back_by_another_fault(read: Read, text: str) -> None:
    """In quarantine, the older and better news would go on standing."""
    assert the_licence(read(text)).status == "revoked"


def test_a_wrong_number_is_never_joined_on(read: Read) -> None:
    facts = read(person(licences=licence(more=REVOKED)).replace(NUMBER, "198001019805"))
    assert [i.system for i in facts.identifiers] == [HOSP_ID]


def test_the_record_of_a_protected_person_without_hosp_id_can_be_read() -> None:
    payload = orjson.dumps({"skyddadIdentitet": "true", "personId": {"extension": NUMBER, "root": ""}})
    facts = Normalizer(FEED, VOCABULARY).facts(payload)
    assert facts.protected
    assert [(i.system, i.value) for i in facts.identifiers] == [(PERSONAL_IDENTITY_NUMBER, NUMBER)]


@pytest.mark.parametrize(
    "record",
    [
        {"skyddadIdentitet": {"ja": "1"}, "hospId": {"extension": "1"}, "personId": {"extension": NUMBER}},
        {
            "skyddadIdentitet": "true",
            "hospId": {"extension": "1"},
            "personId": {"extension": NUMBER},
            "lan": "01",
        },
    ],
)
def test_a_protected_person_is_found_by_number_even_if_little_can_be_read(record: dict[str, object]) -> None:
    facts = Normalizer(FEED, VOCABULARY).facts(orjson.dumps(record))
    assert facts.protected
    assert [i.value for i in facts.identifiers] == ["1", NUMBER]


def test_a_protected_person_about_whom_nothing_can_be_read_is_still_protected() -> None:
    facts = Normalizer(FEED, VOCABULARY).facts(b'{"skyddadIdentitet":"true","hospId":"1","personId":"2"}')
    assert (facts.protected, facts.identifiers) == (True, ())


def test_the_same_record_always_gives_the_same_facts(read: Read) -> None:
    text = person(licences=licence("LK", more=PROBATION) + licence("SJ"))
    assert read(text) == read(text)


def test_a_feed_with_an_unknown_vocabulary_is_told_of() -> None:
    feed = replace(FEED, options=replace(FEED.options, vocabulary="klingon"))
    with pytest.raises(
        SettingsError, match=r'options\.vocabulary = "klingon".*There are: .*hosp, .*washington'
    ):
        Normalizer(feed, VOCABULARY)
