"""The buttons below a failure in an operation's thread: what fits the machine, and whoever asked for the operation."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from bot.command.offers import RUN, Offer, Offers
from bot.maas.service import RegionService
from bot.message import Button, Style
from bot.operations.next_steps import after_failure
from bot.operations.records import Operation, TargetRow
from bot.people import Door, Origin
from bot.slack.identity import Identities, IdentityUnknownError

#: Words of the kind, or of the first line, that tell of a machine's power.
_ABOUT_POWER = ("bmc", "power")


class FailureSteps:
    """Knows what comes next after a failure."""

    def __init__(self, offers: Offers, identities: Identities, regions: Mapping[str, RegionService]) -> None:
        self._offers = offers
        self._identities = identities
        self._regions = regions
        self._log = structlog.get_logger("failure_steps")

    async def of(self, operation: Operation, row: TargetRow) -> list[Button]:
        """The buttons; none where the machine is gone."""
        region = self._regions.get(operation.region)
        machine = region.fleet.get(row.key) if region is not None else None
        if machine is None:
            return []
        summary = row.cause.summary.casefold() if row.cause is not None else ""
        about_power = any(word in f"{operation.kind} {summary}" for word in _ABOUT_POWER)
        steps = after_failure(machine, operation.region, power=about_power)
        # Of several machines the operation's own message offers to take up all that failed.
        if len(operation.targets) == 1:
            again = Offer("Retry", "retry", f"retry {operation.id}", Style.PRIMARY, RUN)
            same = (operation.kind.replace("-", " "), RUN)  # a form asks anew for what a retry repeats
            steps = [again, *(_plain(one) for one in steps if (one.command, one.action) != same)]
        try:
            person = await self._identities.identify(operation.team_id, operation.requester_id)
        except IdentityUnknownError as error:
            # Each is checked again at the click: to show one too many does no harm.
            self._log.info("requester_not_known", operation=operation.id, error=str(error))
            return self._offers.existing(steps)
        return await self._offers.fitting(steps, operation.region, person, Origin(Door.BUTTON, operation.channel))


def _plain(offer: Offer) -> Offer:
    style = Style.PLAIN if offer.style is Style.PRIMARY else offer.style
    return Offer(offer.label, offer.command, offer.value, style, offer.action)
