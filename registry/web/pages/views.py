"""Facts as the templates show them: words of one language, dates written out, nothing left to decide."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from babel import Locale

from registry import identifiers
from registry.records.facts import LicenceFacts, RestrictionFacts, SpecialtyFacts
from registry.records.read import Feed, KnownIdentifier, Licence, Practitioner
from registry.verification.reasons import Reason
from registry.verification.ruleset import Answer
from registry.vocabulary import UNKNOWN, Vocabulary
from registry.web.pages.language import Language

_IDENTIFIER_KEYS = {
    identifiers.PERSONAL_IDENTITY_NUMBER: "identifier.personal-number",
    identifiers.COORDINATION_NUMBER: "identifier.coordination-number",
    identifiers.HOSP_ID: "identifier.hosp-id",
    identifiers.PRESCRIBER_CODE: "identifier.prescriber-code",
    identifiers.HSA_ID: "identifier.hsa-id",
    identifiers.NPI: "identifier.npi",
}


@dataclass(frozen=True, slots=True)
class SourceView:
    """A feed: who stands behind it, when it was last read, and what its silence means."""

    name: str
    authority: str
    silence: str
    last_success: str
    fresh: bool
    max_age_hours: str
    held: bool = False


@dataclass(frozen=True, slots=True)
class ReasonView:
    """One reason: `answer` is yes, no, ask, or note for a remark."""

    answer: str
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class RestrictionView:
    """A restriction: our word, the authority's own words or code, and its dates."""

    label: str
    raw: str
    period: str


@dataclass(frozen=True, slots=True)
class LicenceView:
    """A licence, with the answer for it alone where one is given.

    Attributes:
        known_since, known_to: when the registry knew what is shown; `known_to` is "" while it stands.
        learnt_at: when it learnt the last of it, where that was later than `known_since`.
        run, stamp: the feed's run that brought it, and the feed's own stamp of that run.
    """

    profession: str
    raw_profession: str
    status: str
    raw_status: str
    answer: Answer | None
    reasons: tuple[ReasonView, ...]
    number: str
    jurisdiction: str
    authority: str
    issued: str
    valid_from: str
    valid_to: str
    specialties: tuple[str, ...]
    restrictions: tuple[RestrictionView, ...]
    source: SourceView
    known_since: str
    gone: bool
    known_to: str = ""
    learnt_at: str = ""
    run: str = ""
    stamp: str = ""


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person: names, dates, and the identifiers that may be shown to this reader."""

    name: str
    former_names: tuple[str, ...]
    aliases: tuple[str, ...]
    birth_date: str
    deceased: str
    county: str
    protected: bool
    identifiers: tuple[tuple[str, str], ...]
    url: str = ""


def inside(label: str) -> str:
    """Write a profession's label inside a sentence: without its capital, unless it is an abbreviation."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Writes facts in one language, in the service's zone, at one moment.

    Attributes:
        now: the moment at which feeds are called fresh or not (UTC).
    """

    language: Language
    zone: ZoneInfo
    now: datetime
    vocabulary: Vocabulary
    feeds: Mapping[str, Feed]

    def source(self, feed: Feed) -> SourceView:
        """Write a feed."""
        swedish = self.language.code == "sv"
        at = feed.last_success_at
        return SourceView(
            name=feed.name_sv if swedish else feed.name_en,
            authority=feed.authority_name_sv if swedish else feed.authority_name_en,
            silence=feed.silence_sv if swedish else feed.silence_en,
            last_success=self.language.moment(at, self.zone) if at else "",
            fresh=feed.fresh(self.now),
            max_age_hours=self.language.number(feed.max_age_hours),
            held=feed.held,
        )

    def sources(self) -> tuple[SourceView, ...]:
        """Write every feed, in the order of their ids."""
        return tuple(self.source(feed) for feed in self.feeds.values())

    def authority(self, authority_id: str) -> str:
        """Write an authority's name; its id where no feed is described."""
        feed = next((feed for feed in self.feeds.values() if feed.authority_id == authority_id), None)
        return self.source(feed).authority if feed else authority_id

    def source_of(self, licence: Licence) -> SourceView:
        """Write the feed a licence came from; one that is no longer described has its id as its name."""
        feed = self.feeds.get(licence.feed_id)
        if feed:
            return self.source(feed)
        return SourceView(
            name=licence.feed_id,
            authority=licence.authority_id,
            silence="",
            last_success="",
            fresh=False,
            max_age_hours="",
        )

    def profession(self, facts: LicenceFacts) -> str:
        """Write a profession: our word, or the authority's own where we have none."""
        if facts.profession == UNKNOWN:
            return facts.raw_profession_text or facts.raw_profession or self._profession(UNKNOWN)
        return self._profession(facts.profession)

    def _profession(self, code: str) -> str:
        return self.vocabulary.profession_label(code, self.language.code)

    def licence(
        self, licence: Licence, answer: Answer | None = None, reasons: Iterable[Reason] = ()
    ) -> LicenceView:
        """Write a licence, with its own answer if there is one."""
        facts = licence.facts
        source = self.source_of(licence)
        return LicenceView(
            profession=self.profession(facts),
            raw_profession=" ".join(p for p in (facts.raw_profession, facts.raw_profession_text) if p),
            status=self.vocabulary.status_label(facts.status, self.language.code),
            raw_status=facts.raw_status,
            answer=answer,
            reasons=tuple(self.reason(reason) for reason in reasons),
            number=facts.number,
            jurisdiction=self.place(facts.jurisdiction),
            authority=source.authority,
            issued=self._day(facts.issued),
            valid_from=self._day(facts.valid_from),
            valid_to=self._day(facts.valid_to),
            specialties=tuple(self._specialty(specialty) for specialty in facts.specialties),
            restrictions=tuple(self.restriction(restriction) for restriction in facts.restrictions),
            source=source,
            known_since=self.language.moment(licence.known_since, self.zone),
            gone=licence.gone,
        )

    def reason(self, reason: Reason) -> ReasonView:
        """Write a reason; one that speaks for no answer is a note."""
        swedish = self.language.code == "sv"
        text = reason.sv if swedish else reason.en
        source = reason.source_sv if swedish else reason.source_en
        return ReasonView(reason.answer or "note", text, source)

    def place(self, jurisdiction: str) -> str:
        """Write a jurisdiction (ISO 3166 `SE`, `US-WA`) with its country's name; other codes as they are."""
        country = jurisdiction.partition("-")[0]
        name = Locale(self.language.code).territories.get(country)
        if not name:
            return jurisdiction
        return str(name) if jurisdiction == country else f"{name} ({jurisdiction})"

    def _day(self, partial: str | None) -> str:
        return self.language.day(partial) if partial else ""

    def _specialty(self, specialty: SpecialtyFacts) -> str:
        name = " ".join(part for part in (specialty.code, specialty.text) if part)
        if not specialty.valid_from:
            return name
        return self.language.text(
            "licence.specialty-since", specialty=name, date=self._day(specialty.valid_from)
        )

    def restriction(self, restriction: RestrictionFacts) -> RestrictionView:
        """Write a restriction with its dates."""
        raw = " ".join(part for part in (restriction.code, restriction.text) if part)
        label = self.vocabulary.restriction_label(restriction.kind, self.language.code)
        return RestrictionView(label, raw, self.period(restriction.valid_from, restriction.valid_to))

    def period(self, start: str | None, end: str | None) -> str:
        """Write from when to when something holds, as far as it is dated."""
        if start and end:
            return self.language.text("licence.since-until", start=self._day(start), end=self._day(end))
        if start:
            return self.language.text("licence.since", date=self._day(start))
        return self.language.text("licence.until", date=self._day(end)) if end else ""

    def name(self, person: Practitioner) -> str:
        """Write a person's name; that there is none where the source gave only a number."""
        return person.name or self.language.text("person.nameless")

    def person(
        self, person: Practitioner, *, numbers: Mapping[KnownIdentifier, str] | None = None, url: str = ""
    ) -> PersonView:
        """Write a person.

        Args:
            person: as read from SQL.
            numbers: opened personal identity numbers, for the person's own page only; left out otherwise.
            url: where the whole record is, "" if it is not linked.
        """
        return PersonView(
            name=self.name(person),
            former_names=tuple(name.display() for name in person.names if name.use == "former"),
            # Two authorities may each give an official name; the first is the heading.
            aliases=tuple(name.display() for name in person.names[1:] if name.use != "former"),
            birth_date=self._day(person.birth_date),
            deceased=self._deceased(person),
            county=person.county,
            protected=person.protected,
            identifiers=tuple(self._identifiers(person, numbers or {})),
            url=url,
        )

    def _deceased(self, person: Practitioner) -> str:
        if person.deceased_date:
            return self._day(person.deceased_date)
        return self.language.text("person.deceased-yes") if person.deceased else ""

    def _identifiers(
        self, person: Practitioner, numbers: Mapping[KnownIdentifier, str]
    ) -> Iterable[tuple[str, str]]:
        for identifier in person.identifiers:
            value = identifier.value or numbers.get(identifier)
            if value:
                yield self._identifier_label(identifier), value

    def _identifier_label(self, identifier: KnownIdentifier) -> str:
        key = _IDENTIFIER_KEYS.get(identifier.system)
        text = self.language.text
        label = text(key) if key else text("identifier.other", system=identifier.system)
        return text("identifier.old", label=label) if identifier.use == "old" else label
