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


class ConsentCodeError(BadRequestError):
    """What was given as a consent code is none, or mistyped; says what to do. Nobody was asked about it."""


class ConsentRefusedError(RegistryError):
    """A consent code that may not be used for the question; whatever the reason, the answer is the same bytes."""

    slug = "consent-code-refused"
    status = 422
    title = "The consent code can't be used for this question"

    def __init__(self) -> None:
        super().__init__(
            "The code is used, expired or withdrawn, is for another organisation, or does not belong to whom you asked about. "
            "Ask the person for a new code, or ask without one."
        )


class ConsentLimitError(RegistryError):
    """A person has as many unused consent codes as one may have."""

    slug = "too-many-consent-codes"
    status = 409
    title = "There are too many unused consent codes"


class RequestLimitError(RegistryError):
    """A person has as many requests that wait for an answer as one may have."""

    slug = "too-many-requests-open"
    status = 409
    title = "There are too many requests that wait for an answer"


class StepRefusedError(RegistryError):
    """A request can't take this step: it has ended, or somebody has taken another step meanwhile."""

    slug = "step-refused"
    status = 409
    title = "The request has changed meanwhile"


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
