"""Finding one person with a protected identity for somebody to whom that person has given a consent code.

The code says who is meant; the question must agree with that person and nobody else is looked for, so that a namesake can
neither stand in for the person nor make the answer doubtful. Whatever does not agree is answered like nobody.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import sqlalchemy as sa

from registry.matching.candidate import Candidate
from registry.matching.score import Scorer
from registry.records import read
from registry.records import tables as t
from registry.records.listed import ListedPerson
from registry.records.read import Practitioner
from registry.sealing import Sealer
from registry.verification.by_name import ByName
from registry.verification.by_number import by_number, of_authority
from registry.verification.finding import Finding
from registry.verification.identify import Found, Placed
from registry.verification.question import CheckedQuestion
from registry.verification.unlisted import unlisted

_RECORD = t.source_record.c
# Licences of a person about which their source tells nothing any more: it sends the protected record emptied or unreadable, or it
# is only asked about people who are not protected. What is known of them is from before.
_UNTOLD = (
    sa.select(t.licence.c.id)
    .join(t.source_record, _RECORD.id == t.licence.c.source_record_id)
    .join(t.feed, t.feed.c.id == t.licence.c.feed_id)
    .where(
        t.licence.c.practitioner_id == sa.bindparam("person"),
        (_RECORD.protected & (_RECORD.person_digest.is_(None) | _RECORD.facts_digest.is_(None)))
        | (t.feed.c.mode == "query"),
    )
)

# Feeds whose record about a person has come emptied, or could not be read: what they hold of the person nobody can tell.
_WITHHELD = (
    sa.select(_RECORD.feed_id)
    .where(
        _RECORD.practitioner_id == sa.bindparam("person"),
        _RECORD.protected,
        _RECORD.person_digest.is_(None) | _RECORD.facts_digest.is_(None),
    )
    .distinct()
    .order_by(_RECORD.feed_id)
)


@dataclass(frozen=True, slots=True)
class Admitted:
    """Finds nobody but one person, protected or not.

    Attributes:
        person_id: whom; `NOBODY` finds nobody, for the same work.
        scorer: gives what compares names and birth dates.
        max_candidates: as `Identifier` takes it; the engine is not asked.
    """

    connection: sa.Connection
    sealer: Sealer
    scorer: Callable[[], Scorer]
    max_candidates: int
    person_id: int

    def identify(self, questions: Placed) -> Found:
        """Tell of each question, by its place, whether it is about the person."""
        known = read.practitioners(self.connection, [self.person_id], identifiers=False).get(self.person_id)
        # The person has agreed to be shown for this; a merged one has nothing left to show.
        person = replace(known, protected=False) if known else None
        found = {place: self._finding(person, one) for place, one in questions}
        return {place: self._with_unlisted(found[place], place, one) for place, one in questions}

    def untold(self, finding: Finding) -> Finding:
        """Mark what sources tell nothing of any more, licences and whole records, after history had its say."""
        ids = set(self.connection.scalars(_UNTOLD, {"person": self.person_id}))
        withheld = tuple(self.connection.scalars(_WITHHELD, {"person": self.person_id}))
        if finding.person is None or not (ids or withheld):
            return finding
        licences = tuple(
            replace(one, untold=True) if one.id in ids else one for one in finding.person.licences
        )
        return replace(finding, person=replace(finding.person, licences=licences, withheld=withheld))

    def _finding(self, person: Practitioner | None, question: CheckedQuestion) -> Finding:
        hits = self._hits(question)
        if person is None:
            return Finding("notFound", "not-found")
        if hits is None:
            return self._by_name(person, question)
        # A number of the person's own that also leads to another record would need that record judged as well.
        meant = hits == [person.id] if question.personal_number else person.id in hits
        hit = [person] if meant else []
        return by_number(
            hit if question.personal_number else of_authority(hit, question), question, self.scorer
        )

    def _hits(self, question: CheckedQuestion) -> list[int] | None:
        """Return whom the number leads to; None for a question by name."""
        if question.personal_number:
            return read.ids_by_personal_number(self.connection, self.sealer, question.personal_number)
        if question.licence_number:
            return read.ids_by_licence_number(self.connection, question.licence_number)
        return None

    def _with_unlisted(self, finding: Finding, place: int, question: CheckedQuestion) -> Finding:
        """Add which protected people a question by name is likely about: they see that a code was tried on them."""
        if question.personal_number or question.licence_number:
            return finding
        one = ByName(self.max_candidates, self.scorer(), question)
        ids = {*finding.ids, *unlisted(self.connection, {place: one})[place]}
        return replace(finding, ids=tuple(sorted(ids)))

    def _by_name(self, person: Practitioner, question: CheckedQuestion) -> Finding:
        if not person.listed:
            return Finding("notFound", "not-found")
        scorer = self.scorer()
        one = ByName(self.max_candidates, scorer, question)
        one.people.append(
            ListedPerson(
                person.id, person.public_id, person.birth_date, person.deceased, person.county, person.names
            )
        )
        one.matches.append(scorer.score(one.asked, Candidate(person.names, person.birth_date)))
        return one.lead().finding(person)
