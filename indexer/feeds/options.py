"""The `[options]` of a feed file: how a format is read. One struct a format; every key has a meaning and a default."""

from typing import Literal, TypeAlias

import msgspec

FeedFormat = Literal["hosp-person-xml", "socrata", "fhir-bulk-ndjson"]

HOSP_NAMESPACE = "urn:riv:masterdata:organisationalresources:licensetopractice:2"


class _Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of every format.

    Attributes:
        vocabulary: the system in `config/vocabulary` whose words the feed uses.
        jurisdiction: where the feed's licences hold (ISO 3166), where the record itself does not say.
    """

    vocabulary: str
    jurisdiction: str = ""

    def problem(self) -> str:
        """Return what types alone can't check, as "key ...: what to do", or ""."""
        return "vocabulary is empty; name a system of config/vocabulary." if not self.vocabulary else ""


class HospOptions(_Options, frozen=True, kw_only=True):
    """HOSP person XML.

    Attributes:
        namespace: of the person's own elements; elements of other namespaces are extensions and left out.
        person_element: local name of the element that holds one HospPersonType, in any namespace.
        prescriber_code: whether förskrivarkod is kept as an identifier; only with an agreement that covers it.
    """

    namespace: str = HOSP_NAMESPACE
    person_element: str = "hospPerson"
    prescriber_code: bool = False

    def problem(self) -> str:
        """See `_Options.problem`."""
        if not self.person_element:
            return 'person_element is empty; name the element of one person, e.g. "hospPerson".'
        return super().problem()


class SocrataColumns(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which column holds what. Names as in either export: case, spaces and underscores don't matter."""

    number: str
    profession: str
    status: str
    family: str
    given: str
    middle: str = ""
    suffix: str = ""
    birth_date: str = ""
    issued: str = ""
    valid_from: str = ""
    valid_to: str = ""
    action: str = ""


class SocrataOptions(_Options, frozen=True, kw_only=True):
    """A Socrata dataset with one licence a row.

    Attributes:
        export: `json` (pages of the API) or `csv` (the file export, also without Socrata).
        key: columns that together tell one record from all others, in order.
        columns: which column holds what.
        dates: further columns that hold dates; those named in `columns` are known.
        no_action: words of the action column that mean that nothing has been done.
        final_newline: whether a CSV export always ends with a newline; if it does, one without is cut short.
    """

    export: Literal["json", "csv"] = "json"
    key: tuple[str, ...]
    columns: SocrataColumns
    dates: tuple[str, ...] = ()
    no_action: tuple[str, ...] = ("No",)
    final_newline: bool = True

    def problem(self) -> str:
        """See `_Options.problem`."""
        if not self.key:
            return "key is empty; name the column that tells one record from all others."
        return super().problem()


class FhirOptions(_Options, frozen=True, kw_only=True):
    """FHIR R4 Practitioner resources, one a line.

    Attributes:
        identifier_systems: system of a Practitioner.identifier as the feed writes it -> system as we write it.
            Identifiers of other systems are left out: a payer's number must not be mistaken for a licence.
        jurisdiction_prefix: put before the state of a licence ("US-" makes "US-NE" of "NE").
        state_extension: URL of the extension on qualification or its identifier that tells the state; of an
            extension within others the URLs from the outermost in; empty = only the plain key `state` on the
            identifier, which some feeds write.
        status_from: where a licence's status stands: "none" (R4 has no place for it: every status is `unknown`),
            "active" (this feed's Practitioner.active means licensed), "qualification" (qualification.status, R5
            ballots and later) or "extension" (`status_extension`).
        status_extension: URL of the extension on qualification that holds the status, written likewise.
        protected_labels: codes in meta.security that mark a protected identity (HL7 Confidentiality).
    """

    identifier_systems: dict[str, str] = {}
    jurisdiction_prefix: str = ""
    state_extension: tuple[str, ...] = ()
    status_from: Literal["none", "active", "qualification", "extension"] = "none"
    status_extension: tuple[str, ...] = ()
    protected_labels: tuple[str, ...] = ("R", "V")

    def problem(self) -> str:
        """See `_Options.problem`."""
        if self.status_from == "extension" and not self.status_extension:
            return "status_extension is empty; write the URL of the extension that holds the status."
        return super().problem()


FormatOptions: TypeAlias = HospOptions | SocrataOptions | FhirOptions
FORMAT_OPTIONS: dict[FeedFormat, type[HospOptions] | type[SocrataOptions] | type[FhirOptions]] = {
    "hosp-person-xml": HospOptions,
    "socrata": SocrataOptions,
    "fhir-bulk-ndjson": FhirOptions,
}
