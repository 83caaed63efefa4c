"""The registry's errors. Each has one stable problem type (RFC 9457), mapped to an answer in one place."""

from dataclasses import dataclass, field
from typing import Any, ClassVar


class RegistryError(Exception):
    """Something a caller can be told about.

    Attributes:
        slug: last part of the problem `type` URI; stable, part of the API.
        status: HTTP status code of the answer.
        title: one English sentence that does not change from case to case.
    """

    slug: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "The registry could not answer"

    def __init__(self, detail: str = "", **extra: Any) -> None:  # noqa: ANN401 - problem members are any JSON
        super().__init__(detail or self.title)
        self.detail = detail
        self.extra = extra


class SettingsError(RegistryError):
    """A setting is wrong or missing; the start stops with the key's name and the fix."""

    slug = "settings"
    title = "A setting is wrong or missing"


class SwapError(RegistryError):
    """Another search index was put in use meanwhile; nothing was changed. Only the indexer meets it."""

    slug = "swap-refused"
    title = "Another search index was put in use meanwhile; nothing was changed"


class BadRequestError(RegistryError):
    """The question itself is wrong; `detail` says what to change."""

    slug = "bad-request"
    status = 400
    title = "The request can't be answered as it is written"


class PersonalNumberInUrlError(BadRequestError):
    """A personal identity number was sent in a URL, where logs and histories would keep it."""

    slug = "personal-number-in-url"
    title = "Personal identity numbers may only be sent in a request body"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field: a JSON pointer to it and what to do."""

    pointer: str
    detail: str


@dataclass
class InvalidBodyError(RegistryError):
    """The body does not fit the schema; `errors` names every field."""

    detail: str
    errors: list[FieldError] = field(default_factory=list)
    slug: ClassVar[str] = "invalid-body"
    status: ClassVar[int] = 422
    title: ClassVar[str] = "The body does not fit the schema"

    def __post_init__(self) -> None:
        super().__init__(
            self.detail, errors=[{"pointer": e.pointer, "detail": e.detail} for e in self.errors]
        )


class UnauthorizedError(RegistryError):
    """No valid credential (RFC 6750 `invalid_token` or none at all)."""

    slug = "unauthorized"
    status = 401
    title = "A valid access token is needed"


class ForbiddenError(RegistryError):
    """A valid credential that does not allow this."""

    slug = "forbidden"
    status = 403
    title = "The credential does not allow this"


class NotFoundError(RegistryError):
    """No such resource, or none the caller may know of: the two are answered alike."""

    slug = "not-found"
    status = 404
    title = "There is no such resource"


class SearchUnavailableError(RegistryError):
    """The search engine can't be reached or has no index; look-up by number still works."""

    slug = "search-unavailable"
    status = 503
    title = "Search by name is unavailable at the moment"


class AccessLogUnavailableError(RegistryError):
    """The access event could not be written, so there is no answer."""

    slug = "access-log-unavailable"
    status = 503
    title = "The access event could not be written, so no answer is given"


class IdentityProviderUnavailableError(RegistryError):
    """The identity provider can't be reached and no usable key is known."""

    slug = "identity-provider-unavailable"
    status = 503
    title = "The identity provider can't be reached"
