"""What to do now about an answer, reason by reason: whom to ask, and what to send."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from registry.web.pages.answer_view import AnswerReader, Values
from registry.web.pages.answer_words import Words

Step = Literal[
    "more",
    "not-found",
    "stale",
    "held",
    "told-no-more",
    "withheld",
    "limits",
    "sanction",
    "lapsed",
    "unclear",
    "other-licence",
    "not-held",
    "past",
]
STEPS: tuple[Step, ...] = get_args(Step)
# Ids of rules and outcomes in config/verdict. What is in none of them has the general advice of the verdict only.
_BY_STEP: Mapping[Step, Collection[str]] = {
    "more": (
        *("ambiguous", "uncertain-match", "name-differs", "birth-date-differs"),
        *("number-for-other-profession", "professions-differ", "authorities-differ"),
    ),
    "not-found": ("not-found",),
    "stale": ("feed-stale", "feed-never"),
    "held": ("change-held",),
    "told-no-more": ("told-no-more",),
    "withheld": ("source-withholds",),
    "limits": ("probation", "limited-prescribing", "conditions", "restricted", "restriction-later"),
    "sanction": ("revoked", "suspended", "status-revoked", "status-suspended", "surrendered"),
    "lapsed": ("ended", "lapsed", "not-begun", "end-perhaps", "start-perhaps"),
    "unclear": (
        *("profession-unknown", "status-unknown", "restriction-unknown", "restriction-perhaps"),
        *("deceased-perhaps", "record-gone"),
    ),
    "other-licence": ("licences-differ", "sanction-elsewhere", "other-authority-differs"),
    "not-held": ("profession-not-held", "profession-not-held-complete", "no-licence"),
    "past": (
        *("past-date", "known-at", "before-first-knowledge", "not-known-then", "before-rules"),
        *("learnt-later", "earlier-period"),
    ),
}
_STEP_OF: Mapping[str, Step] = {code: step for step, codes in _BY_STEP.items() for code in codes}
# Silence of more authorities than these is told under the sources, not as a list of whom to ask.
_MOST = 4


@dataclass(frozen=True, slots=True)
class Contact:
    """An authority to ask: its name, and where it tells how to reach it ("" where that is not known)."""

    name: str
    url: str


def steps(reader: AnswerReader) -> tuple[str, ...]:
    """Return what to do, one sentence or two for each kind of reason, in the order of the reasons."""
    codes = [reason["code"] for reason in reader.answer["reasons"] if reason["answer"] != "yes"]
    found = dict.fromkeys(_STEP_OF[code] for code in codes if code in _STEP_OF)
    day = reader.day(reader.answer["onDate"])
    return tuple(reader.view.language.text(f"step.{step}", date=day) for step in found)


def contacts(reader: AnswerReader, words: Words, urls: Mapping[str, str]) -> tuple[Contact, ...]:
    """Return whom to ask; nobody where the answer is yes, or where the question falls short.

    Args:
        reader: of the answer.
        words: of the answer.
        urls: addresses of authorities by their ids.
    """
    if reader.answer["verdict"] == "yes" or words.may_be_answered:
        return ()
    about: Sequence[Values] = words.to_ask or reader.answer["sources"]
    authorities = {each["authority"]["id"]: each["authority"] for each in about}
    if len(authorities) > _MOST:
        return ()
    contacts = (
        Contact(reader.said(each["name"]), _web(urls.get(key, ""))) for key, each in authorities.items()
    )
    return tuple(dict.fromkeys(contacts))


def _web(url: str) -> str:
    """Return an address that a browser opens as a page; nothing else is made a link."""
    return url if url.startswith(("https://", "http://")) else ""
