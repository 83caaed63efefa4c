"""`GET /v1/oversight/patterns`: how the registry is used, for privacy officers and auditors."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from registry.access.guard import current_caller
from registry.checks.oversight import oversee
from registry.web.api import present
from registry.web.api.fields import CamelCase, Day, about
from registry.web.api.operation import ApiBlueprint, operation
from registry.web.api.oversight_schemas import EXAMPLE, OversightSchema
from registry.web.context import context

blueprint = ApiBlueprint("oversight", "How the registry is used, for privacy officers and auditors.")


class OversightQuerySchema(CamelCase):
    """Which days."""

    from_ = Day(required=True, metadata=about("The first day (UTC), YYYY-MM-DD."))
    to = Day(metadata=about("The last day; the first alone if left out. At most 92 days."))


@operation(
    blueprint,
    "/oversight/patterns",
    operation_id="readPatterns",
    scope="registry:oversight",
    needs=("oversight.events", "oversight.refused"),
    query=OversightQuerySchema(),
    answer=OversightSchema(),
    example=EXAMPLE,
    problems=("too-many-events",),
)
def read_patterns(asked: dict[str, Any]) -> present.Values:
    """Read how the registry was used: who asked how much, which days stand out, who was refused.

    Nobody who was looked up is named. `docs/access-log.md` says what is counted and when a day stands out.
    """
    shared, begin = context(), asked["from_"]
    found = oversee(
        shared.access, shared.settings.checks.oversight, current_caller(), begin, asked.get("to", begin)
    )
    told = found.patterns
    return {
        "from_": told.begin,
        "to": told.end,
        "events": told.events,
        "organisations": [
            {
                "organisation": one.organisation,
                "events": one.events,
                "callers": one.callers,
                "purposes": _counts(one.by_purpose),
                "actions": _counts(one.by_action),
                "answers": _counts(one.by_answer),
            }
            for one in told.uses
        ],
        "outliers": [asdict(one) for one in told.outliers],
        "refused": told.refused,
        "attempts": [
            {
                "organisation": one.organisation,
                "issuer": one.issuer,
                "client": one.client_id,
                "refused": one.refused,
                "kinds": _counts(one.by_kind),
            }
            for one in told.attempts
        ],
        "refused_outliers": [asdict(one) for one in told.refused_outliers],
        "unusual_checks": [
            {**asdict(one), "caller": one.subject, "client": one.client_id} for one in found.unusual
        ],
    }


def _counts(counts: Mapping[str, int]) -> list[present.Values]:
    return [{"name": name, "count": count} for name, count in counts.items()]
