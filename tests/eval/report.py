"""The block of one set on one engine in docs/matching.md."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from tests.bench.figures import percentile
from tests.eval.asking import Answer
from tests.eval.kinds import NONE
from tests.eval.metrics import Accepting, Scored, Share, accepting, at_rate, within
from tests.eval.model import Asked, Entry
from tests.eval.run import Evaluated
from tests.eval.tables import digits, rare, table, told

RATES = (0.01, 0.001)
LEVELS = ("exact", "strong", "possible", "none")
_SHOWN = 12
_LOOKED_AT = ("family_name", "given_name", "birth_date")


def section(one: Evaluated, how: str) -> str:
    """Return the whole section."""
    scores = _scores(one.present), _scores(one.absent)
    accepts = [at_rate(*scores, rate) for rate in RATES]
    parts = [
        f"### {one.set.name} on {one.engine}\n",
        f"{one.set.about}; {len(one.set.register):,} people, {len(one.set.questions):,} questions. {how}\n",
        _finding(one),
        _accepting(accepts),
        _levels(one),
        _decisions(one),
        _kinds(one, accepts[0].threshold),
        _losses(one.present, accepts[1].threshold),
        _time(one.full),
        _wrong(one),
        _false(one, accepts[1].threshold),
        _slowest(one.full),
    ]
    return "\n".join(part for part in parts if part)


def headline(one: Evaluated) -> tuple[str, ...]:
    """Return the row of the set in the first table: recall@1, recall@10, recall at both rates."""
    ranks = [answer.rank for answer in one.full]
    scores = _scores(one.present), _scores(one.absent)
    recalls = [at_rate(*scores, rate).recall for rate in RATES]
    return (
        one.set.name,
        one.engine,
        *(told(share) for share in (within(ranks, 1), within(ranks, 10), *recalls)),
    )


def _scores(answers: Iterable[Answer]) -> list[Scored]:
    return [answer.best for answer in answers]


def _finding(one: Evaluated) -> str:
    candidates = [answer.candidate_rank for answer in one.full]
    ranks = [answer.rank for answer in one.full]
    rows = [
        ("candidates, in the engine's order", *(told(within(candidates, n)) for n in (1, 10, 1000))),
        ("after scoring", *(told(within(ranks, n)) for n in (1, 10, 1000))),
    ]
    heads = ("everybody in the register", "recall@1", "recall@10", "among all candidates")
    return table(heads, rows, numbers=3)


def _accepting(accepts: Sequence[Accepting]) -> str:
    rows = [
        (
            f"at most {rate:.1%}",
            told(one.recall),
            told(one.precision),
            rare(one.wrong),
            rare(one.false),
            f"{one.threshold:.1f}",
        )
        for rate, one in zip(RATES, accepts, strict=True)
    ]
    heads = ("false accepts, half withheld", "recall", "precision", "another person", "false", "score from")
    return table(heads, rows, numbers=5)


def _levels(one: Evaluated) -> str:
    rows = []
    for level in LEVELS:
        there = [answer for answer in one.present if answer.level == level]
        right = Share(sum(answer.best.right for answer in there), len(one.present))
        wrong = Share(len(there) - right.count, len(one.present))
        absent = Share(sum(answer.level == level for answer in one.absent), len(one.absent))
        rows.append((level, told(right), rare(wrong), f"{rare(absent)} ({absent.value:.2%})"))
    heads = (
        "level of the best candidate",
        "right person",
        "another person",
        "somebody, though absent",
    )
    return table(heads, rows, numbers=3)


def _decisions(one: Evaluated) -> str:
    rows = []
    for decision in ("one", "ambiguous", "none"):
        there = [answer for answer in one.present if answer.decision == decision]
        right = Share(sum(answer.best.right for answer in there), len(one.present))
        absent = Share(sum(answer.decision == decision for answer in one.absent), len(one.absent))
        rows.append(
            (decision, told(right), rare(Share(len(there) - right.count, len(one.present))), rare(absent))
        )
    return table(("decision", "right person first", "another first", "absent"), rows, numbers=3)


def _kinds(one: Evaluated, threshold: float) -> str:
    by_kind: dict[str, tuple[list[Answer], list[Answer]]] = defaultdict(lambda: ([], []))
    for place, answers in enumerate((one.full, one.present)):
        for answer in answers:
            for kind in answer.question.errors or (NONE,):
                by_kind[kind][place].append(answer)
    if len(by_kind) < 2:
        return ""
    rows = []
    for kind, (full, present) in sorted(by_kind.items(), key=lambda item: -len(item[1][0])):
        ranks = [answer.rank for answer in full]
        candidates = [answer.candidate_rank for answer in full]
        taken = accepting(_scores(present), (), threshold).recall
        shares = (within(candidates, 1000), within(ranks, 1), within(ranks, 10), taken)
        rows.append((kind, f"{len(full):,}", *(digits(share.value) for share in shares)))
    heads = (
        "kind of error (a question may have several)",
        "questions",
        "candidate",
        "recall@1",
        "recall@10",
        "at ≤ 1 %",
    )
    return table(heads, rows, numbers=5)


def _losses(present: Sequence[Answer], threshold: float) -> str:
    """Tell what the right candidate was like where it was not accepted: where to look for more recall."""
    seen: Counter[tuple[str, ...]] = Counter()
    for answer in present:
        if answer.best.right and answer.best.score >= threshold:
            continue
        right = next((one for one in answer.ranked if one.person == answer.question.person), None)
        found = {feature: outcome for feature, outcome, _ in right.features} if right else {}
        lost = "not a candidate" if not right else "first" if answer.rank == 0 else "behind another"
        seen[(*(found.get(feature, "–") for feature in _LOOKED_AT), lost)] += 1
    if not seen:
        return ""
    rows = [
        (*outcomes, f"{count:,}", digits(count / len(present)))
        for outcomes, count in seen.most_common(_SHOWN)
    ]
    heads = (*(feature.replace("_", " ") for feature in _LOOKED_AT), "the right one", "questions", "share")
    told = f"Not accepted at ≤ 0.1 %: {seen.total():,} of {len(present):,} questions about people who are there, by what they have in common with their records:\n\n"
    return told + table(heads, rows, numbers=2)


def _time(answers: Sequence[Answer]) -> str:
    if not answers:
        return ""
    rows = []
    for name, seconds in (
        ("engine", [one.engine_s for one in answers]),
        ("reading from SQL", [one.read_s for one in answers]),
        ("scoring", [one.score_s for one in answers]),
        ("in all", [one.seconds for one in answers]),
    ):
        rows.append((name, *(f"{percentile(seconds, part) * 1000:.1f}" for part in (50, 95, 99.9))))
    wide = Share(sum(one.wide for one in answers), len(answers))
    pairs = sum(len(one.candidates) for one in answers) / len(answers)
    return (
        table(("milliseconds a question", "p50", "p95", "p99.9"), rows, numbers=3)
        + f"\nWide candidates were needed for {wide.value:.0%} of the questions; {pairs:.0f} candidates a question.\n"
    )


def _wrong(one: Evaluated) -> str:
    entries = {entry.person: entry for entry in one.set.register}
    lost = [answer for answer in one.full if answer.rank != 0]
    if not lost:
        return ""
    lost.sort(key=lambda answer: (answer.rank is None, -answer.best.score))
    rows = [_case(answer, entries) for answer in _spread(lost)]
    why = Counter(
        "not among the candidates" if answer.candidate_rank is None else "ranked lower" for answer in lost
    )
    counts = ", ".join(f"{count:,} {what}" for what, count in sorted(why.items()))
    heads = ("asked", "right", "place", "score", "first instead", "score")
    return f"Wrongly ranked, everybody in the register: {len(lost):,} ({counts}). Some of them:\n\n" + table(
        heads, rows
    )


def _spread(answers: Sequence[Answer]) -> Sequence[Answer]:
    """Choose some from the whole list, evenly."""
    step = max(1, len(answers) // _SHOWN)
    return answers[::step][:_SHOWN]


def _case(answer: Answer, entries: dict[str, Entry]) -> tuple[str, ...]:
    right = next((one for one in answer.ranked if one.person == answer.question.person), None)
    first = answer.ranked[0] if answer.ranked and answer.rank != 0 else None
    return (
        _asked(answer.question),
        _entry(entries[answer.question.person]),
        "–" if answer.rank is None else str(answer.rank + 1),
        f"{right.score:.1f}" if right else "no candidate",
        _entry(entries[first.person]) if first else "nobody",
        f"{first.score:.1f}" if first else "",
    )


def _false(one: Evaluated, threshold: float) -> str:
    entries = {entry.person: entry for entry in one.set.register}
    absent = sorted(
        (answer for answer in one.absent if answer.ranked), key=lambda answer: -answer.best.score
    )[:_SHOWN]
    if not absent:
        return ""
    rows = [
        (
            _asked(answer.question),
            _entry(entries[answer.ranked[0].person]),
            answer.level,
            f"{answer.best.score:.1f}",
        )
        for answer in absent
    ]
    return (
        f"The likeliest false accepts, people asked about being absent (accepted from {threshold:.1f} at ≤ 0.1 %):\n\n"
        + table(("asked", "somebody else", "level", "score"), rows)
    )


def _slowest(answers: Sequence[Answer]) -> str:
    slow = sorted(answers, key=lambda answer: -answer.seconds)[:5]
    rows = [
        (
            _asked(one.question),
            f"{one.seconds * 1000:.0f} ms",
            f"{one.engine_s * 1000:.0f} ms",
            str(len(one.candidates)),
        )
        for one in slow
    ]
    return "The slowest questions:\n\n" + table(("asked", "in all", "engine", "candidates"), rows, numbers=3)


def _asked(question: Asked) -> str:
    return f"{question.name or '(no name)'}, {question.birth_date or 'no date'}"


def _entry(entry: Entry) -> str:
    former = "".join(f" (formerly {family or given})" for given, family in entry.former)
    return f"{entry.given} / {entry.family}{former}, {entry.birth_date or 'no date'}"
