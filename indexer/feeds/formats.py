"""The formats that feeds come in. A new one is a parser, a normalizer and a line here (docs/feeds.md shows one)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from indexer.feeds import (
    fhir_ndjson,
    hosp_xml,
    hsa_credentials,
    npi_registry_json,
    nppes_csv,
    socrata_rows,
    tabular,
)
from indexer.feeds.nppes_layout import NpiOptions, NppesOptions
from indexer.feeds.options import FhirOptions, FormatOptions, HospOptions, SocrataOptions
from indexer.feeds.rows import Parsed
from indexer.feeds.tabular_options import TabularOptions
from indexer.normalize.fhir import FhirNormalizer
from indexer.normalize.hosp import HospNormalizer
from indexer.normalize.hsa import HsaNormalizer
from indexer.normalize.npi_registry import NpiRegistryNormalizer
from indexer.normalize.nppes import NppesNormalizer
from indexer.normalize.socrata import SocrataNormalizer
from indexer.normalize.tabular import TabularNormalizer
from registry.records.facts import PersonFacts
from registry.vocabulary import Vocabulary


class Normalizes(Protocol):
    """What a format's normalizer can do."""

    def facts(self, payload: bytes) -> PersonFacts:
        """Return what the record says.

        Raises:
            BadRecordError: the record can't be read; the row belongs in quarantine.
        """


@dataclass(frozen=True)
class Format:
    """One form of data.

    Attributes:
        options: the `[options]` of its feed files.
        parse: (files in order, options, largest record in bytes) -> the rows, one or a few at a time, in flat memory. Raises
            TruncatedFeedError or MalformedFeedError for a feed that is wrong as a whole.
        normalizer: (options, vocabulary) -> what turns payloads into facts. Pure.
    """

    options: type[FormatOptions]
    parse: Callable[[Sequence[Path], Any, int], Iterator[Parsed]]
    normalizer: Callable[[Any, Vocabulary], Normalizes]


FORMATS: dict[str, Format] = {
    "hosp-person-xml": Format(HospOptions, hosp_xml.parse, HospNormalizer),
    "hsa-credentials": Format(hsa_credentials.HsaOptions, hsa_credentials.parse, HsaNormalizer),
    "socrata": Format(SocrataOptions, socrata_rows.parse, SocrataNormalizer),
    "tabular": Format(TabularOptions, tabular.parse, TabularNormalizer),
    "fhir-bulk-ndjson": Format(FhirOptions, fhir_ndjson.parse, FhirNormalizer),
    "nppes-csv": Format(NppesOptions, nppes_csv.parse, NppesNormalizer),
    "npi-registry-json": Format(NpiOptions, npi_registry_json.parse, NpiRegistryNormalizer),
}
