"""Looking at what a staff list asks for: somebody who tries numbers or birth dates may do it in a list, too."""

import time
from collections import Counter

import structlog
from sqlalchemy.exc import SQLAlchemyError

from registry.access.caller import Caller
from registry.checks import unusual
from registry.checks.desk import Desk
from registry.checks.numbers import Numbers
from registry.checks.unusual import ListFigures
from registry.verification.answer import Answered
from registry.verification.question import Question

log = structlog.get_logger()


class Watch:
    """What one worker has answered of one list since it took it; a worker that takes it over begins anew."""

    def __init__(self) -> None:
        self._rows = self._missed = 0
        self._numbers = Numbers()
        self._differed: Counter[int] = Counter()

    def add(self, question: Question, answer: Answered) -> None:
        """Count an answer."""
        self._rows += 1
        outcome = answer.verification.outcome
        self._missed += outcome != "found"
        self._numbers.add(question.licence_number)
        if outcome == "mismatch":
            self._differed.update(answer.ids)

    def look(self, desk: Desk, sender: Caller) -> None:
        """Slow and report the sender if the list is unusual; what can't be looked at now is looked at with the next part."""
        guesses = max(self._differed.values(), default=0)
        figures = ListFigures(self._rows, self._missed, self._numbers.longest, guesses)
        try:
            unusual.notice_list(desk.access, desk.settings.checks.unusual, sender, figures, time.time())
        except SQLAlchemyError as error:
            log.warning("unusual_checks_not_looked_for", reason=type(error).__name__)
