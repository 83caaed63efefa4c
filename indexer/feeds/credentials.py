"""Secrets and certificates of feeds. They stand in files of their own; no message ever holds what is in them."""

import re
import ssl
from pathlib import Path

import httpx

from indexer.feeds.sources import WebSource
from registry.errors import SettingsError

_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:[ \t]*([\x20-\x7e]+)")


def read_token(path: str, key: str = "token_file") -> str:
    """Read a file that holds one secret.

    Raises:
        SettingsError: it can't be read or holds nothing.
    """
    token = read_secret(path, key).strip()
    if not token:
        raise SettingsError(f"source.{key} {path} is empty; put the token in it.")
    return token


def read_secret(path: str, key: str) -> str:
    """Read a file of secrets whole.

    Raises:
        SettingsError: it can't be read.
    """
    try:
        return Path(path).read_text("utf-8")
    except OSError as error:
        raise SettingsError(f"source.{key} {path} can't be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        # Without its cause, which would carry the file's bytes.
        raise SettingsError(f"source.{key} {path} is not UTF-8 text.") from None


def read_headers(path: str) -> dict[str, str]:
    """Read `source.header_file`: one `Name: value` a line; empty lines and lines that begin with # don't count.

    Raises:
        SettingsError: it can't be read, or a line is no header.
    """
    headers = {}
    for number, line in enumerate(read_secret(path, "header_file").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _HEADER.fullmatch(line.rstrip())
        if not found:
            raise SettingsError(f"source.header_file {path}, line {number}: write a header as Name: value.")
        headers[found[1]] = found[2]
    if not headers:
        raise SettingsError(f"source.header_file {path} holds no header; write one as Name: value.")
    return headers


def tls(source: WebSource | None) -> ssl.SSLContext:
    """Return how servers are checked and how we show who we are.

    Raises:
        SettingsError: a certificate or key can't be read.
    """
    if source is None:
        return httpx.create_ssl_context()
    try:
        context = (
            ssl.create_default_context(cafile=source.ca_file)
            if source.ca_file
            else httpx.create_ssl_context()
        )
    except OSError as error:
        raise SettingsError(
            f"source.ca_file {source.ca_file} can't be read as certificates (PEM): {_why(error)}."
        ) from error
    if source.client_cert_file:
        try:
            # The password keeps OpenSSL from asking for one on the terminal.
            context.load_cert_chain(source.client_cert_file, source.client_key_file or None, password="")
        except OSError as error:
            raise SettingsError(
                f"source.client_cert_file {source.client_cert_file} and its key can't be used (PEM, the key without a "
                f"password): {_why(error)}."
            ) from error
    return context


def _why(error: OSError) -> str:
    return str(getattr(error, "reason", "") or error.strerror or "not of that form")
