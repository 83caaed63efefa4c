"""What every answer carries: a request id, the trace it belongs to, and headers that keep browsers careful.

Trace context: W3C Trace Context level 1; DIGG REST profile SPA.02 (accept `traceparent`) and SPA.04 (return it).
"""

import re
import secrets
from typing import NamedTuple

from flask import Flask, Response, g, request

from registry.settings import Settings

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\Z")
_SAMPLED_NOT = "00"
# Nothing may be loaded, framed or run. Pages set a wider policy of their own.
POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Whatever does not say otherwise may hold facts about a person.
    "Cache-Control": "no-store",
}
# Two years, as browsers' preload lists ask; only told where the public address is https.
TRANSPORT_SECURITY = "max-age=63072000; includeSubDomains"


class Trace(NamedTuple):
    """The trace a request belongs to, and our own span in it (lower-case hex)."""

    trace_id: str
    span_id: str
    flags: str

    @property
    def traceparent(self) -> str:
        """The header's value, version 00."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


def read_trace(header: str | None) -> Trace:
    """Continue the caller's trace, or begin one where there is no valid `traceparent`."""
    span = secrets.token_hex(8)
    match = _TRACEPARENT.match(header or "")
    if match:
        version, trace_id, parent, flags, rest = match.groups()
        # Version ff is invalid, 00 has no further fields, and zeros name nothing (W3C section 3.2.2).
        if (
            version != "ff"
            and not (version == "00" and rest)
            and set(trace_id) != {"0"}
            and set(parent) != {"0"}
        ):
            return Trace(trace_id, span, flags)
    return Trace(secrets.token_hex(16), span, _SAMPLED_NOT)


def register(app: Flask, settings: Settings) -> None:
    """Give every request of `app` its id and every answer its headers."""
    headers = dict(HEADERS)
    if settings.service.base_url.startswith("https://"):
        headers["Strict-Transport-Security"] = TRANSPORT_SECURITY

    def begin() -> None:
        g.trace = read_trace(request.headers.get("traceparent"))
        # Our own, never the client's: it names one line of the access log (SPA.07: it does not replace the trace).
        g.request_id = secrets.token_hex(16)

    def finish(response: Response) -> Response:
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        response.headers["X-Request-Id"] = g.request_id
        response.headers["traceparent"] = g.trace.traceparent
        return response

    app.before_request(begin)
    app.after_request(finish)
