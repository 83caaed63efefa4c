"""HSA answers, as the transport spools them, to rows."""

import json
from pathlib import Path

import orjson
import pytest

from indexer.feeds import GoneRow, SourceRow
from tests.indexer.feeds import hsa_text as t
from tests.indexer.feeds.hsa_rows import FULL, OPTIONS, OTHER_NAMES, PROXY, line, record, refused, rows, soap


def test_an_answer_becomes_one_record_with_the_personal_number_as_key(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, soap(t.response()))
    assert isinstance(row, SourceRow)
    assert (row.row, row.key, row.raw) == (1, t.ANNA, row.payload)
    assert record(row) == {
        "personalIdentityNumber": t.ANNA,
        "healthCareProfessionalLicence": [
            {"healthCareProfessionalLicenceCode": "LK", "healthCareProfessionalLicenceName": "Läkare"}
        ],
    }


def test_the_format_says_that_its_keys_are_personal() -> None:
    assert OPTIONS.personal_keys


def test_soap_and_both_json_forms_of_one_answer_are_one_record(tmp_path: Path) -> None:
    by_soap, by_proxy, by_file = rows(
        tmp_path,
        soap(t.response(inner=FULL)),
        line(json={"credentials": {"personalIdentityNumber": t.ANNA, **PROXY}}),
        json.dumps({"personalIdentityNumber": t.ANNA, **OTHER_NAMES}, indent=1),
    )
    assert record(by_soap) == record(by_proxy) == record(by_file)
    assert record(by_soap)["healthcareProfessionalLicenseIdentityNumber"] == ["90000001"]
    assert [row.row for row in (by_soap, by_proxy, by_file)] == [1, 2, 3]


@pytest.mark.parametrize(
    "written",
    [
        t.envelope(t.response(inner=FULL)),
        t.response(inner=FULL),
        t.envelope(t.response(inner=FULL)).replace("r:", "x:").replace(":r=", ":x="),
        t.envelope(t.response(inner=FULL)).replace("<r:edu", "<!-- c --><?pi?>\n  <r:edu"),
        t.envelope(t.response(inner=FULL)).replace(
            "m3:healthCareProfessionalLicenceName", "m3:healtCareProfessionalLicenceName"
        ),
        t.envelope(t.response(inner=FULL)).replace(
            "healthCareProfessionalLicenceCode", "healthCareProfessionalLicenseCode"
        ),
        t.envelope(t.response(inner=FULL)).replace(t.ANNA, f"{t.ANNA[:8]}-{t.ANNA[8:]}"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_envelopes_prefixes_spellings_and_encodings_change_no_record(
    tmp_path: Path, written: str, encoding: str
) -> None:
    (plain,) = rows(tmp_path, soap(t.response(inner=FULL)))
    if not written.startswith("<?xml"):
        written = f'<?xml version="1.0" encoding="UTF-8"?>{written}'
    declared = {"utf-8-sig": "UTF-8", "utf-16": "UTF-16"}.get(encoding, encoding)
    (other,) = rows(tmp_path, written.replace('encoding="UTF-8"', f'encoding="{declared}"').encode(encoding))
    assert record(other) == record(plain)


def test_what_is_not_known_is_kept_under_its_own_name(tmp_path: Path) -> None:
    new = '<e:nytt xmlns:e="urn:ext"><e:a>1</e:a></e:nytt><r:mer>2</r:mer>'
    (row,) = rows(tmp_path, soap(t.response(inner=t.licence() + new)))
    assert record(row)["nytt"] == [{"a": "1"}]
    assert record(row)["mer"] == ["2"]


def test_several_answers_about_one_person_are_one_record_in_any_order(tmp_path: Path) -> None:
    nurse = t.response(inner=t.licence("SJ", "Sjuksköterska"))
    doctor = t.response(inner=t.licence() + t.restriction("002", "Prövotid"))
    one, other = rows(tmp_path, soap(nurse, doctor, t.EMPTY), soap(doctor, doctor, nurse))
    assert record(one) == record(other)
    assert len(record(one)["healthCareProfessionalLicence"]) == 2
    assert len(record(one)["restrictions"]) == 1


def test_a_feigned_answer_counts_for_nothing_beside_a_real_one(tmp_path: Path) -> None:
    feigned = t.response(inner=t.licence("TL", "Tandläkare") + "<r:feignedPerson>1</r:feignedPerson>")
    both, alone = rows(tmp_path, soap(feigned, t.response()), soap(feigned))
    assert [
        one["healthCareProfessionalLicenceCode"] for one in record(both)["healthCareProfessionalLicence"]
    ] == ["LK"]
    assert "feignedPerson" not in record(both)
    assert record(alone)["feignedPerson"] is True


@pytest.mark.parametrize(
    "empty",
    [
        {"soap": f"<answers>{t.EMPTY}</answers>"},
        {"soap": f"<answers>{t.response(t.ANNA, '')}</answers>"},
        {"soap": f"<answers>{t.response(t.ANNA, '<r:healthCareProfessionalLicence/>')}</answers>"},
        {"json": None},
        {"json": {}},
        {"json": []},
        {"json": {"credentials": None}},
        {"json": t.answer(None, healthCareProfessionalLicence=[])},  # type: ignore[arg-type]
        {"json": t.answer(healthCareProfessionalLicence=[{}], restrictions=None)},
    ],
)
def test_an_empty_answer_says_that_nobody_confirms_the_record_any_more(
    tmp_path: Path, empty: dict[str, object]
) -> None:
    """Not that the person has no licence: what is gone keeps its last facts, and whoever asks is told to ask."""
    assert rows(tmp_path, line(t.ANNA, **empty)) == [GoneRow(1, t.ANNA)]


@pytest.mark.parametrize(
    "other",
    [
        {"soap": f"<answers>{t.response(t.BO)}</answers>"},
        {"soap": f"<answers>{t.response(t.BO, '')}</answers>"},
        {"soap": f"<answers>{t.response()}{t.response(t.BO)}</answers>"},
        {"json": t.answer(t.BO)},
    ],
)
def test_an_answer_about_another_person_is_refused_and_stored_under_nobody(
    tmp_path: Path, other: dict[str, object]
) -> None:
    (bad,) = rows(tmp_path, line(t.ANNA, **other))
    assert refused(bad) == (
        t.ANNA,
        "personalIdentityNumber",
        "the answer is about another person than the one asked about",
    )


_NONE = "the answer does not say whom it is about"


@pytest.mark.parametrize(
    ("answer", "field", "reason"),
    [
        ({"json": t.answer(None)}, "personalIdentityNumber", _NONE),  # type: ignore[arg-type]
        ({"json": t.answer("19800101")}, "personalIdentityNumber", "expected twelve digits"),
        ({"json": t.answer([t.ANNA, t.BO])}, "personalIdentityNumber", "the answer names several people"),  # type: ignore[arg-type]
        (
            {"soap": f"<answers>{t.response(root='1.2.752.29.4.19')}</answers>"},
            "personalIdentityNumber",
            "the number is of another kind than a personal identity or coordination number",
        ),
        ({"json": t.answer(feignedPerson="kanske")}, "feignedPerson", "neither true nor false"),
        ({"json": {"error": "no session"}}, "", "nothing of an answer to GetHospCredentialsForPerson in it"),
        ({"json": ["LK"]}, "", "no object where an answer belongs"),
        ({"json": orjson.loads("[" * 30 + "]" * 30)}, "", "nested deeper than any answer"),
        (
            {"json": t.answer(mer=orjson.loads("[" * 30 + "1" + "]" * 30))},
            "",
            "nested deeper than any answer",
        ),
        (
            {"json": t.answer(mer=orjson.loads('{"a":' * 30 + "1" + "}" * 30))},
            "",
            "nested deeper than any answer",
        ),
        ({"soap": t.response(inner="<a>" * 30 + "</a>" * 30)}, "", "nested deeper than any answer"),
        ({"soap": "<html><body>Log in</body></html>"}, "", "no GetHospCredentialsForPersonResponse in it"),
        ({"soap": "<answers>"}, "", "the XML ends in the middle"),
        ({"soap": "<answers></other>"}, "", "no well-formed XML"),
        ({"soap": t.FAULT.partition("\n")[2]}, "Fault", "the service answers with a SOAP fault (Server)"),
        (
            {"soap": f"<!DOCTYPE a>{t.response()}"},
            "",
            "a DOCTYPE, which may hide entities; no answer needs one",
        ),
        (
            {"unanswered": "status 503, also after 5 attempts"},
            "",
            "the service gave no answer about this person: status 503, also after 5 attempts",
        ),
    ],
)
def test_an_answer_that_cannot_be_read_is_refused_and_the_next_goes_on(
    tmp_path: Path, answer: dict[str, object], field: str, reason: str
) -> None:
    bad, good = rows(tmp_path, line(t.ANNA, **answer) + soap(t.response(t.BO), subject=t.BO))
    assert refused(bad) == (t.ANNA, field, reason)
    assert isinstance(good, SourceRow)
    assert (good.row, good.key) == (2, t.BO)


def test_a_line_without_subject_digits_is_refused_without_a_key(tmp_path: Path) -> None:
    (bad,) = rows(tmp_path, line("", json=t.answer()))
    assert refused(bad) == ("", "subject", "the line does not say whom it is about")


def test_restrictions_without_content_still_are_restrictions(tmp_path: Path) -> None:
    by_soap, by_json, nil = rows(
        tmp_path,
        soap(t.response(inner=t.licence() + "<r:restrictions/>")),
        line(json=t.answer(restrictions=[{}])),
        soap(
            t.response(
                inner=t.licence()
                + '<r:restrictions xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>'
            )
        ),
    )
    assert record(by_soap)["restrictions"] == record(by_json)["restrictions"] == [{}]
    assert "restrictions" not in record(nil)


def test_bare_texts_where_objects_belong_are_read(tmp_path: Path) -> None:
    given = t.answer(healthCareProfessionalLicence=["NA", "Läkare"], restrictions=["001", "Prövotid"])
    (row,) = rows(tmp_path, line(json=given))
    assert record(row)["healthCareProfessionalLicence"] == [
        {"healthCareProfessionalLicenceCode": "NA"},
        {"healthCareProfessionalLicenceName": "Läkare"},
    ]
    assert record(row)["restrictions"] == [{"restrictionCode": "001"}, {"restrictionName": "Prövotid"}]


def test_an_identity_as_root_and_extension_is_read_in_json_too(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, line(json=t.answer({"root": "1.2.752.129.2.1.3.1", "extension": t.ANNA})))  # type: ignore[arg-type]
    assert record(row)["personalIdentityNumber"] == t.ANNA
