"""The `[options]` of a feed file: how a format is read. One struct a format; every key has a meaning and a default."""

from typing import Literal

import msgspec

from indexer.feeds.text import Encoding

HOSP_NAMESPACE = "urn:riv:masterdata:organisationalresources:licensetopractice:2"


class FormatOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keys of every format; each format adds its own.

    Attributes:
        vocabulary: the system in `config/vocabulary` whose words the feed uses.
        jurisdiction: where the feed's licences hold (ISO 3166), where the record itself does not say.
        encoding: of text files without a byte order mark; a mark wins. JSON and XML say it themselves.
    """

    vocabulary: str
    jurisdiction: str = ""
    encoding: Encoding = "utf-8"

    def problem(self) -> str:
        """Return what types alone can't check, as "key ...: what to do", or ""."""
        return "vocabulary is empty; name a system of config/vocabulary." if not self.vocabulary else ""

    @property
    def personal_keys(self) -> bool:
        """Whether the rows' keys are personal identity numbers: the loader then keeps keyed digests of them."""
        return False


class HospOptions(FormatOptions, frozen=True, kw_only=True):
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
        """See `FormatOptions.problem`."""
        if not self.person_element:
            return 'person_element is empty; name the element of one person, e.g. "hospPerson".'
        return super().problem()


class SocrataColumns(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which column holds what. Names as in either export: case, spaces and underscores don't matter.

    Attributes:
        family, given: of the name; "" where the dataset has the whole name in one column (`name`).
        name: the whole name, read by `SocrataOptions.name_order`.
        status_reason: says more about the status; the vocabulary knows the two words together ("inactive retired").
        action: whether the authority has taken action against the holder; any word but those of `no_action` makes
            a yes into "ask".
        more_actions: further columns of that kind.
    """

    number: str
    profession: str
    status: str
    family: str = ""
    given: str = ""
    name: str = ""
    status_reason: str = ""
    more_actions: tuple[str, ...] = ()
    middle: str = ""
    suffix: str = ""
    birth_date: str = ""
    issued: str = ""
    valid_from: str = ""
    valid_to: str = ""
    action: str = ""


class SocrataOptions(FormatOptions, frozen=True, kw_only=True):
    """A Socrata dataset with one licence a row.

    Attributes:
        export: `json` (pages of the API) or `csv` (the file export, also without Socrata).
        key: columns that together tell one record from all others, in order.
        columns: which column holds what.
        dates: further columns that hold dates; those named in `columns` are known.
        no_action: words of the action columns that mean that nothing has been done.
        final_newline: whether a CSV export always ends with a newline; if it does, one without is cut short.
        name_order: of a whole name: `given-family` ("Anna K Oberg") or `family-given` ("Oberg Anna K"); what stands
            before a comma is the family name in either ("Oberg, Anna").
        name_suffixes: words after a whole name that are no family name.
        only: column -> words of it; a row with another word is no person's licence and is passed over. No words =
            any value at all.
        empty: words that mean that nothing stands there; not in columns of names, for people may be called so.
        cases: columns that tell of one case against the holder. A licence with several comes as several rows, which
            are put together into one record.
    """

    export: Literal["json", "csv"] = "json"
    key: tuple[str, ...]
    columns: SocrataColumns
    dates: tuple[str, ...] = ()
    no_action: tuple[str, ...] = ("No",)
    final_newline: bool = True
    name_order: Literal["given-family", "family-given"] = "given-family"
    name_suffixes: tuple[str, ...] = ("Jr", "Sr", "II", "III", "IV", "V")
    only: dict[str, tuple[str, ...]] = {}
    empty: tuple[str, ...] = ()
    cases: tuple[str, ...] = ()

    def problem(self) -> str:
        """See `FormatOptions.problem`."""
        if not self.key:
            return "key is empty; name the column that tells one record from all others."
        if bool(self.columns.name) == bool(self.columns.family):
            return "columns needs either family (and given) or name, for a whole name in one column."
        return super().problem()


class FhirOptions(FormatOptions, frozen=True, kw_only=True):
    """FHIR R4 Practitioner resources, one a line.

    Attributes:
        identifier_systems: system of a Practitioner.identifier as the feed writes it -> system as we write it.
            Identifiers of other systems are left out: a payer's number must not be mistaken for a licence.
        profession_systems: systems whose codes in qualification.code tell the profession; empty = any. For feeds that
            put codes of several systems side by side (the Swedish base profile: HOSP, SNOMED CT, HSA).
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
    profession_systems: tuple[str, ...] = ()
    jurisdiction_prefix: str = ""
    state_extension: tuple[str, ...] = ()
    status_from: Literal["none", "active", "qualification", "extension"] = "none"
    status_extension: tuple[str, ...] = ()
    protected_labels: tuple[str, ...] = ("R", "V")

    def problem(self) -> str:
        """See `FormatOptions.problem`."""
        if self.status_from == "extension" and not self.status_extension:
            return "status_extension is empty; write the URL of the extension that holds the status."
        return super().problem()
