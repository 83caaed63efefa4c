import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.normalize.errors import BadRecordError
from indexer.normalize.garbled import garbled
from indexer.normalize.values import check_text

# Names as people have them, also those that look like garbled ones: Ã, Â, Å or É before a letter, dash, quote or space.
REAL = [
    "Åsa Öberg", "ÅSA ÖBERG", "Björk", "BJÖRK", "GRÖNQVIST", "Älg", "Ægir", "MÆRSK", "ØST", "Ødegård", "Å", "Ö",
    "JOÃO", "João", "CONCEIÇÃO", "Conceição", "Ângela", "ÂNGELA", "Lã", "LÃ\u00a0THỊ", "Lã Thị", "IRMÃ", "MÃE",
    "André–Marie", "ANDRÉ–MARIE", "JOSÉ’S", "RENÉ’", "“RENÉ”", "(RENÉ…)", "NOÉ·", "O’Brien", "D´Angelo", "Ó’Briain",
    "LÍŠKA", "KŘÍŽ", "MÍŠA", "Šárka", "ÉŠA", "Žižka", "Dvořák", "ÁŽ", "Œuvre", "SŒUR", "Ÿsaÿe", "L’HAŸ", "Éœ",
    "Łukasz", "Źrebiec", "Ștefan", "Țurcanu", "Şahin", "Erdoğan", "GÜNEŞ", "ÇAĞLAR", "İbrahim", "Đorđe", "Þórður",
    "Ólafur", "Ñuñez", "MUÑOZ", "Weiß", "Groß–Gerau", "GROẞ", "Zoë", "ZOË", "Îlot", "ÎLE", "Ùna", "Noël", "Ï",
    "JOSÉ Mª", "Mª Ángeles", "Nº", "Nguyễn Thị Ánh", "Иван Петров", "ΑΛΕΞ", "Γιώργος", "王小明", "李", "أحمد",
    "שלום", "Ð́uro", "Anna-Karin", "Anna Maria", "d'Arc", "Jr.", "née Lind", "Lind (Berg)", "Lind/Berg", "Anna?", "",
]  # fmt: skip
# What those letters, whose owners write in Latin script, become when the file is read as another one than it is.
LATIN = [
    "Åsa", "Öberg", "Sjöström", "BJÖRK", "ÅSTRÖM", "ÄNGLA", "André", "ÉLISE", "Müller", "ÜNAL", "João", "JOÃO", "Ñuñez",
    "Çelik", "Şahin", "Erdoğan", "Łukasz", "Šarić", "Dvořák", "Čapek", "Źrebiec", "Żak", "Đorđe", "Ștefan", "Þórður",
    "Æsa", "Østergård", "ØST", "Zoë", "ZOË", "Voilà", "à Porta", "René–Marie", "O’Brien", "Weiß", "Groß", "Îles", "ÀLEX",
    "Иван", "Γιώργος", "王小明", "Kōji", "Anna\u00a0Maria", "ÅKE", "Ås", "å", "ä", "ö", "Å", "Ä", "Ö", "ANNA\u00a0LIND",
]  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_real_names_are_never_refused(name: str) -> None:
    assert garbled(name) == ""


@pytest.mark.parametrize("codec", ["cp1252", "iso-8859-1"])
@pytest.mark.parametrize("name", LATIN)
def test_utf_8_read_as_another_encoding_is_seen(name: str, codec: str) -> None:
    # What cp1252 has no letter for, programs leave as it is.
    spoilt = "".join(bytes([b]).decode(codec, "ignore") or chr(b) for b in name.encode())
    assert spoilt != name
    assert "garbled" in garbled(spoilt)
    assert garbled(name) == ""


@pytest.mark.parametrize("name", ["Åsa", "Öberg", "BJÖRK", "João", "Łukasz", "O’Brien"])
def test_what_was_spoilt_twice_is_seen(name: str) -> None:
    once = name.encode().decode("cp1252", "replace")
    assert garbled(once.encode().decode("cp1252", "replace"))


@pytest.mark.parametrize(
    "text",
    ["Bj\ufffdrk", "\ufffd", "Bj?rk", "?sa", "An?a Lind", "Bjï¿½rk", "Sj?str?m", "LIND?Q"],
)
def test_letters_that_were_replaced_are_seen(text: str) -> None:
    assert "letters were lost" in garbled(text)


@pytest.mark.parametrize("text", ["O\x92Brien", "\x8aárka", "Anna\x96Maria", "Ren\xe9\x85"])
def test_cp1252_read_as_iso_8859_1_is_seen(text: str) -> None:
    assert "garbled" in garbled(text)


@pytest.mark.parametrize("name", ["Björk", "Källström", "Öberg", "Håkan", "Sjöös"])
@pytest.mark.parametrize("codec", ["cp850", "cp437"])
def test_dos_text_read_as_cp1252_is_seen(name: str, codec: str) -> None:
    assert "garbled" in garbled(name.encode(codec).decode("cp1252"))


@given(
    st.text(
        st.characters(max_codepoint=0x17F, categories=["Lu", "Ll", "Zs"], exclude_characters="\xa0µŠšŽžŒœŸ")
    )
)
def test_letters_and_spaces_alone_are_never_refused(text: str) -> None:
    assert garbled(text) == ""


def test_the_field_is_named_and_the_text_is_not() -> None:
    with pytest.raises(BadRecordError) as caught:
        check_text("efternamn", "Lind", "Ã…sa", lenient=False)
    assert caught.value.field == "efternamn"
    assert "Ã…" not in caught.value.reason


def test_bad_news_is_not_held_back_by_a_garbled_name() -> None:
    check_text("efternamn", "Ã…sa", "Bj\ufffdrk", lenient=True)
    check_text("efternamn", "Åsa", "Björk", lenient=False)
    with pytest.raises(BadRecordError, match="letters were lost"):
        check_text("efternamn", "Bj\ufffdrk", lenient=False)
