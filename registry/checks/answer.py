"""A verification as one plain value: what the API sends, the page renders and evidence keeps.

There is one shape for a fresh answer and for a fetched one. `answer_of` gives (`?` = or None; `text` = {"sv", "en"};
`word` = {"code", "name": text}; dates are `YYYY-MM-DD`, partial dates as the authority gave them, moments RFC 3339 in UTC
to the second with `Z`):

    id: "ver_" + 22 characters          the evidence: it can be fetched by the same organisation
    verdict: "yes" | "no" | "ask"
    outcome: "found" | "notFound" | "ambiguous" | "mismatch"
    reasons: [reason]                   the first one decided
    ruleVersion: str
    onDate: date                        the day the answer is about
    knownAt: moment                     with what knowledge: that of the moment asked about, else of checkedAt
    checkedAt: moment
    purpose: str
    reference: str?                     the caller's own
    profession: word?                   asked about
    authority: {id, name: text}?        asked about
    practitioner: {id, name, birthYear?, deceased, links: {self}}?      only with outcome "found"
    match: {level, score?, features: [str], name: {use, text}?, notes: [{code, text}]}?
    licences: [licence]                 every licence of the person
    sources: [feed]                     the feeds the answer rests on, or whose silence it tells
    links: {self}                       "/v1/verifications/{id}"

    reason:  code, answer ("yes" | "no" | "ask" | None for a remark), nature, text, source: text,
             licence: int? (which of `licences`, from 0, it is about; None: about none of them alone)
    licence: number?, profession: word, rawProfession: {code, text}, status: word, rawStatus, jurisdiction?, issued?,
             validFrom?, validTo?, specialties: [{code, system?, text, validFrom?}],
             restrictions: [{code, name: text, rawCode, rawText, validFrom?, validTo?}], gone: bool,
             authority: {id, name: text}, feed: str, held: bool, knownSince: moment,
             provenance: {feed, run: int, stamp?, knownSince: moment, knownTo: moment?, learntAt: moment},
             verdict, reasons: [reason], relevant: bool
    feed:    id, name: text, authority, completeness, mode, maxAgeHours, state ("fresh" | "stale" | "never", at
             knownAt), lastSuccessAt?, stamp?, lastRunAt?, lastRunState?, held, silence: text
"""

from collections.abc import Mapping
from typing import Any

from registry.checks import plain
from registry.matching.features import BY_NAME
from registry.matching.match import Match
from registry.records.read import Practitioner
from registry.verification.answer import CheckedLicence, Provenance, Verification
from registry.verification.reasons import Reason
from registry.vocabulary import Vocabulary

Values = dict[str, Any]
PATH = "/v1/verifications"


def answer_of(
    given: Verification, vocabulary: Vocabulary, *, evidence_id: str, purpose: str, reference: str | None
) -> Values:
    """Return the plain value of a verification, as the head of this module describes it.

    Args:
        given: what was found out.
        vocabulary: our words.
        evidence_id: under which the answer is kept.
        purpose: why it was asked.
        reference: the caller's own, given back.
    """
    feeds = {source.feed.id: source.feed for source in given.sources}
    named = next((f for f in feeds.values() if f.authority_id == given.authority), None)
    places = {each.verdict.licence.id: place for place, each in enumerate(given.licences)}
    person = given.practitioner
    return {
        "id": evidence_id,
        "verdict": given.answer,
        "outcome": given.outcome,
        "reasons": [_reason(each, places) for each in given.reasons],
        "ruleVersion": given.rule_version,
        "onDate": given.on_date.isoformat(),
        "knownAt": plain.moment(given.known_at),
        "checkedAt": plain.moment(given.checked_at),
        "purpose": purpose,
        "reference": reference,
        "profession": plain.profession(given.profession, vocabulary) if given.profession else None,
        "authority": plain.authority(given.authority, named) if given.authority else None,
        "practitioner": _person(person) if person else None,
        "match": _match(given.match) if given.match else None,
        "licences": [_licence(each, places, vocabulary) for each in given.licences],
        "sources": [plain.feed(each.feed, given.known_at) for each in given.sources],
        "links": {"self": f"{PATH}/{evidence_id}"},
    }


def _reason(reason: Reason, places: Mapping[int, int]) -> Values:
    return {
        "code": reason.code,
        "answer": reason.answer,
        "nature": reason.nature,
        "text": {"sv": reason.sv, "en": reason.en},
        "source": {"sv": reason.source_sv, "en": reason.source_en},
        "licence": places.get(reason.licence_id) if reason.licence_id is not None else None,
    }


def _person(person: Practitioner) -> Values:
    return {
        "id": person.public_id,
        "name": person.name,
        "birthYear": plain.birth_year(person.birth_date),
        "deceased": person.deceased,
        "links": {"self": f"/v1/practitioners/{person.public_id}"},
    }


def _match(match: Match) -> Values:
    return {
        "level": match.level,
        "score": round(match.score, 1) if match.features else None,
        "features": [
            name.replace("_", "-")
            for name, outcome, _ in match.features
            if outcome not in BY_NAME[name].neutral
        ],
        "name": plain.name(match.name) if match.name else None,
        "notes": plain.notes(match.notes),
    }


def _provenance(known: Provenance) -> Values:
    return {
        "feed": known.feed_id,
        "run": known.run_id,
        "stamp": known.stamp,
        "knownSince": plain.moment(known.known_since),
        "knownTo": plain.maybe_moment(known.known_to),
        "learntAt": plain.moment(known.learnt_at),
    }


def _licence(checked: CheckedLicence, places: Mapping[int, int], vocabulary: Vocabulary) -> Values:
    judged = checked.verdict
    return {
        **plain.licence(judged.licence, checked.source.feed if checked.source else None, vocabulary),
        "provenance": _provenance(checked.provenance),
        "verdict": judged.answer,
        "reasons": [_reason(each, places) for each in judged.reasons],
        "relevant": judged.relevant,
    }
