"""What asking can be refused with, beside what the rooms below refuse."""

from registry.errors import BadRequestError, RegistryError


class QuotaExceededError(RegistryError):
    """A quota is used up; the answer tells which, and when there is more.

    Attributes:
        retry_after_s: seconds until as much as was asked for is there again.
        limit: what the quota allows in its window.
        remaining: what is left of it now; more than 0 where more was asked for than is left.
    """

    slug = "quota-exceeded"
    status = 429
    title = "The quota is used up"

    def __init__(self, quota: str, *, retry_after_s: int, limit: int, remaining: int) -> None:
        super().__init__(
            f"The quota {quota} allows {limit}; {remaining} are left. Wait {retry_after_s} seconds.",
            quota=quota,
            limit=limit,
            remaining=remaining,
            retryAfter=retry_after_s,
        )
        self.retry_after_s = retry_after_s
        self.limit = limit
        self.remaining = remaining


class IdempotencyKeyError(BadRequestError):
    """The header Idempotency-Key is no key; says what one is."""


class IdempotencyKeyReusedError(RegistryError):
    """The same Idempotency-Key came with another body before."""

    slug = "idempotency-key-reused"
    status = 422
    title = "The Idempotency-Key was used for another request"


class IdempotencyKeyInUseError(RegistryError):
    """The first request with this Idempotency-Key is under way.

    Attributes:
        retry_after_s: seconds after which to try again.
    """

    slug = "idempotency-key-in-use"
    status = 409
    title = "The first request with this Idempotency-Key is not answered yet"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(
            "Try again with the same key after a moment: you get the answer of the first request."
        )
        self.retry_after_s = retry_after_s
