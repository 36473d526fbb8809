"""How long a step waits for what went away in the middle of it, and what it says meanwhile."""

from __future__ import annotations

import time

from bot.maas.errors import MaasError, RegionBusy, RegionUnreachable
from bot.operations.steps import StepAgainError, StepContext, StepFailedError, StepKind, StepStoppedError
from bot.operations.verdict import remaining as duration

#: Seconds before a step is taken up anew; grows to the last.
_AGAIN = (2.0, 4.0, 8.0, 15.0, 30.0)


class StepWait:
    """One step's waiting. It is given up after the kind's patience, unless what was begun may run on unseen.

    Then it goes on for as long as it takes: the end of an operation gives its lock back, and with it whatever it works
    on to the next. Once the patience is over a person can end it, and is told what that means.
    """

    def __init__(self, kind: StepKind, context: StepContext, *, runs_on: bool) -> None:
        self._patience = kind.patience
        self._pause = context.pause
        self._cancelled = context.cancelled
        self._runs_on = runs_on
        self._away_since: float | None = None
        self._last = 0.0
        #: Whether whoever lost sight of it had waited for long already.
        self._long = False
        self._tries = 0

    def after(self, error: StepAgainError | MaasError) -> str:
        """What to say of a failure after which the step is to be taken up again.

        Raises:
            StepStoppedError: somebody has cancelled what can't be seen.
            StepFailedError: it was waited for long enough.
            MaasError: waiting does not mend it.
        """
        overdue = self._overdue()
        if isinstance(error, MaasError):
            return self._answered(error, overdue=overdue)
        said = str(error)
        if error.runs_on is not None:
            self._runs_on = self._long = error.runs_on
        overdue = overdue or self._long
        if self._runs_on:
            if overdue and self._cancelled.is_set():
                raise StepStoppedError(f"{said} What was begun there may still run: look before you begin anything.")
            return f"{said} What was begun there may still run. Looking again" + (
                " until it answers; cancelling ends the wait." if overdue else " in a moment."
            )
        if error.lasting is not None:
            raise error.lasting
        if overdue:
            waited = f"I waited {duration(self._patience)} for it."
            raise StepFailedError(f"{said} {waited}", "Retry when it is back: what is done stays done.") from error
        return f"{said} Looking again in a moment."

    def _answered(self, error: MaasError, *, overdue: bool) -> str:
        """After an answer, or none from a region: nothing of this step runs unseen."""
        self._runs_on = False
        passes = isinstance(error, RegionUnreachable | RegionBusy) or error.outcome_unknown
        if overdue or not passes:
            raise error
        return f"{error.problem} Looking again in a moment."

    def next(self) -> float:
        """Seconds until the step is taken up again."""
        seconds = _AGAIN[min(self._tries, len(_AGAIN) - 1)]
        self._tries += 1
        return seconds

    def _overdue(self) -> bool:
        """Whether it has been away for the kind's patience; a failure long after the last one begins the count anew."""
        now = time.monotonic()
        patience = self._patience * self._pause
        if self._away_since is None or now - self._last > patience + _AGAIN[-1] * self._pause:
            self._away_since, self._tries = now, 0
        self._last = now
        return now - self._away_since >= patience
