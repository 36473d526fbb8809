"""Dismissing the notices that MAAS shows on its own pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.maas.errors import NotFound
from bot.maas.service import RegionService
from bot.operations.plan import LeftOut, Plan
from bot.operations.step_plans import PlannedStep, plan_steps
from bot.operations.steps import OperationStep, StepContext, StepKind

LOCKS = ("notifications",)
#: Longest part of a notice that names it.
_NAMED = 90


class Dismiss(OperationStep):
    """A notice that the bot's MAAS user does not see afterwards."""

    look_every, patience = 1.0, 20.0

    def __init__(self, notice_id: int) -> None:
        self._id = notice_id
        self.key = f"notice-{notice_id}"
        self.title = f"Notice {notice_id}"

    async def check(self, context: StepContext) -> str | None:
        """It is not shown."""
        shown = {one.id for one in await context.region.api.notifications()}
        return None if self._id in shown else "dismissed"

    async def apply(self, context: StepContext) -> None:
        """Dismiss it."""
        try:
            await context.region.api.dismiss_notification(self._id)
        except NotFound:
            return


class Dismissing(StepKind):
    """The kind `notifications-dismiss`. Its option is `ids`."""

    name = "notifications-dismiss"
    verb, participle, past = "Dismiss", "Dismissing", "Dismissed"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """One a notice."""
        return tuple(Dismiss(one) for one in options["ids"])

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look which of them are shown, and may be dismissed: MAAS fails on those that may not."""
        shown = {one.id: one for one in await region.api.notifications()}
        planned, left_out = [], []
        for step, number in zip(self.steps(options), options["ids"], strict=True):
            notice = shown.get(number)
            if notice is None:
                left_out.append(LeftOut(step.title, "it is not shown"))
            elif not notice.dismissable:
                reason = "MAAS does not let it be dismissed; it goes when its cause is gone"
                left_out.append(LeftOut(step.title, reason))
            else:
                text = notice.text if len(notice.text) <= _NAMED else f"{notice.text[:_NAMED]}…"
                planned.append(PlannedStep(step, f"{notice.category}: {text}", "dismissed"))
        subject = f"{len(planned)} notices" if len(planned) != 1 else planned[0].step.title.lower()
        return plan_steps(
            self,
            region.name,
            options,
            planned,
            title=f"Dismiss {subject}",
            subject=subject,
            locks=LOCKS,
            happens=("The bot's MAAS user does not see it any more; other users of MAAS do.",),
            left_out=left_out,
        )
