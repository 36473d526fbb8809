"""From notices to one message: looks up what a person needs with them, why a machine failed and what comes next."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import structlog

from bot.command.offers import Offer, Offers, words_for
from bot.maas.causes import Cause, why_failed
from bot.maas.errors import MaasError
from bot.maas.models import Machine
from bot.maas.service import RegionService
from bot.message import Button, Message, Style
from bot.operations.next_steps import after_failure, next_steps, offer
from bot.operations.records import Operation
from bot.operations.service import Operations
from bot.watches import view
from bot.watches.records import Notice, Sort

#: Causes that are looked up for one message; of the others what is known already is told.
_LOOKED_UP = 10
#: Seconds for the look-up of one.
_PATIENCE = 20.0
#: Ids that fit into a button's value.
_IDS = 100


class Telling:
    """Makes the messages of watches."""

    def __init__(self, regions: Mapping[str, RegionService], operations: Operations, offers: Offers) -> None:
        self._regions = regions
        self._operations = operations
        self._offers = offers
        self._log = structlog.get_logger("watches")

    async def message(self, notices: Sequence[Notice]) -> Message:
        """One message that tells all of these, which are of one watch. Raises StorageUnavailableError."""
        if len(notices) > 1:
            return await self._digest(notices)
        [notice] = notices
        if notice.happening.sort is Sort.TOLD:
            return view.told(notice)
        region = self._regions.get(notice.watch.region)
        machine = region.fleet.get(notice.happening.subject) if region is not None else None
        if region is None or machine is None:
            return _of_the_gone(notice)
        if notice.happening.sort is Sort.APPEARED:
            return view.appeared(notice, machine, self._for_new(notice, machine))
        if notice.happening.sort is Sort.STUCK:
            steps = self._offers.existing(next_steps(machine, region.name))
            return view.stuck(notice, machine, [*steps, *self._details(notice, machine)])
        cause = await self._cause(region, machine, look=True)
        power = cause is not None and cause.source == "power"
        buttons = self._offers.existing(after_failure(machine, region.name, power=power))
        operation = await self._operation(region.name, machine)
        return view.failed(notice, machine, cause, operation, [*buttons, *self._details(notice, machine)])

    async def _digest(self, notices: Sequence[Notice]) -> Message:
        first = notices[0]
        region = self._regions.get(first.watch.region)
        causes: dict[str, Cause] = {}
        if region is not None and first.happening.sort is Sort.FAILED:
            for number, one in enumerate(notices):
                machine = region.fleet.get(one.happening.subject)
                if machine is None:
                    continue
                known = region.diagnoses.of(machine) is not None
                cause = await self._cause(region, machine, look=number < _LOOKED_UP and not known)
                if cause is not None:
                    causes[one.happening.subject] = cause
        return view.digest(notices, causes, self._for_many(notices))

    async def _cause(self, region: RegionService, machine: Machine, *, look: bool) -> Cause | None:
        known = region.diagnoses.of(machine)
        if not look:
            return known
        try:
            async with asyncio.timeout(_PATIENCE):
                return await why_failed(region.api, machine)
        except (MaasError, TimeoutError) as error:
            self._log.info("cause_not_read", machine=machine.system_id, error=str(error))
            return known

    async def _operation(self, region: str, machine: Machine) -> Operation | None:
        """The operation of ours that it happened in, if the newest one of the machine is at it or just ended."""
        found = await self._operations.of_machine(region, machine.system_id, 1)
        if not found:
            return None
        operation, row = found[0]
        return operation if not row.state.ended or row.cause is not None else None

    def _for_new(self, notice: Notice, machine: Machine) -> list[Button]:
        region = notice.watch.region
        steps = [offer(name, machine, region, first=name == "commission") for name in ("rename", "commission")]
        if machine.status_name != "New":
            steps = [steps[0], *next_steps(machine, region)]
        return [*self._offers.existing(steps), _ignore(notice)]

    def _details(self, notice: Notice, machine: Machine) -> list[Button]:
        return [*self._offers.existing([offer("machine", machine, notice.watch.region)]), _ignore(notice)]

    def _for_many(self, notices: Sequence[Notice]) -> list[Button]:
        first = notices[0]
        region = first.watch.region
        ids = [one.happening.subject for one in notices]
        steps: list[Offer] = []
        if first.happening.sort is Sort.APPEARED and len(ids) <= _IDS:
            more = "".join(f" id:{system_id}" for system_id in ids[1:])
            head, marker, tail = words_for("commission", ids[0], region).partition(" --region ")
            steps = [Offer(f"Commission all {len(ids)}", "commission", f"{head}{more}{marker}{tail}", Style.PRIMARY)]
        elif first.happening.sort is Sort.FAILED:
            words = "machines status:failed" + ("" if region == "default" else f" --region {region}")
            steps = [Offer("Show all failed", "machines", words)]
        if first.happening.sort is Sort.TOLD:
            return []
        return [*self._offers.existing(steps), _ignore(first)]


def _ignore(notice: Notice) -> Button:
    return Button("Ignore", view.IGNORE, notice.message)


def _of_the_gone(notice: Notice) -> Message:
    happening = notice.happening
    if happening.sort is Sort.APPEARED:
        return view.appeared(notice, None, [])
    if happening.sort is Sort.STUCK:
        return view.stuck(notice, None, [])
    return view.failed(notice, None, None, None, [])
