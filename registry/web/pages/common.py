"""What several pages need: reading people and feeds, judging their licences today, purposes, and the access event."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import g

from registry.access.guard import current_caller
from registry.access.log import Action, record_access
from registry.access.purposes import stateable
from registry.access.signed_in import optional_caller
from registry.records.read import Feed, Practitioner, feeds
from registry.verification.reasons import Basis
from registry.verification.situation import Moment
from registry.verification.verdict import LicenceVerdict, licence_verdict
from registry.vocabulary import UNKNOWN
from registry.web.context import context
from registry.web.pages.language import Language
from registry.web.pages.render import current_language
from registry.web.pages.views import LicenceView, Viewer

# A person's own record is asked for by its page, never chosen.
OWN_RECORD = "own-record"


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a select."""

    value: str
    label: str


def purposes() -> tuple[str, ...]:
    """Return the purposes that whoever is logged in may state about another person; for everyone else, all."""
    return stateable(context().settings.access, optional_caller())


def purpose_label(purpose: str, language: Language) -> str:
    """Return a purpose as people read it; the operator's own ones as they are written in the settings."""
    return language.known(f"purpose.{purpose}", purpose)


def purpose_options() -> list[Option]:
    """Return the purposes to choose from, in the order of the settings."""
    language = current_language()
    return [Option(purpose, purpose_label(purpose, language)) for purpose in purposes()]


def profession_codes() -> list[str]:
    """Return the professions that one can ask about."""
    return [code for code in context().vocabulary.professions if code != UNKNOWN]


def profession_options() -> list[Option]:
    """Return the professions to choose from, in the order of the alphabet that readers of the page expect."""
    language, words = current_language(), context().vocabulary
    options = [Option(code, words.profession_label(code, language.code)) for code in profession_codes()]
    return sorted(options, key=lambda option: _alphabetical(option.label))


def authority_options(known: Mapping[str, Feed]) -> list[Option]:
    """Return the authorities whose feeds are described."""
    view = viewer(known)
    ids = {feed.authority_id for feed in known.values()}
    options = [Option(authority, view.authority(authority)) for authority in ids]
    return sorted(options, key=lambda option: _alphabetical(option.label))


def _alphabetical(label: str) -> str:
    """Sort å, ä and ö after z, as Swedish does; English labels hold none of them."""
    return label.casefold().translate(str.maketrans("åäö", "{|}"))


def known_feeds() -> dict[str, Feed]:
    """Read the feeds and how their last runs went."""
    with context().truth.connect() as connection:
        return feeds(connection)


def viewer(known: Mapping[str, Feed]) -> Viewer:
    """Return what writes facts for this answer."""
    shared = context()
    return Viewer(current_language(), shared.settings.zone, shared.now(), shared.vocabulary, known)


class Today:
    """Judges licences by themselves as of today, for pages that ask no question of their own."""

    def __init__(self, view: Viewer) -> None:
        shared = context()
        self.view = view
        self.date = view.now.astimezone(view.zone).date()
        rules = shared.rules.on(self.date)
        self.rule_version = rules.version
        self._basis = Basis(view.feeds, rules, shared.vocabulary)
        self._moment = Moment(self.date, view.now, view.zone)

    def judge(self, person: Practitioner) -> list[LicenceVerdict]:
        """Return the answer for each licence."""
        return [licence_verdict(person, each, self._moment, self._basis) for each in person.licences]

    def licences(self, person: Practitioner) -> list[LicenceView]:
        """Write each licence with its answer."""
        return [self.view.licence(each.licence, each.answer, each.reasons) for each in self.judge(person)]

    def written(self) -> str:
        """Write the day."""
        return self.view.language.day(self.date)


def log_access(
    action: Action, purpose: str, question: Mapping[str, Any], answer: str, practitioner_ids: Collection[int]
) -> None:
    """Write the access event of this answer; no page that shows a person is sent without it.

    Raises:
        AccessLogUnavailableError: it can't be written, so nothing may be shown.
    """
    shared = context()
    record_access(
        shared.access,
        shared.settings.access,
        current_caller(),
        purpose=purpose,
        action=action,
        question=question,
        answer=answer,
        practitioner_ids=practitioner_ids,
        request_id=g.request_id,
    )


def evidence(purpose: str, rule_version: str, view: Viewer) -> Sequence[tuple[str, str]]:
    """Return what proves an answer: when, by which rules, why, for whom, and the reference into the access log."""
    caller, text = current_caller(), view.language.text
    who = [caller.name]
    if caller.organisation:
        who.append(text("me.organisation", number=caller.organisation))
    return (
        (text("result.checked-at"), view.language.moment(view.now, view.zone)),
        (text("result.rules"), rule_version),
        (text("result.purpose"), purpose_label(purpose, view.language)),
        (text("result.checked-by"), ", ".join(part for part in who if part)),
        (text("result.reference"), str(g.request_id)),
    )
