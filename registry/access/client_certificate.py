"""Which certificate the client has shown on its TLS connection, as a thumbprint (`x5t#S256`, RFC 8705 section 3.1).

It comes from our own server's TLS (gunicorn with `--cert-reqs`), or from the proxy that ends TLS, in a header (RFC 9440).
Whoever can send that header can be anyone, so it is read from the proxies that are named, and from no other peer. That the
certificate is one of somebody we know is for the token to say; that its owner holds the key was proved to whoever ended TLS.
"""

import base64
import binascii
import ipaddress
import ssl
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

import structlog

from registry.errors import SettingsError
from registry.settings import Tokens

log = structlog.get_logger()
# A certificate has some 1 to 2 kB; web servers bound a header line to about 8 kB anyway.
_MAX_HEADER = 16_384
_PEM = "-----BEGIN CERTIFICATE-----"
_UNIX = "unix"


class ClientCertificates:
    """Reads the certificate of a request.

    Args:
        settings: section `[tokens]`.

    Raises:
        SettingsError: a header is named without a proxy that may send it, or a proxy is no address.
    """

    def __init__(self, settings: Tokens) -> None:
        self._header = f"HTTP_{settings.certificate_header.upper().replace('-', '_')}"
        self._reads_header = bool(settings.certificate_header)
        if self._reads_header and not settings.certificate_proxies:
            raise SettingsError(
                "Setting tokens.certificate_header is set, but tokens.certificate_proxies names nobody who may send it: "
                'write the addresses of the proxies that end TLS, e.g. ["10.0.0.7", "10.1.0.0/16"].'
            )
        self._unix = _UNIX in settings.certificate_proxies
        self._proxies = [_network(text) for text in settings.certificate_proxies if text != _UNIX]

    def thumbprint(self, environ: Mapping[str, Any]) -> str:
        """Return the thumbprint of the certificate that came with a request, "" for none that can be believed."""
        if self._reads_header and (value := environ.get(self._header)):
            if not self._is_proxy(_peer(environ)):
                log.warning("client_certificate_header_from_stranger")
                return ""
            try:
                return _thumbprint(_certificate(value))
            except ValueError:
                log.warning("client_certificate_header_unreadable")
                return ""
        connection = environ.get("gunicorn.socket")
        if isinstance(connection, ssl.SSLSocket) and (shown := connection.getpeercert(binary_form=True)):
            return _thumbprint(shown)
        return ""

    def _is_proxy(self, peer: str) -> bool:
        if not peer:
            return self._unix
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self._proxies)


def _peer(environ: Mapping[str, Any]) -> str:
    """Return who is at the other end of the connection, not whom that one speaks for (`X-Forwarded-For`)."""
    before: Mapping[str, Any] = environ.get("werkzeug.proxy_fix.orig", {})
    return str(before.get("REMOTE_ADDR", environ.get("REMOTE_ADDR")) or "")


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise SettingsError(
            f'Setting tokens.certificate_proxies has {text!r}; write addresses or networks, or "unix".'
        ) from error


def _certificate(value: str) -> bytes:
    """Return the DER bytes of a header: a byte sequence (RFC 9440, RFC 9651), or the escaped PEM text that nginx writes."""
    value = value.strip()
    if len(value) > _MAX_HEADER:
        raise ValueError("too long")
    if value.startswith(":") and value.endswith(":") and len(value) > 1:
        try:
            return base64.b64decode(value[1:-1], validate=True)
        except binascii.Error as error:
            raise ValueError("not base64") from error
    text = unquote(value)
    if not text.startswith(_PEM) or text.count(_PEM) != 1:
        raise ValueError("not one certificate")
    return ssl.PEM_cert_to_DER_cert(text.strip())


def _thumbprint(certificate: bytes) -> str:
    if not certificate:
        raise ValueError("empty")
    return base64.urlsafe_b64encode(sha256(certificate).digest()).rstrip(b"=").decode()
