"""Texts of a result file that a spreadsheet must not calculate."""

import pytest

from registry.checks.lists.files import harmless


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("=1+1", "'=1+1"),
        ("  @SUM(A1)", "'  @SUM(A1)"),
        ('x,=HYPERLINK("http://a.example")', 'x,\'=HYPERLINK("http://a.example")'),
        ("x; +1", "x; '+1"),
        ("x\t-1", "x\t'-1"),
        ("x|@A1", "x|'@A1"),
        ("x\n=A1", "x\n'=A1"),
        ('x,"=A1"', 'x,"\'=A1"'),
        ("x,＝A1", "x,'＝A1"),
        ("x,,=A1,=B1", "x,,'=A1,'=B1"),
        ("=x,=A1", "'=x,'=A1"),
    ],
)
def test_what_may_begin_a_formula_does_not_at_any_delimiter(text: str, kept: str) -> None:
    assert harmless(text) == kept
    assert kept.replace("'", "") == text


@pytest.mark.parametrize(
    "text",
    [
        "1980-05-03",
        "08-123 45 67",
        "Anna-Karin Lindström-Öhman",
        "nurse; midwife",
        "Berg, Anna",
        "RN-100.1; LK-7",
        "a=b",
        "someone@clinic.example",
        "",
    ],
)
def test_ordinary_texts_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text
