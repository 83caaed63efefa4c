"""Parts of a plain answer (`registry.checks.answer`) as the templates show them: the same for a fresh one and a kept one."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from registry.matching.notes import Note
from registry.vocabulary import UNKNOWN
from registry.web.pages.match_view import MatchView, written_match
from registry.web.pages.views import LicenceView, ReasonView, RestrictionView, SourceView, Viewer

Values = Mapping[str, Any]


class AnswerReader:
    """Reads one plain answer in the language of a viewer."""

    def __init__(self, answer: Values, view: Viewer) -> None:
        self.answer = answer
        self.view = view
        self._feeds = {feed["id"]: feed for feed in answer["sources"]}

    def said(self, text: Values) -> str:
        """Return a text of the answer in the reader's language."""
        return str(text[self.view.language.code])

    def moment(self, plain: str) -> str:
        """Write a moment in the zone of the service."""
        return self.view.language.moment(datetime.fromisoformat(plain), self.view.zone)

    def day(self, partial: str | None) -> str:
        """Write a partial date; nothing for None."""
        return self.view.language.day(partial) if partial else ""

    def reason(self, reason: Values) -> ReasonView:
        """Write a reason."""
        return ReasonView(reason["answer"] or "note", self.said(reason["text"]), self.said(reason["source"]))

    def feed(self, feed: Values) -> SourceView:
        """Write a feed as it was when the answer was given."""
        at = feed["lastSuccessAt"]
        return SourceView(
            name=self.said(feed["name"]),
            authority=self.said(feed["authority"]["name"]),
            silence=self.said(feed["silence"]),
            last_success=self.moment(at) if at else "",
            fresh=feed["state"] == "fresh",
            max_age_hours=self.view.language.number(feed["maxAgeHours"]),
            held=feed["held"],
        )

    def sources(self) -> tuple[SourceView, ...]:
        """Write every feed of the answer."""
        return tuple(map(self.feed, self.answer["sources"]))

    def source_of(self, licence: Values) -> SourceView:
        """Write the feed of a licence; one that is no longer described has its id as its name."""
        if feed := self._feeds.get(licence["feed"]):
            return self.feed(feed)
        authority = self.said(licence["authority"]["name"])
        return SourceView(licence["feed"], authority, "", "", fresh=False, max_age_hours="")

    def profession(self, licence: Values) -> str:
        """Write a licence's profession: our word, or the authority's own where we have none."""
        raw = licence["rawProfession"]
        own = self.said(licence["profession"]["name"])
        return raw["text"] or raw["code"] or own if licence["profession"]["code"] == UNKNOWN else own

    def licence(self, licence: Values, told: Collection[Values]) -> LicenceView:
        """Write a licence with its own answer; reasons that are `told` already are not said twice."""
        source, known = self.source_of(licence), licence["provenance"]
        # Where nothing else was learnt later, one time says it.
        later = known["learntAt"] != known["knownSince"]
        raw = licence["rawProfession"]
        return LicenceView(
            profession=self.profession(licence),
            raw_profession=" ".join(part for part in (raw["code"], raw["text"]) if part),
            status=self.said(licence["status"]["name"]),
            raw_status=licence["rawStatus"],
            answer=licence["verdict"],
            reasons=tuple(self.reason(each) for each in licence["reasons"] if each not in told),
            number=licence["number"] or "",
            jurisdiction=self.view.place(licence["jurisdiction"] or ""),
            authority=source.authority,
            issued=self.day(licence["issued"]),
            valid_from=self.day(licence["validFrom"]),
            valid_to=self.day(licence["validTo"]),
            specialties=tuple(self._specialties(licence["specialties"])),
            restrictions=tuple(map(self._restriction, licence["restrictions"])),
            source=source,
            known_since=self.moment(known["knownSince"]),
            gone=licence["gone"],
            known_to=self.moment(known["knownTo"]) if known["knownTo"] else "",
            learnt_at=self.moment(known["learntAt"]) if later else "",
            run=str(known["run"]),
            stamp=self.stamp(known["stamp"]),
        )

    def stamp(self, stamp: str | None) -> str:
        """Write a feed's own stamp: as a moment where it is one, else as the feed gave it."""
        try:
            moment = datetime.fromisoformat(stamp or "")
        except ValueError:
            return stamp or ""
        return self.view.language.moment(moment, self.view.zone) if moment.tzinfo else stamp or ""

    def _specialties(self, given: Sequence[Values]) -> Iterable[str]:
        for each in given:
            name = " ".join(part for part in (each["code"], each["text"]) if part)
            since = self.day(each["validFrom"])
            text = self.view.language.text
            yield text("licence.specialty-since", specialty=name, date=since) if since else name

    def _restriction(self, given: Values) -> RestrictionView:
        raw = " ".join(part for part in (given["rawCode"], given["rawText"]) if part)
        period = self.view.period(given["validFrom"], given["validTo"])
        return RestrictionView(self.said(given["name"]), raw, period)

    def match(self) -> MatchView | None:
        """Write how the record answers to the question; None where nobody is shown."""
        match = self.answer["match"]
        if match is None or self.answer["practitioner"] is None:
            return None
        notes = [Note(each["code"], each["text"]["sv"], each["text"]["en"]) for each in match["notes"]]
        return written_match(match["level"], notes, self.view.language)
