"""What the API is (DIGG REST profile VER.06)."""

import marshmallow as ma

from registry.web.api.fields import ABOUT_NOBODY, Answer, about
from registry.web.api.operation import ApiBlueprint, operation
from registry.web.context import context

API_VERSION = "1.0.0"
API_RELEASED = "2026-11-22"
_CACHE = "public, max-age=3600"

blueprint = ApiBlueprint(
    "about",
    "What this API is and where it is documented.",
    open_because="it tells about the API itself and holds nothing about any person",
)


class ApiInfoSchema(Answer):
    """Facts about the API, named as the profile names them."""

    resource = ABOUT_NOBODY

    api_name = ma.fields.String(required=True)
    api_version = ma.fields.String(
        required=True, metadata=about("Semantic version; the major stands in the URL.")
    )
    api_released = ma.fields.String(required=True, metadata=about("Day of release.", format="date"))
    api_documentation = ma.fields.String(required=True, metadata=about("The OpenAPI document.", format="uri"))
    api_status = ma.fields.String(
        required=True, metadata=about("Phase of its life.", enum=["beta", "active", "deprecated"])
    )


@operation(
    blueprint,
    "/api-info",
    operation_id="getApiInfo",
    answer=ApiInfoSchema(),
    example={
        "apiName": "welfare-licence-registry",
        "apiVersion": API_VERSION,
        "apiReleased": API_RELEASED,
        "apiDocumentation": "https://registry.example/v1/openapi.json",
        "apiStatus": "beta",
    },
)
def api_info() -> tuple[dict[str, str], int, dict[str, str]]:
    """Tell the API's name, version and status.

    DIGG:s REST API-profil VER.06.
    """
    info = {
        "api_name": "welfare-licence-registry",
        "api_version": API_VERSION,
        "api_released": API_RELEASED,
        "api_documentation": f"{context().settings.service.base_url.rstrip('/')}/v1/openapi.json",
        "api_status": "beta",
    }
    return info, 200, {"Cache-Control": _CACHE}
