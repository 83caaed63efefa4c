"""The sandbox's logins and its machine client, as the development identity provider takes them (`registry sandbox`)."""

import secrets
from pathlib import Path

import orjson

from indexer.sandbox import fixed

# Municipalities' numbers begin with serial 001, so nobody has this one; its check digit is right, as whoever types it needs.
ORGANISATION, ORGANISATION_NAME = "2120000001", "Provköpings kommun"
PAGES_CLIENT = "registry"
SYSTEM_CLIENT = "hr-system"
SYSTEM_SCOPES = ("registry:search", "registry:read", "registry:verify")


def write_provider_file(path: Path, base_url: str) -> dict[str, str]:
    """Write users and clients for a service at `base_url`; returns the clients' new secrets by client id."""
    clients = {PAGES_CLIENT: secrets.token_urlsafe(24), SYSTEM_CLIENT: secrets.token_urlsafe(24)}
    users = [
        {
            "subject": "employer",
            "name": f"{fixed.EMPLOYER_GIVEN} {fixed.EMPLOYER_FAMILY}",
            "description": f"Employer at {ORGANISATION_NAME}: checks and searches licences",
            "roles": ["employer"],
            "organisation": ORGANISATION,
            "organisation_name": ORGANISATION_NAME,
            "personal_number": fixed.EMPLOYER_NUMBER,
        },
        {
            "subject": "staff",
            "name": f"{fixed.STAFF_GIVEN} {fixed.STAFF_FAMILY}",
            "description": "Licensed staff: sees her own record and who has looked at it",
            "roles": ["staff"],
            "personal_number": fixed.STAFF_NUMBER,
        },
        {
            "subject": "protected",
            "name": f"{fixed.PROTECTED_GIVEN} {fixed.PROTECTED_FAMILY}",
            "description": "Licensed staff with protected identity: only she sees her record",
            "roles": ["staff"],
            "personal_number": fixed.PROTECTED_NUMBER,
        },
        {
            "subject": "privacy",
            "name": "Privacy officer",
            "description": "Sees who asks how much, who was refused, and what people report; sees nobody's record",
            "roles": ["privacy_officer"],
        },
        {
            "subject": "administrator",
            "name": "Registry administrator",
            "description": "Looks after the registry; sees nobody's record",
            "roles": ["administrator"],
        },
    ]
    path.write_bytes(
        orjson.dumps(
            {
                "users": users,
                "clients": [
                    {
                        "client_id": PAGES_CLIENT,
                        "secret": clients[PAGES_CLIENT],
                        "redirect_uris": [f"{base_url}/login/callback"],
                        "post_logout_redirect_uris": [f"{base_url}/"],
                        "scopes": [
                            "openid",
                            "profile",
                            "https://id.oidc.se/scope/naturalPersonNumber",
                            "https://id.oidc.se/scope/naturalPersonOrgId",
                        ],
                    },
                    {
                        "client_id": SYSTEM_CLIENT,
                        "secret": clients[SYSTEM_CLIENT],
                        "scopes": list(SYSTEM_SCOPES),
                        "organisation": ORGANISATION,
                    },
                ],
            },
            option=orjson.OPT_INDENT_2,
        )
    )
    path.chmod(0o600)
    return clients
