"""The `[source]` of a feed file: where a feed is and how it is fetched. `transport` says which struct it is."""

from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec

from registry.errors import SettingsError

# Socrata's own bound of $limit on SODA 2.0.
SOCRATA_MAX_PAGE = 50_000
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class FileSource(msgspec.Struct, tag_field="transport", tag="file", frozen=True, forbid_unknown_fields=True):
    """Files that someone else puts there.

    Attributes:
        path: a file, or a pattern (`*`, `?`, `**`); relative to the working folder.
        pick: of several matches, `all` (parts of one export, in order of name) or `newest` (by time of change).
        stamp: `mtime` if the file's time of change is when the authority made it; `none` if it only tells when
            the file was copied.
    """

    path: str
    pick: Literal["all", "newest"] = "all"
    stamp: Literal["none", "mtime"] = "none"


class HttpSource(msgspec.Struct, tag_field="transport", tag="http", frozen=True, forbid_unknown_fields=True):
    """One document at an address.

    Attributes:
        url: https, or http on the same machine.
        token_file: file with a bearer token; "" = none.
        compressed: whether the document itself is a gzip file (an address that ends in `.gz` always is).
        max_retry_after_s: longest pause that the source may ask for; a longer one ends the run.
    """

    url: str
    token_file: str = ""
    compressed: bool = False
    max_retry_after_s: float = 300.0


class SocrataSource(
    msgspec.Struct, tag_field="transport", tag="socrata", frozen=True, forbid_unknown_fields=True
):
    """A Socrata dataset through its API, page by page (`$limit`, `$offset`, `$order=:id`).

    Attributes:
        url: the resource, e.g. https://data.wa.gov/resource/qxh8-f4bd.json.
        page_size: rows a page, at most 50,000.
        check_count: whether to ask for the number of rows too and refuse a set of pages that holds another
            number: a server that cuts pages short would else look like a register that has shrunk.
        app_token_file: file with a Socrata app token (higher limits); "" = none.
        max_retry_after_s: longest pause that the source may ask for; a longer one ends the run.
    """

    url: str
    page_size: int = SOCRATA_MAX_PAGE
    check_count: bool = True
    app_token_file: str = ""
    max_retry_after_s: float = 300.0


class FhirBulkSource(
    msgspec.Struct, tag_field="transport", tag="fhir-bulk", frozen=True, forbid_unknown_fields=True
):
    """A FHIR Bulk Data export (HL7 FHIR Bulk Data Access 2.0): kick-off, poll, manifest, files.

    Attributes:
        url: the kick-off address, e.g. https://fhir.example.org/Practitioner/$export?_type=Practitioner.
        token_file: file with a bearer token; "" = none.
        poll_s: pause between two polls when the server does not say.
        max_wait_s: how long the server may take to prepare the export.
        accept_errors: whether an export whose manifest lists errors is taken all the same.
        max_retry_after_s: longest pause that the source may ask for; a longer one ends the run.
    """

    url: str
    token_file: str = ""
    poll_s: float = 10.0
    max_wait_s: float = 7200.0
    accept_errors: bool = False
    max_retry_after_s: float = 300.0


Source: TypeAlias = FileSource | HttpSource | SocrataSource | FhirBulkSource


def is_safe_address(url: str) -> bool:
    """Tell whether nobody on the way can change what the address gives: https, or http on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def check_source(source: Source, path: Path) -> None:
    """Check what types alone can't.

    Raises:
        SettingsError: names the file, the key and the fix.
    """
    if isinstance(source, FileSource):
        if not source.path:
            raise SettingsError(f"{path}: source.path is empty; name the file that holds the feed.")
        return
    if not urlsplit(source.url).hostname or not is_safe_address(source.url):
        raise SettingsError(
            f"{path}: source.url is {source.url!r}; write an https address (http only on this machine: "
            "what anyone on the way can change is no source of truth)."
        )
    if source.max_retry_after_s < 0:
        raise SettingsError(f"{path}: source.max_retry_after_s is negative; write seconds, 0 or more.")
    if isinstance(source, SocrataSource) and not 1 <= source.page_size <= SOCRATA_MAX_PAGE:
        raise SettingsError(
            f"{path}: source.page_size is {source.page_size}; write 1 to {SOCRATA_MAX_PAGE}, Socrata's own bound."
        )
    if isinstance(source, FhirBulkSource) and (source.poll_s < 0 or source.max_wait_s < 0):
        raise SettingsError(f"{path}: source.poll_s and source.max_wait_s are seconds, 0 or more.")
