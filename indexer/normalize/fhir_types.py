"""The parts of FHIR R4 resources that are read. Real feeds hold nulls inside arrays, so everything may be null."""

from collections.abc import Sequence

import msgspec


class Coding(msgspec.Struct, frozen=True):
    """FHIR Coding."""

    system: str | None = None
    code: str | None = None
    display: str | None = None


class Concept(msgspec.Struct, frozen=True):
    """FHIR CodeableConcept."""

    text: str | None = None
    coding: list[Coding | None] | None = None

    def codings(self) -> list[Coding]:
        """Return the codings that are there."""
        return [coding for coding in self.coding or () if coding is not None]

    def word(self) -> str:
        """Return the text, or the first display or code."""
        words = (word for coding in self.codings() for word in (coding.display, coding.code) if word)
        return (self.text or next(words, "")).strip()


class Extension(msgspec.Struct, frozen=True, rename="camel"):
    """FHIR Extension with the value types that states and statuses come in."""

    url: str | None = None
    extension: "list[Extension | None] | None" = None
    value_string: str | None = None
    value_code: str | None = None
    value_coding: Coding | None = None
    value_codeable_concept: Concept | None = None

    def word(self) -> str:
        """Return the value as a word."""
        if self.value_coding is not None:
            return self.value_coding.code or self.value_coding.display or ""
        if self.value_codeable_concept is not None:
            codes = [coding.code for coding in self.value_codeable_concept.codings() if coding.code]
            return codes[0] if codes else self.value_codeable_concept.word()
        return (self.value_code or self.value_string or "").strip()


class Period(msgspec.Struct, frozen=True):
    """FHIR Period."""

    start: str | None = None
    end: str | None = None


class Identifier(msgspec.Struct, frozen=True):
    """FHIR Identifier. `state` is not FHIR, but some feeds write it. A number as value is read as text."""

    use: str | None = None
    type: Concept | None = None
    system: str | None = None
    value: str | int | None = None
    state: str | None = None
    extension: list[Extension | None] | None = None

    def text(self) -> str:
        """Return the value as text."""
        return "" if self.value is None else str(self.value).strip()


class HumanName(msgspec.Struct, frozen=True):
    """FHIR HumanName."""

    use: str | None = None
    text: str | None = None
    family: str | None = None
    given: list[str | None] | None = None
    prefix: list[str | None] | None = None
    suffix: list[str | None] | None = None
    period: Period | None = None


class Qualification(msgspec.Struct, frozen=True, rename="camel"):
    """FHIR Practitioner.qualification, with the `status` of later versions."""

    identifier: list[Identifier | None] | None = None
    code: Concept | None = None
    period: Period | None = None
    status: Concept | None = None
    extension: list[Extension | None] | None = None
    modifier_extension: list[Extension | None] | None = None


class Meta(msgspec.Struct, frozen=True):
    """FHIR Meta."""

    security: list[Coding | None] | None = None


class Practitioner(msgspec.Struct, frozen=True, rename="camel"):
    """FHIR Practitioner, R4 and the `deceased` of R5."""

    meta: Meta | None = None
    identifier: list[Identifier | None] | None = None
    active: bool | None = None
    name: list[HumanName | None] | None = None
    birth_date: str | None = None
    deceased_boolean: bool | None = None
    deceased_date_time: str | None = None
    qualification: list[Qualification | None] | None = None
    modifier_extension: list[Extension | None] | None = None
    implicit_rules: str | None = None


def extension_word(extensions: list[Extension | None] | None, path: Sequence[str]) -> str:
    """Return the value of the extension at this path of URLs, outermost first, or "" if there is none."""
    for extension in extensions or ():
        if extension is not None and path and extension.url == path[0]:
            word = extension_word(extension.extension, path[1:]) if len(path) > 1 else extension.word()
            if word:
                return word
    return ""
