"""The `[source]` of a feed file: where a feed is and how it is fetched. Its key `transport` says which struct it is."""

import re
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from indexer.feeds.patterns import Patterns, as_patterns, pattern_problem

# Socrata's own bound of $limit on SODA 2.0.
SOCRATA_MAX_PAGE = 50_000
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all sources; each transport adds its own keys."""

    def problem(self) -> str:
        """Return what types alone can't check, as "key ...: what to do", or ""."""
        return ""


class WebSource(Source, frozen=True, kw_only=True):
    """Keys of every source that is reached over HTTP. Secrets stand in files of their own, never in a feed file.

    Attributes:
        max_retry_after_s: longest pause that the source may ask for; a longer one ends the run.
        max_fetch_s: how long the whole fetching may take, however slowly bytes still come; 0 = no limit.
        requests_per_second: at most so many requests; 0 = as fast as the source answers.
        pause_ms: pause between the end of one request and the start of the next.
        expect: content types that are believed, also as patterns ("text/*"); empty = all but HTML, which is how a login
            or error page comes with status 200.
        ca_file: PEM file with the authorities that may vouch for the source; "" = those of the system.
        client_cert_file, client_key_file: PEM files of a client certificate; the key may stand with the certificate.
        header_file: file of further headers, one `Name: value` a line, e.g. an API key.
    """

    url: str
    max_retry_after_s: float = 300.0
    max_fetch_s: float = 14_400.0
    requests_per_second: float = 0.0
    pause_ms: float = 0.0
    expect: tuple[str, ...] = ()
    ca_file: str = ""
    client_cert_file: str = ""
    client_key_file: str = ""
    header_file: str = ""

    def problem(self) -> str:
        """See `Source.problem`."""
        if not is_safe_address(self.url):
            return (
                f"url is {_without_user(self.url)!r}; write an https address (http only on this machine: what anyone "
                "on the way can change is no source of truth)."
            )
        if "@" in urlsplit(self.url).netloc:
            return (
                "url holds a user or password, which would end up in logs; write the header "
                '"Authorization: Basic ..." in the file that source.header_file names.'
            )
        for key in ("max_retry_after_s", "max_fetch_s", "requests_per_second", "pause_ms"):
            if getattr(self, key) < 0:
                return f"{key} is negative; write 0 or more."
        if self.client_key_file and not self.client_cert_file:
            return "client_key_file stands without client_cert_file; name the certificate too."
        return ""


# How the authority packs a document or a file.
Unpack = Literal["auto", "no", "gzip", "zip"]


class HttpSource(WebSource, frozen=True, kw_only=True):
    """One document at an address.

    Attributes:
        url: https, or http on the same machine.
        token_file: file with a bearer token; "" = none.
        unpack: `gzip` or `zip` if the document is one; `no` if not; `auto` = by the end of the address (.gz, .zip).
        members: which files of a zip to read (names or patterns), in order of name; empty = the only one in it.
        believe_unsized: whether to believe a document whose length the server does not tell and that ends when the
            connection does: nothing then tells a whole one from half.
    """

    token_file: str = ""
    unpack: Unpack = "auto"
    members: Patterns = ()
    believe_unsized: bool = False


class PickedSource(Source, frozen=True, kw_only=True):
    """Keys of every source where files lie that someone puts there: folders, SFTP servers, object storage.

    Attributes:
        path: a file or a pattern (`*`, `?`, `[abc]`; `**` for any depth of folders), or a list of them.
        pick: of the files that match, `all` (parts of one export, in order of name), `newest`, or `each` (every
            one that has not been taken, the oldest first, one run each; the first pull starts at the newest complete one).
        delta: with `each`: patterns of the files that hold only what changed (their names, or their whole paths); the
            others hold the whole register.
        stamp: what tells when the authority made a file: `none`, `mtime` (its time of change), `name` (its name) or
            `member` (the names of the zip members that are read; files are then taken in order of time of change).
        stamp_pattern: for `name` and `member`: regular expressions with the groups `year`, `month`, `day`, and if need be
            `hour` and `minute`; the first that matches counts. Years may have two digits, months English names.
        ignore: patterns of names that are never taken: files still being written, notes.
        settle_s: a file that has changed within so many seconds may still be being written and waits.
        done_suffix: a file waits until one with its name and this ending lies beside it, e.g. ".done"; "" = no wait.
        unpack: `gzip` or `zip` if the files are; `no` if not; `auto` = by the end of each name (.gz, .zip).
        members: which files of a zip to read (names or patterns), in order of name; empty = the only one in it.
        max_fetch_s: how long the whole fetching may take; 0 = no limit.
    """

    path: Patterns
    pick: Literal["all", "newest", "each"] = "all"
    delta: Patterns = ()
    stamp: Literal["none", "mtime", "name", "member"] = "none"
    stamp_pattern: Patterns = ()
    ignore: Patterns = ("*.part", "*.tmp", "*.filepart")
    settle_s: float = 0.0
    done_suffix: str = ""
    unpack: Unpack = "auto"
    members: Patterns = ()
    max_fetch_s: float = 14_400.0

    def problem(self) -> str:
        """See `Source.problem`."""
        if not all(as_patterns(self.path)) or not as_patterns(self.path):
            return "path is empty; name the file that holds the feed."
        for key in ("path", "delta", "ignore", "members"):
            if problem := pattern_problem(getattr(self, key)):
                return f"{key} {problem}"
        if self.delta and self.pick != "each":
            return 'delta needs pick = "each": deltas are taken one after another.'
        if self.settle_s < 0 or self.max_fetch_s < 0:
            return "settle_s and max_fetch_s are seconds, 0 or more."
        return _stamp_problem(self.stamp, as_patterns(self.stamp_pattern))


def _stamp_problem(stamp: str, patterns: tuple[str, ...]) -> str:
    if bool(patterns) != (stamp in ("name", "member")):
        return 'stamp_pattern and stamp = "name" (or "member") belong together: write both or neither.'
    for pattern in patterns:
        try:
            groups = re.compile(pattern).groupindex
        except re.error as error:
            return f"stamp_pattern {pattern!r} is no regular expression: {error}."
        if missing := {"year", "month", "day"} - set(groups):
            return f"stamp_pattern {pattern!r} lacks the group {min(missing)}; write e.g. (?P<year>\\d{{4}})."
    return ""


class FileSource(PickedSource, frozen=True, kw_only=True):
    """Files that someone else puts on this machine. A `path` is relative to the working folder."""


class SftpSource(PickedSource, frozen=True, kw_only=True):
    """Files on an SFTP server whose host key is known beforehand.

    Attributes:
        host, port, username: the server and who we are there.
        host_key: the server's public key as a line ("ssh-ed25519 AAAA...") or a fingerprint ("SHA256:..."), or a list
            while the authority changes keys. An unknown key is never accepted.
        known_hosts_file: a file in the form of OpenSSH's known_hosts, instead of `host_key` or beside it.
        key_file: our private key (OpenSSH or PEM); key_password_file: file with its password.
        password_file: file with our password, instead of a key.
        path: as for all; wildcards only in the file name, not in its folder.
    """

    host: str
    username: str
    port: int = 22
    host_key: Patterns = ()
    known_hosts_file: str = ""
    key_file: str = ""
    key_password_file: str = ""
    password_file: str = ""

    def problem(self) -> str:
        """See `Source.problem`."""
        if not self.host or not self.username or not 0 < self.port < 1 << 16:
            return "host, username and port are needed."
        if not self.host_key and not self.known_hosts_file:
            return (
                "host_key or known_hosts_file is needed: without the server's key anyone could answer in its place. "
                "Ask the authority for it by another way than the network."
            )
        if bool(self.key_file) == bool(self.password_file):
            return "key_file or password_file is needed, one of them."
        for path in as_patterns(self.path):
            if set("*?[") & set(path.rpartition("/")[0]):
                return f"path {path!r} has a wildcard in its folder; on SFTP only the file name may have one."
        return super().problem()


class ObjectSource(PickedSource, frozen=True, kw_only=True):
    """Objects in S3 or what speaks like it.

    Attributes:
        bucket: its name; `path` is the object's key or a pattern of keys.
        endpoint_url: https (http only on this machine); "" = AWS itself.
        region: as the storage calls it.
        access_key_file: file with the access key's id on its first line and the secret on its second (a session token
            on a third); "" = no credentials, for a public bucket.
        ca_file: PEM file with an authority that may vouch for the storage, beside those of the system.
        virtual_hosts: whether the bucket is part of the host's name instead of the path.
    """

    bucket: str
    endpoint_url: str = ""
    region: str = "us-east-1"
    access_key_file: str = ""
    ca_file: str = ""
    virtual_hosts: bool = False

    def problem(self) -> str:
        """See `Source.problem`."""
        if not self.bucket:
            return "bucket is empty; name it."
        if self.endpoint_url and not is_safe_address(self.endpoint_url):
            return "endpoint_url must be an https address (http only on this machine)."
        return super().problem()


class SocrataSource(WebSource, frozen=True, kw_only=True):
    """A Socrata dataset through its API, page by page (`$limit`, `$offset`, `$order=:id`).

    Attributes:
        url: the resource, e.g. https://data.wa.gov/resource/qxh8-f4bd.json.
        page_size: rows a page, at most 50,000.
        check_count: whether to ask for the number of rows too and refuse a set of pages that holds another
            number: a server that cuts pages short would else look like a register that has shrunk.
        app_token_file: file with a Socrata app token (higher limits); "" = none.
    """

    page_size: int = SOCRATA_MAX_PAGE
    check_count: bool = True
    app_token_file: str = ""

    def problem(self) -> str:
        """See `Source.problem`."""
        if not 1 <= self.page_size <= SOCRATA_MAX_PAGE:
            return f"page_size is {self.page_size}; write 1 to {SOCRATA_MAX_PAGE}, Socrata's own bound."
        return super().problem()


class FhirBulkSource(WebSource, frozen=True, kw_only=True):
    """A FHIR Bulk Data export (HL7 FHIR Bulk Data Access 2.0): kick-off, poll, manifest, files.

    Attributes:
        url: the kick-off address, e.g. https://fhir.example.org/Practitioner/$export?_type=Practitioner.
        token_file: file with a bearer token; "" = none.
        token_origins: further origins ("https://files.example.org") that may have the token, where the export's files lie
            apart from the server; empty = only the server itself.
        poll_s: pause between two polls when the server does not say.
        max_wait_s: how long the server may take to prepare the export.
        accept_errors: whether an export whose manifest lists errors is taken all the same.
    """

    token_file: str = ""
    token_origins: tuple[str, ...] = ()
    poll_s: float = 10.0
    max_wait_s: float = 7200.0
    accept_errors: bool = False

    def problem(self) -> str:
        """See `Source.problem`."""
        if self.poll_s < 0 or self.max_wait_s < 0:
            return "poll_s and max_wait_s are seconds, 0 or more."
        return super().problem()


def is_safe_address(url: str) -> bool:
    """Tell whether nobody on the way can change what the address gives: https, or http on this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:  # no address at all
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK))


def _without_user(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return scheme + separator + authority.rpartition("@")[2] + slash + path
