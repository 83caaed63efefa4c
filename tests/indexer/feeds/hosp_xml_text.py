"""HOSP documents for tests, in the shape of licensetopractice 2.0. The people are made up."""

NAMESPACE = "urn:riv:masterdata:organisationalresources:licensetopractice:2"
HEAD = f'<?xml version="1.0" encoding="UTF-8"?>\n<answer xmlns:e="urn:extension" xmlns="{NAMESPACE}">\n'
FOOT = "</answer>\n"
# Made by the rule of the check digit, birth number 980.
NUMBER = "198001019804"


def code(name: str, value: str, system: str = "", text: str = "") -> str:
    return (
        f"<{name}><code>{value}</code><codeSystem>{system}</codeSystem>"
        f"<displayName>{text}</displayName></{name}>"
    )


def restriction(value: str, text: str, since: str = "2020-01-01", more: str = "") -> str:
    kind = code("typAvBehorighetsbegransning", value, "1.2.752.116.3.1.5", text)
    return f"<behorighetsbegransning>{kind}<fromDatum>{since}</fromDatum>{more}</behorighetsbegransning>"


def licence(value: str = "LK", valid: str = "true", since: str = "20050603", more: str = "") -> str:
    return (
        f"<legitimation>{code('legitimeratYrke', value, '1.2.752.116.3.1.3', value + ' i klartext')}"
        f"<giltigLegitimation>{valid}</giltigLegitimation>"
        f"<legitimationsDatum>{since}</legitimationsDatum>{more}</legitimation>"
    )


def person(hosp_id: str = "100001", more: str = "", licences: str = "", born: str = "19800101") -> str:
    number = f"<personId><extension>{NUMBER}</extension><root>1.2.752.129.2.1.3.1</root></personId>"
    return (
        f"<hospPerson><hospId><extension>{hosp_id}</extension><root>1.2.752.116.3.1.1</root></hospId>{number}"
        "<efternamn>Öberg</efternamn><samtligaFornamn>Anna</samtligaFornamn>"
        f"<samtligaFornamn>Karin Maria</samtligaFornamn><fodelsedatum>{born}</fodelsedatum>{more}{licences}"
        "</hospPerson>\n"
    )


def document(*people: str) -> str:
    return HEAD + "".join(people) + FOOT
