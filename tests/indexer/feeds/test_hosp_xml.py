from pathlib import Path

import orjson
import pytest

from indexer.feeds import BadRow, MalformedFeedError, SourceRow, TruncatedFeedError, hosp_xml
from indexer.feeds.options import HospOptions
from tests.indexer.feeds.hosp_xml_text import FOOT, HEAD, NUMBER, document, licence, person

OPTIONS = HospOptions(vocabulary="hosp")


def rows(
    folder: Path, *texts: str | bytes, options: HospOptions = OPTIONS, limit: int = 100_000
) -> list[SourceRow | BadRow]:
    parts = []
    for number, text in enumerate(texts):
        parts.append(folder / f"{number}.xml")
        parts[-1].write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(hosp_xml.parse(parts, options, limit))


def test_a_person_becomes_one_record_with_its_hosp_id_as_key(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, document(person(licences=licence("NA"))))
    assert isinstance(row, SourceRow)
    assert (row.row, row.key) == (1, "100001")
    record = orjson.loads(row.payload)
    assert record["personId"] == {"extension": NUMBER, "root": "1.2.752.129.2.1.3.1"}
    assert record["samtligaFornamn"] == ["Anna", "Karin Maria"]
    assert record["legitimation"][0]["legitimeratYrke"]["code"] == "NA"


def test_rows_are_counted_over_all_parts(tmp_path: Path) -> None:
    found = rows(tmp_path, document(person("1"), person("2")), document(person("3")))
    assert [(row.row, row.key) for row in found] == [(1, "1"), (2, "2"), (3, "3")]


def test_layout_comments_and_encoding_change_no_record(tmp_path: Path) -> None:
    (plain,) = rows(tmp_path, document(person()))
    spaced = (
        document(person()).replace("><", ">\n  <!-- note --><?pi?>\n  <").replace("Öberg", " Öb<!-- -->erg ")
    )
    (other,) = rows(tmp_path, spaced.replace("UTF-8", "ISO-8859-1").encode("latin-1"))
    prefixed = document(person()).replace("<", "<n:").replace("<n:/", "</n:").replace("<n:?", "<?")
    (third,) = rows(tmp_path, prefixed.replace('xmlns="', 'xmlns:n="'))
    assert plain == other == third


ENCODINGS = {
    "UTF-8 with a byte order mark": lambda text: text.encode("utf-8-sig"),
    "UTF-16 little-endian with a mark": lambda text: (
        b"\xff\xfe" + text.replace("UTF-8", "UTF-16").encode("utf-16-le")
    ),
    "UTF-16 big-endian with a mark": lambda text: (
        b"\xfe\xff" + text.replace("UTF-8", "UTF-16").encode("utf-16-be")
    ),
    "declared ISO-8859-1": lambda text: text.replace("UTF-8", "ISO-8859-1").encode("latin-1"),
    "declared windows-1252": lambda text: text.replace("UTF-8", "windows-1252").encode("cp1252"),
    "no declaration": lambda text: text.partition("?>")[2].encode(),
    "character references": lambda text: text.encode("ascii", "xmlcharrefreplace"),
    "CDATA": lambda text: text.replace("Öberg", "<![CDATA[Öberg]]>").encode(),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_each_encoding_gives_the_same_rows(tmp_path: Path, encoding: str) -> None:
    text = document(person("1", licences=licence()), person("2"))
    assert rows(tmp_path, ENCODINGS[encoding](text)) == rows(tmp_path, text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_text_in_another_encoding_than_declared_is_told_of(tmp_path: Path, encoding: str) -> None:
    text = document(person())
    wrong = text.encode("latin-1") if encoding == "utf-8" else text.encode("utf-16-le")[:-1]
    with pytest.raises(MalformedFeedError):
        rows(tmp_path, wrong)


@pytest.mark.parametrize("mark", ["utf-8", "utf-16"])
def test_a_wrong_document_is_not_called_cut_short_whatever_its_encoding(tmp_path: Path, mark: str) -> None:
    text = document(person()).replace("</efternamn>", "</mellannamn>").replace("UTF-8", mark)
    with pytest.raises(MalformedFeedError, match="no well-formed XML"):
        rows(tmp_path, text.encode(mark))


def test_extensions_of_other_namespaces_are_left_out(tmp_path: Path) -> None:
    more = "<e:nytt><efternamn>Annan</efternamn></e:nytt>"
    (plain,) = rows(tmp_path, document(person(licences=licence())))
    (extended,) = rows(tmp_path, document(person(more=more, licences=licence(more="<e:nytt>1</e:nytt>"))))
    assert plain == extended


def test_new_elements_of_the_own_namespace_are_kept(tmp_path: Path) -> None:
    (row,) = rows(tmp_path, document(person(more="<nyUppgift>ja</nyUppgift>")))
    assert isinstance(row, SourceRow)
    assert orjson.loads(row.payload)["nyUppgift"] == "ja"


def test_the_person_element_may_have_another_name_and_namespace(tmp_path: Path) -> None:
    text = document(person()).replace("<hospPerson>", "<e:post>").replace("</hospPerson>", "</e:post>")
    (row,) = rows(tmp_path, text, options=HospOptions(vocabulary="hosp", person_element="post"))
    assert (row.key, rows(tmp_path, text)) == ("100001", [])


def test_a_person_without_hosp_id_is_a_bad_row_and_the_others_go_on(tmp_path: Path) -> None:
    nobody = person().replace("<extension>100001</extension>", "")
    bad, good = rows(tmp_path, document(nobody, person("2")))
    assert isinstance(bad, BadRow)
    assert (bad.row, bad.key, bad.field, bad.echo, bad.protected) == (1, "", "hospId", "", b"")
    assert good.key == "2"


@pytest.mark.parametrize(
    "flag",
    [
        "<skyddadIdentitet>true</skyddadIdentitet>",
        "<skyddadIdentitet>1</skyddadIdentitet>",
        "<skyddadIdentitet>kanske</skyddadIdentitet>",
        "<skyddadIdentitetUpplysning>Kontakta Socialstyrelsen</skyddadIdentitetUpplysning>",
    ],
)
def test_a_protected_person_without_hosp_id_is_handed_on_to_be_hidden(tmp_path: Path, flag: str) -> None:
    nobody = person(more=flag).replace("<extension>100001</extension>", "")
    (bad,) = rows(tmp_path, document(nobody))
    assert isinstance(bad, BadRow)
    assert orjson.loads(bad.protected)["personId"]["extension"] == NUMBER


def test_an_element_that_stands_twice_is_a_bad_row_without_name_or_number(tmp_path: Path) -> None:
    (bad,) = rows(tmp_path, document(person(more="<efternamn>Två</efternamn>", licences=licence())))
    assert isinstance(bad, BadRow)
    assert (bad.key, bad.field) == ("100001", "efternamn")
    assert "LK" in bad.echo
    assert not any(word in bad.echo for word in ("Öberg", "Två", "Anna", NUMBER, "19800101"))
    assert len(bad.echo) <= 200


def test_a_record_above_the_limit_is_a_bad_row(tmp_path: Path) -> None:
    bad, good = rows(tmp_path, document(person(licences=licence() * 40), person("2")), limit=4000)
    assert isinstance(bad, BadRow)
    assert (bad.key, bad.reason) == ("100001", "the record is larger than 4000 bytes")
    assert isinstance(good, SourceRow)


WHOLE = document(*(person(str(number), licences=licence()) for number in range(3)))


@pytest.mark.parametrize("kept", [0, 10, 60, 200, 700, len(WHOLE) // 2, len(WHOLE) - 20, len(WHOLE) - 3])
def test_a_document_cut_anywhere_is_told_of(tmp_path: Path, kept: int) -> None:
    with pytest.raises(TruncatedFeedError, match="ends in the middle"):
        rows(tmp_path, WHOLE.encode()[:kept])


@pytest.mark.parametrize(
    "wrong",
    [
        document(person()).replace("</efternamn>", "</mellannamn>"),
        document(person()).replace("Öberg", "Ö & berg"),
        HEAD + person() + FOOT + FOOT,
    ],
)
def test_a_document_that_is_wrong_inside_is_told_of(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(MalformedFeedError, match="no well-formed XML"):
        rows(tmp_path, wrong)


BOMB = "".join(f'<!ENTITY b{n} "{f"&b{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("doctype", "used"),
    [
        (f'<!DOCTYPE answer [<!ENTITY b0 "ha">{BOMB}]>', "&b9;"),
        ('<!DOCTYPE answer [<!ENTITY file SYSTEM "file:///etc/passwd">]>', "&file;"),
        ('<!DOCTYPE answer SYSTEM "http://127.0.0.1:1/evil.dtd">', "Öberg"),
        ("<!DOCTYPE answer>", "Öberg"),
    ],
)
def test_entities_and_doctypes_are_refused(tmp_path: Path, doctype: str, used: str) -> None:
    text = document(person()).replace("?>\n", f"?>\n{doctype}\n").replace("Öberg", used)
    with pytest.raises(MalformedFeedError, match=r"DOCTYPE|no well-formed XML"):
        rows(tmp_path, text)


def test_a_doctype_without_any_person_is_refused_too(tmp_path: Path) -> None:
    with pytest.raises(MalformedFeedError, match="DOCTYPE"):
        rows(tmp_path, "<!DOCTYPE answer><answer/>")


def test_a_person_is_forgotten_before_the_next(tmp_path: Path) -> None:
    """Memory stays flat: the tree never holds more than one read-ahead of the parser (32 KiB)."""
    path = tmp_path / "many.xml"
    path.write_text(document(*(person(str(number)) for number in range(5000))))
    sizes = []
    for element in hosp_xml._people(path, OPTIONS):
        parent = element.getparent()
        assert parent is not None
        sizes.append(len(parent))
    assert len(sizes) == 5000
    assert max(sizes) * len(person()) < 2 * 32_768
