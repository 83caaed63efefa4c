"""The `[source]` of feeds that ask a FHIR server for its Practitioners page by page."""

from urllib.parse import parse_qs, urlsplit

from indexer.feeds.fhir_ndjson import RESOURCE
from indexer.feeds.sources import WebSource

# What the transports ask for themselves, or what would make the server leave something out.
_OURS = ("_count", "_since", "_lastUpdated", "_summary", "_elements", "_format", "_at", "_offset")


class FhirPagedSource(WebSource, frozen=True, kw_only=True):
    """Keys of both transports.

    Attributes:
        url: the server's Practitioner, e.g. https://fhir.example.org/r4/Practitioner.
        token_file: file with a bearer token; "" = none.
        page_size: resources a page (`_count`); a server may give fewer.
        check_total: whether to refuse pages that hold another number of resources than the server counts
            (Bundle.total, where it is told): a page lost on the way would else look like a register that has shrunk.
            Off only for servers that estimate it.
        overlap_s: how far before the server's time of the last answer changes are asked for again, so that nothing is
            missed that was written just then.
        full_every_h: all resources are read again when this long has passed since it was last done; 0 = never.
        max_page_bytes: largest page.
        max_pages: most pages of one answer, a safeguard against a server that never ends.
    """

    token_file: str = ""
    page_size: int = 500
    check_total: bool = True
    overlap_s: float = 300.0
    full_every_h: float = 168.0
    max_page_bytes: int = 67_108_864
    max_pages: int = 100_000

    def problem(self) -> str:
        """See `Source.problem`."""
        parts = urlsplit(self.url)
        if not parts.path.endswith(f"/{RESOURCE}"):
            return f"url is {parts.path!r} on the server; write the address that ends in /{RESOURCE}."
        for name in parse_qs(parts.query, keep_blank_values=True):
            if name.partition(":")[0] in _OURS:
                return f"url asks for {name}, which this transport does itself or must not do; leave it out."
        if min(self.page_size, self.max_page_bytes, self.max_pages) < 1:
            return "page_size, max_page_bytes and max_pages are 1 or more."
        if min(self.overlap_s, self.full_every_h) < 0:
            return "overlap_s and full_every_h are 0 or more."
        return super().problem()


class FhirSearchSource(FhirPagedSource, frozen=True, kw_only=True):
    """A FHIR server's search, all pages (HL7 FHIR R4, Search; IHE mCSD ITI-90).

    Attributes:
        url: as for both; a query in it limits the feed to a part of the register, or asks for an order
            (`?_sort=_id`, for servers whose pages overlap without) or a true count (`?_total=accurate`).
        changes_only: after the first pull ask only for what has changed (`_lastUpdated`). A search tells of no
            deletion: those are seen when all is read again (`full_every_h`), or sooner with fhir-history.
    """

    changes_only: bool = False


class FhirHistorySource(FhirPagedSource, frozen=True, kw_only=True):
    """A FHIR server's history: all resources by a search first, then what has happened since.

    HL7 FHIR R4, RESTful API, history; IHE mCSD ITI-91.
    """

    def problem(self) -> str:
        """See `Source.problem`."""
        if urlsplit(self.url).query:
            return (
                "url has a query; a history can't be limited. Leave it out, or use the transport fhir-search."
            )
        return super().problem()
