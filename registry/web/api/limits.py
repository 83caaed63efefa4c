"""What operations that take from a quota have in common: the header Idempotency-Key, and what is left of the quotas."""

from collections.abc import Sequence

from registry.checks.quota import QuotaState

# Problems of an operation that honours the header.
KEYED = ("idempotency-key-in-use", "idempotency-key-reused")
IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "schema": {"type": "string", "maxLength": 300},
    "description": (
        "A key of your own for this request, such as a UUID. Send the request again with the same key when its answer got "
        "lost: you get the first answer, byte for byte, and nothing is asked twice."
    ),
}
RATE_LIMIT = {
    "RateLimit-Policy": "Your organisation's quotas (`q`) and their windows in seconds (`w`).",
    "RateLimit": "What is left of each quota (`r`) and the seconds until it is renewed (`t`).",
}


def rate_limit(quotas: Sequence[QuotaState]) -> dict[str, str]:
    """Return the headers that say what is left (draft-ietf-httpapi-ratelimit-headers)."""
    return {
        "RateLimit-Policy": ", ".join(f'"{one.name}";q={one.limit};w={one.window_s}' for one in quotas),
        "RateLimit": ", ".join(f'"{one.name}";r={one.remaining};t={one.reset_s}' for one in quotas),
    }
