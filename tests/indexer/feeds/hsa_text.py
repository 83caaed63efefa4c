"""HSA answers for tests, as SOAP and as JSON. The people are made up; numbers of birth number 980 and up."""

from registry.identifiers import check_digit

DOMAIN = "urn:riv:infrastructure:directory:authorizationmanagement"
RESPONDER = f"{DOMAIN}:GetHospCredentialsForPersonResponder:1"
NAMESPACES = f'xmlns:r="{RESPONDER}" xmlns:c="{DOMAIN}:2" xmlns:m1="{DOMAIN}:2.1" xmlns:m2="{DOMAIN}:2.2" xmlns:m3="{DOMAIN}:2.3"'


def number(birth: str = "19800101", birth_number: int = 980) -> str:
    nine = f"{birth[2:]}{birth_number}"
    return f"{birth}{birth_number}{check_digit(nine)}"


ANNA, BO = number(), number("19710930", 981)


def licence(code: str = "LK", name: str = "Läkare") -> str:
    return (
        f"<r:healthCareProfessionalLicence><m1:healthCareProfessionalLicenceCode>{code}</m1:healthCareProfessionalLicenceCode>"
        f"<m3:healthCareProfessionalLicenceName>{name}</m3:healthCareProfessionalLicenceName></r:healthCareProfessionalLicence>"
    )


def speciality(code: str, name: str, profession: str = "LK") -> str:
    return (
        "<r:healthCareProfessionalLicenceSpeciality>"
        f"<m1:healthCareProfessionalLicenceCode>{profession}</m1:healthCareProfessionalLicenceCode>"
        f"<m1:specialityCode>{code}</m1:specialityCode><m1:specialityName>{name}</m1:specialityName>"
        "</r:healthCareProfessionalLicenceSpeciality>"
    )


def restriction(code: str, name: str, profession: str = "LK") -> str:
    about = (
        f"<m3:healthCareProfessionalLicenceCode>{profession}</m3:healthCareProfessionalLicenceCode>"
        if profession
        else ""
    )
    return (
        f"<r:restrictions>{about}<m3:restrictionCode>{code}</m3:restrictionCode>"
        f"<m3:restrictionName>{name}</m3:restrictionName></r:restrictions>"
    )


def response(about: str = ANNA, inner: str | None = None, root: str = "1.2.752.129.2.1.3.1") -> str:
    identity = (
        f"<r:personalIdentityNumber><m1:root>{root}</m1:root><m1:extension>{about}</m1:extension></r:personalIdentityNumber>"
        if about
        else ""
    )
    return (
        f"<r:GetHospCredentialsForPersonResponse {NAMESPACES}>{identity}{licence() if inner is None else inner}"
        "</r:GetHospCredentialsForPersonResponse>"
    )


EMPTY = response("", "")


def envelope(*responses: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">'
        f"<soap:Header/><soap:Body>{''.join(responses)}</soap:Body></soap:Envelope>"
    )


FAULT = envelope(
    "<soap:Fault><faultcode>soap:Server</faultcode><faultstring>Internal error for 19121212-1212</faultstring></soap:Fault>"
)


def answer(about: str = ANNA, **rest: object) -> dict[str, object]:
    """The JSON form, with the names of a proxy's model."""
    given: dict[str, object] = {
        "personalIdentityNumber": about,
        "healthCareProfessionalLicence": [
            {"healthCareProfessionalLicenceCode": "LK", "healthCareProfessionalLicenceName": "Läkare"}
        ],
        "personalPrescriptionCode": None,
        "restrictions": [],
        "feignedPerson": None,
    }
    return {**given, **rest}
