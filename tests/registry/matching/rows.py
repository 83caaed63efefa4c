"""The table of cases: a complaint about who was taken for whom becomes a row here.

A question is a name in one box, or "given / family". A record is "Given names|Family", "Given|Middle|Family" or a whole
name without a bar; a former name stands after " < ", an alias after " ~ ". Birth dates are asked and recorded; one alone
is both. What is seen is "feature=outcome", with the features' names cut short, and "+code" for a note.
"""

from typing import NamedTuple

from registry.matching.candidate import Candidate
from registry.matching.match import Level
from registry.matching.question import Question
from registry.records.facts import NameFacts, NameUse

DAY = "1980-05-03"
SHORT = {
    "family": "family_name",
    "given": "given_name",
    "further": "further_names",
    "order": "word_order",
    "use": "name_use",
    "born": "birth_date",
}


class Row(NamedTuple):
    asked: str
    record: str
    level: Level
    seen: str
    born: str = DAY

    def question(self) -> Question:
        given, slash, family = self.asked.partition(" / ")
        day = (
            self.born.split(" ")[0].replace("-", "", 1)
            if self.born.startswith("-")
            else self.born.split(" ")[0]
        )
        if slash:
            return Question(given=given, family=family, birth_date=day or None)
        return Question(name=self.asked, birth_date=day or None)

    def candidate(self) -> Candidate:
        day = self.born.split(" ")[-1]
        return Candidate(names_of(self.record), day or None)

    def outcomes(self) -> dict[str, str]:
        pairs = (each.split("=") for each in self.seen.split() if "=" in each)
        return {SHORT.get(name, name): outcome for name, outcome in pairs}

    def codes(self) -> set[str]:
        return {each[1:] for each in self.seen.split() if each.startswith("+")}


def names_of(record: str) -> tuple[NameFacts, ...]:
    found = []
    use: NameUse = "official"
    for piece in record.replace(" < ", "\n<").replace(" ~ ", "\n~").split("\n"):
        text = piece
        if piece[0] in "<~":
            use = "former" if piece[0] == "<" else "alias"
            text = piece[1:]
        found.append(_name(text, use))
    return tuple(found)


def _name(text: str, use: NameUse) -> NameFacts:
    parts = text.split("|")
    if len(parts) == 1:
        return NameFacts(use=use, text=text)
    middle = parts[1] if len(parts) == 3 else ""
    return NameFacts(use=use, given=tuple(parts[0].split()), middle=middle, family=parts[-1])


_FAMILY = {
    "andersson": 0.023, "johansson": 0.024, "karlsson": 0.019, "nilsson": 0.017, "lindqvist": 0.0015, "lindkvist": 0.0006,
    "berg": 0.0015, "ek": 0.0008, "lind": 0.0013, "smith": 0.01, "nguyen": 0.0005, "carlsson": 0.003, "hansen": 0.004,
}  # fmt: skip
_GIVEN = {
    "anna": 0.03, "maria": 0.04, "marie": 0.01, "erik": 0.03, "eric": 0.002, "karl": 0.03, "carl": 0.015, "per": 0.01,
    "lars": 0.02, "john": 0.01, "jon": 0.001, "kristina": 0.02, "christina": 0.012, "karin": 0.02, "eva": 0.02,
    "mohammed": 0.004, "mohamed": 0.006, "sofia": 0.01, "sofie": 0.003, "jan": 0.02, "bo": 0.01, "kerstin": 0.012,
}  # fmt: skip


class Shares:
    """How common names are: a few that all know, and what a register says of one it has not met."""

    def share(self, kind: str, key: str) -> float:
        return (_FAMILY if kind == "family" else _GIVEN).get(key, 0.000005)


ROWS = [
    # The official name, however typed, hyphenated or ordered.
    Row(
        "Anna Maria Andersson",
        "Anna Maria|Andersson",
        "exact",
        "family=written given=written further=agree +name-same",
    ),
    Row("Andersson, Anna Maria", "Anna Maria|Andersson", "exact", "family=written given=written order=free"),
    Row("ANDERSSON ANNA MARIA", "Anna Maria|Andersson", "exact", "family=written given=written"),
    Row(
        "Anna Maria / Andersson",
        "Anna Maria|Andersson",
        "exact",
        "order=straight +name-same +birth-date-same",
    ),
    Row("Siv Oberg", "Siv|Öberg", "exact", "family=typed given=written +family-typed"),
    Row("Siv Oeberg", "Siv|Öberg", "exact", "family=typed"),
    Row("Asa Ahl", "Åsa|Ahl", "exact", "given=typed +given-typed"),
    Row("Aasa Ahl", "Åsa|Ahl", "exact", "given=typed"),
    Row("Jürgen Mueller", "Jürgen|Müller", "exact", "family=typed"),
    Row("Soren Ostergaard", "Søren|Østergaard", "exact", "family=typed given=typed"),
    Row("Soren Ostergaard", "Søren|Østergård", "strong", "family=sound given=typed"),
    Row("Bjork Gudmundsdottir", "Björk|Guðmundsdóttir", "exact", "family=typed given=typed"),
    Row("Anna Karin Öberg", "Anna-Karin|Öberg", "exact", "given=written further=agree"),
    Row("Annakarin Öberg", "Anna-Karin|Öberg", "exact", "given=joined further=agree"),
    Row("Anna-Karin Öberg", "Annakarin|Öberg", "exact", "given=joined"),
    Row("Sian OBrien", "Siân|O'Brien", "exact", "family=joined given=typed +family-joined"),
    Row("Siân O’Brien", "Siân|O'Brien", "exact", "family=written"),
    Row("Eva Berg Lindqvist", "Eva|Berg-Lindqvist", "exact", "family=written"),
    Row("Eva Lindqvist-Berg", "Eva|Berg Lindqvist", "exact", "family=written"),
    Row("Eva Lindqvist Berg", "Eva|Lindqvist|Berg", "exact", "family=written further=agree"),
    Row("Luis Garcia Marquez", "Luis|García Márquez", "exact", "family=typed"),
    Row("Cher", "Cher", "exact", "family=written given=unknown"),
    Row("Erik Johan Lund", "Erik Johan Lund", "exact", "family=written given=written"),
    Row("Erik Johan Lund", "LUND, ERIK JOHAN", "exact", "family=written given=written further=agree"),
    Row("Olga Ivanova", "Ольга|Иванова", "exact", "family=typed given=typed"),
    Row("Ольга Иванова", "Olga|Ivanova", "exact", "family=typed given=typed"),
    Row("Giorgos Papadopoulos", "Giorgos|Papadopoulos", "exact", "family=written"),
    Row("Gustaf von Essen", "Gustaf|von Essen", "exact", "family=written"),
    Row("Bo Ek", "Bo|Ek", "exact", "family=written given=written"),
    # Given names left out, a middle initial, initials only.
    Row("Anna Ekholm", "Anna Maria|Ekholm", "strong", "further=fewer +further-fewer"),
    Row("Maria Ekholm", "Anna Maria|Ekholm", "strong", "given=written further=fewer"),
    Row("Anna M Ekholm", "Anna Maria|Ekholm", "strong", "initials=agree +initials-agree"),
    Row("Anna M. Ekholm", "Anna Maria|Ekholm", "strong", "initials=agree"),
    Row("Anna K Ekholm", "Anna Maria|Ekholm", "possible", "initials=conflict +initials-differ"),
    Row("Anna K Ekholm", "Anna|Ekholm", "strong", "initials=extra +initials-extra"),
    Row("A. Ekholm", "Anna Maria|Ekholm", "possible", "given=initial +given-initial"),
    Row("A M Ekholm", "Anna Maria|Ekholm", "possible", "given=initial initials=agree"),
    Row("John Quincy Smyth", "John Q|Smyth", "strong", "initials=agree"),
    Row("John Smyth", "John Q|Smyth", "strong", "further=fewer"),
    Row("J Q Smyth", "John Quincy|Smyth", "possible", "given=initial"),
    Row("Anna Öberg", "Anna-Karin|Öberg", "strong", "given=written further=fewer"),
    Row("Erik Ljungkvist", "LJUNGKVIST, ERIK JOHAN", "strong", "further=fewer"),
    # More in the question than in the record.
    Row("Anna Maria Eva Ekholm", "Anna Maria|Ekholm", "possible", "further=more +further-more"),
    Row("Anna Maria Ekholm", "Anna|Ekholm", "possible", "further=more"),
    Row("Anna Karin Ekholm", "Anna Maria|Ekholm", "possible", "further=conflict +further-conflict"),
    Row("Anna Berg Ekholm", "Anna|Ekholm", "possible", "further=more"),
    Row("Cher Bono", "Cher", "possible", "further=more"),
    # Misspelt and misheard.
    Row("Anna Lindkvist", "Anna|Lindqvist", "strong", "family=sound +family-sound"),
    Row("Anna Maria Anderson", "Anna Maria|Andersson", "strong", "family=sound"),
    # Letters swapped are a slip of the fingers, whatever they sound like.
    Row("Anna Ekhlom", "Anna|Ekholm", "strong", "family=one-edit +family-spelling"),
    Row("Gunlila Ekholm", "Gunilla|Ekholm", "strong", "given=one-edit +given-spelling"),
    Row("Gunilla Ekbolm", "Gunilla|Ekholm", "strong", "family=one-edit +family-spelling"),
    Row("Kristina Ekholm", "Christina|Ekholm", "possible", "given=sound +given-sound"),
    Row("Gunillla Ekholm", "Gunilla|Ekholm", "strong", "given=sound"),
    Row("Guniöla Ekholm", "Gunilla|Ekholm", "strong", "given=sound"),
    Row("Gunibla Ekholm", "Gunilla|Ekholm", "strong", "given=one-edit +given-spelling"),
    Row("Gunilla Sjöstörm", "Gunilla|Sjöström", "strong", "family=one-edit"),
    Row("Gunilla Shöström", "Gunilla|Sjöström", "strong", ""),
    Row("Gunilla Wikström", "Gunilla|Vikström", "strong", "family=sound"),
    Row("Gunilla Cederqvist", "Gunilla|Sederkvist", "strong", "family=sound"),
    Row("Gunila Sjostrm", "Gunilla|Sjöström", "strong", "family=sound given=sound"),
    Row("Mohammed Hassani", "Mohamed|Hassani", "possible", "given=sound"),
    Row("Philip Ekholm", "Filip|Ekholm", "strong", "given=sound"),
    Row("Sven Zetterberg", "Sven|Setterberg", "strong", "family=sound"),
    Row("Gunilla Schröder", "Gunilla|Skröder", "possible", "family=two-edits +family-spelling"),
    Row("Gunilla Hultgren", "Gunilla|Hultberg", "possible", ""),
    Row("Gunilla Sandberg", "Gunilla|Strandberg", "possible", "family=two-edits"),
    Row("Bo Ax", "Bo|Ek", "none", "family=different"),
    Row("Eva Ek", "Ewa|Ek", "possible", "given=sound"),
    # Swapped, crossed, joined, particles.
    Row("Ekholm / Anna", "Anna|Ekholm", "strong", "order=swapped +order-swapped"),
    Row("Ekholm / Anna Maria", "Anna Maria|Ekholm", "strong", "order=swapped further=agree"),
    Row("Anna / Maria Ekholm", "Anna Maria|Ekholm", "strong", "order=crossed +order-crossed"),
    Row("Ekhlom / Gunilla", "Gunilla|Ekholm", "strong", "order=swapped family=one-edit"),
    Row("Gustaf Essen", "Gustaf|von Essen", "strong", "family=written +particle-open"),
    Row("Gustaf af Ekenstam", "Gustaf|Ekenstam", "strong", "family=written +particle-open"),
    Row("Gustaf Afekenstam", "Gustaf|af Ekenstam", "exact", "family=joined"),
    Row("Maria Delacruz", "Maria|de la Cruz", "exact", "family=joined"),
    Row("Maria De La Cruz", "Maria|Delacruz", "exact", "family=joined"),
    Row("Jan van der Berghe", "Jan|Vanderberghe", "exact", "family=joined"),
    Row("Fatima bint Ahmad", "Fatima|Ahmad", "strong", "family=written +particle-open"),
    # One of two family names; a middle name asked for as family name.
    Row("Eva Lindqvist", "Eva|Berg Lindqvist", "strong", "family=part +family-part"),
    Row("Eva Berg", "Eva|Berg-Lindqvist", "strong", "family=part"),
    Row("Luis García", "Luis|García Márquez", "strong", "family=part"),
    Row("Eva Berg Andersson", "Eva|Berg Lindqvist", "possible", "family=part further=conflict"),
    Row("Eva Lindqvist", "Eva|Lindqvist|Berg", "possible", "family=missing further=agree"),
    Row("Eva / Lindqvist", "Eva|Lindqvist|Berg", "strong", "family=part"),
    Row("Eva Berg", "Eva|Lindqvist|Berg", "strong", "family=written further=fewer"),
    # Patronymics.
    Row("Jon Einarsson", "Jon|Einarsdottir", "possible", "family=alike"),
    Row("Sigrun Jonsdottir", "Sigrún|Jónsdóttir", "exact", "family=typed given=typed"),
    Row("Gunilla Svenson", "Gunilla|Svensson", "strong", "family=sound"),
    Row("Gunilla Svensen", "Gunilla|Svensson", "strong", "family=sound +family-sound"),
    # Former names and aliases.
    Row("Anna Ekholm", "Anna|Wallin < Anna|Ekholm", "strong", "use=former +former-name"),
    Row("Anna Maria Ekholm", "Anna Maria|Wallin < Anna Maria|Ekholm", "strong", "use=former further=agree"),
    Row("Anna Wallin", "Anna|Wallin < Anna|Ekholm", "exact", "use=official"),
    Row("Gunilla Aster", "Gunilla Eva|Lundberg ~ Gunilla|Aster", "strong", "use=alias +other-name"),
    Row(
        "Anna Ekhlom",
        "Anna|Wallin < Anna|Ekholm",
        "strong",
        "use=former family=one-edit +former-name +family-spelling",
    ),
    Row("Gunilla Ekholm", "Gunilla|Wallin", "possible", "family=different +family-different"),
    Row("Gunilla Wallin Ekholm", "Gunilla|Ekholm", "possible", "further=more"),
    # Nicknames: a weak hint.
    Row("Wille Ekholm", "William|Ekholm", "possible", "given=nickname +given-nickname"),
    Row("Bill Smyth", "William|Smyth", "possible", "given=nickname"),
    # Twins, brothers and sisters: the same family name and day, another given name.
    Row("Anna Ekholm", "Eva|Ekholm", "possible", "given=different +given-different"),
    Row("Marie Ekholm", "Maria|Ekholm", "possible", "given=sound"),
    Row("Karl Ekholm", "Carl|Ekholm", "possible", "given=sound"),
    Row("Jon Ekholm", "Jan|Ekholm", "possible", ""),
    Row("Erik Ekholm", "Eric|Ekholm", "possible", "given=sound"),
    Row("Anna Maria Ekholm", "Anna Karin|Ekholm", "possible", "further=conflict"),
    Row("Sofia Ekholm", "Sofie|Ekholm", "possible", ""),
    Row("Anna Svensson", "Anna|Andersson", "none", "family=different"),
    Row("Eva Andersson", "Anna|Andersson", "none", "given=different"),
    Row("Bo Ek", "Anna|Andersson", "none", "family=different given=different"),
    # Father and son: the same name, another day.
    Row("Gunnar Zetterlund", "Gunnar|Zetterlund", "none", "born=different", "1950-01-17 1982-11-29"),
    Row("Lars Nilsson", "Lars|Nilsson", "none", "born=decade", "1950-01-17 1959-11-29"),
    # The birth date: slips, swaps, parts.
    Row(
        "Gunnar Zetterlund",
        "Gunnar|Zetterlund",
        "possible",
        "born=swapped +birth-date-swapped",
        "1980-05-03 1980-03-05",
    ),
    Row(
        "Gunnar Zetterlund",
        "Gunnar|Zetterlund",
        "possible",
        "born=slip +birth-date-slip",
        "1980-05-03 1980-05-08",
    ),
    Row("Gunnar Zetterlund", "Gunnar|Zetterlund", "possible", "born=slip", "1980-05-03 1908-05-03"),
    Row(
        "Gunnar Zetterlund",
        "Gunnar|Zetterlund",
        "possible",
        "born=month +birth-date-month",
        "1980-05-03 1980-05-19",
    ),
    Row(
        "Gunnar Zetterlund",
        "Gunnar|Zetterlund",
        "possible",
        "born=day +birth-date-day",
        "1980-05-03 1976-05-03",
    ),
    Row(
        "Gunnar Zetterlund",
        "Gunnar|Zetterlund",
        "possible",
        "born=year +birth-date-year",
        "1980-05-03 1980-11-29",
    ),
    Row("Lars Nilsson", "Lars|Nilsson", "possible", "born=swapped", "1980-05-03 1980-03-05"),
    Row(
        "Gunnar Zetterlund",
        "Gunnar|Zetterlund",
        "possible",
        "born=part-year +birth-date-part",
        "1980 1980-05-03",
    ),
    Row("Gunnar Zetterlund", "Gunnar|Zetterlund", "possible", "born=part-month", "1980-05-03 1980-05"),
    Row("Gunnar Zetterlund", "Gunnar|Zetterlund", "possible", "born=part-month", "1980-05 1980-05"),
    Row("Lars Nilsson", "Lars|Nilsson", "none", "born=different", "1981 1990-05-03"),
    Row("Lars Nilsson", "Lars|Nilsson", "none", "born=year", "1980-06 1980-05"),
    Row("Gunnar Zetterlund", "Gunnar|Zetterlund", "exact", "born=same", "19800503 1980-05-03"),
    # A name alone is never more than possible.
    Row("Gunnar Zetterlund", "Gunnar|Zetterlund", "possible", "born=not-asked +name-same", " 1980-05-03"),
    Row(
        "Gunnar Zetterlund",
        "Gunnar|Zetterlund",
        "possible",
        "born=unknown +birth-date-unknown",
        "1980-05-03 ",
    ),
    Row("Anna Andersson", "Anna|Andersson", "possible", "born=not-asked", " 1980-05-03"),
    Row("Andersson", "Anna Maria|Andersson", "possible", "given=missing +given-missing", " 1980-05-03"),
    Row("Anna", "Anna Maria|Andersson", "possible", "family=missing", " 1980-05-03"),
    Row("Anna Ekhlom", "Anna|Ekholm", "possible", "family=one-edit +family-spelling", " 1980-05-03"),
    Row("Anna Svensson", "Anna|Andersson", "none", "family=different", " 1980-05-03"),
    Row("Eva Zetterlund", "Anna|Zetterlund", "none", "given=different", " 1980-05-03"),
    Row("Anna Karin Zetterlund", "Anna Maria|Zetterlund", "none", "further=conflict", " 1980-05-03"),
    # A part alone, with the day.
    Row("Zetterlund", "Gunnar|Zetterlund", "possible", "given=missing"),
    Row("Gunnar", "Gunnar|Zetterlund", "possible", "family=missing"),
    Row("Anna Zetterlund", "Anna Maria|Zetterlund", "strong", "further=fewer"),
]
