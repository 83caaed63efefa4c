"""Names whose letters were lost or garbled by a wrong encoding, told from names that only look unusual.

A file read in the wrong encoding gives names that nobody will ever find: `Ã…sa Ã–berg`, `Bj?rk`, `Bj\ufffdrk`, `Bj”rk`. A
rule that sees too much would shut real people out, so each rule here is a pair: what is never in a name, and what is.

- UTF-8 read as cp1252 or ISO 8859-1. Å, Ä, Ö, å, ä, ö, é are then Ã and one of 64 signs; JOÃO, CONCEIÇÃO, Ângela and Lã
  have Ã or Â before a letter. Of the 64, most never stand in a name (¥ ¤ € ‡); some may stand after a capital letter
  (’ – š ž): ANDRÉ–MARIE, LÍŠKA. These count only after Ã and Â, or between Å, Ä, Ð, Ñ, Ø, Ù, Î, Ï and a small letter.
- cp1252 read as ISO 8859-1: control characters (0x80 to 0x9F).
- DOS (cp850, cp437) read as cp1252: ”, „, † and ‡ between letters, ™ before one. A first Ä becomes Ž and passes.
- Letters replaced: U+FFFD, or ? before a letter.
"""

import re

# What the second byte of a letter becomes and what never stands in a name beside a letter.
_SIGNS = "\x80-\x9f€ƒ†‡ˆ‰˜™•¡¢£¤¥¦§©¬®¯°±²³µ¶¸¹¼½¾¿"
# What it becomes that may stand in a name: quotes, dashes, blanks, letters.
_SOFT = "‚„…‹›“”«»’‘–—·´¨\xa0\xadªºŠšŽžŒœŸ"
# Of these, what follows Â (the second bytes 0xA0 to 0xBF).
_SOFT_AFTER_A = "\xa0\xadªº«»´¨·"
_SMALL = "a-zà-öø-ÿ"
_CAPITAL = "A-ZÀ-ÖØ-Þ"

_LOST = re.compile(r"\ufffd|\?\w|ï¿½")
_CONTROL = re.compile(r"[\x80-\x9f]")
_UTF_8 = re.compile(
    "|".join(
        (
            f"[Â-ß][{_SIGNS}]",
            # Ã and a no-break space is à; but LÃ and a no-break space in a name in capitals is Lã.
            f"Ã(?:(?!\xa0)[{_SOFT}]|(?<![{_CAPITAL}]Ã)\xa0|\xa0(?![{_CAPITAL}]))",
            f"Â[{_SOFT_AFTER_A}]",
            f"(?<=[{_SMALL}])[ÄÅÐÑØÙÎÏ][{_SOFT}]",
            f"[ÄÅÐÑØÙÎÏ][{_SOFT}](?=[{_SMALL}])",
            f"[à-ï][{_SIGNS}{_SOFT}][{_SIGNS}{_SOFT}]",
            "â€",
        )
    )
)
_DOS = re.compile(r"(?<=[^\W\d_])[†‡ˆ‰„”¥¦§¶ƒ¢£©®±µ¿]+(?=[^\W\d_])|[™€¤×](?=[^\W\d_])")


def garbled(text: str) -> str:
    """Return what is wrong with a text's letters, or "" if nothing is."""
    if text.isascii() and "?" not in text:
        return ""
    if _LOST.search(text):
        return "letters were lost when the text was encoded (U+FFFD or ? in their place)"
    if _UTF_8.search(text):
        return "letters were garbled: UTF-8 was read in another encoding (Ã¥ for å)"
    if _CONTROL.search(text) or _DOS.search(text):
        return "letters were garbled: the text was read in another encoding than it was written in"
    return ""
