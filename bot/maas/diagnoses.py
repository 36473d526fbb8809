"""Why the machines that need attention failed, found out once each and kept at hand for the status."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import structlog

from bot.maas.causes import Cause, why_failed
from bot.maas.errors import MaasError
from bot.maas.fleet import FleetView
from bot.maas.models import Machine
from bot.maas.region import Region

#: Seconds between two look-ups, so that a rack full of failures does not become a rush on the region.
_PAUSE = 0.2
#: Seconds before a look-up that failed is tried again.
_RETRY = 60.0


class Diagnoses:
    """Follows the fleet view. A cause costs the region a few short calls, and is asked for again when it changes."""

    def __init__(self, region: Region, fleet: FleetView) -> None:
        self._region = region
        self._fleet = fleet
        self._known: dict[str, tuple[tuple[object, ...], Cause]] = {}
        self._waiting: asyncio.Queue[str] = asyncio.Queue()
        self._queued: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._log = structlog.get_logger(__name__).bind(region=region.name)

    def of(self, machine: Machine) -> Cause | None:
        """The cause, if it is known for the state that the machine is in."""
        found = self._known.get(machine.system_id)
        return found[1] if found is not None and found[0] == _state(machine) else None

    def start(self) -> None:
        """Begin to follow the fleet view."""
        self._tasks = [
            asyncio.create_task(self._follow(), name=f"diagnoses-{self._region.name}"),
            asyncio.create_task(self._work(), name=f"diagnosing-{self._region.name}"),
        ]

    async def stop(self) -> None:
        """Stop; what was found out is forgotten."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _follow(self) -> None:
        async with self._fleet.subscribe() as changes:
            for machine in self._fleet.machines().values():
                self._consider(machine)
            async for change in changes:
                if change.after is not None:
                    self._consider(change.after)
                else:
                    self._known.pop(change.system_id, None)

    def _consider(self, machine: Machine) -> None:
        if not machine.status.failed:
            self._known.pop(machine.system_id, None)
        elif self.of(machine) is None and machine.system_id not in self._queued:
            self._queued.add(machine.system_id)
            self._waiting.put_nowait(machine.system_id)

    async def _work(self) -> None:
        while True:
            system_id = await self._waiting.get()
            self._queued.discard(system_id)
            machine = self._fleet.get(system_id)
            if machine is not None and machine.status.failed:
                try:
                    cause = await why_failed(self._region, machine)
                    # Whole logs of a rack full of failures would be most of the bot's memory.
                    self._known[system_id] = (_state(machine), replace(cause, log=None))
                except MaasError as error:
                    self._log.info("cause_not_read", machine=system_id, error=error.problem)
                    asyncio.get_running_loop().call_later(_RETRY, self._consider, machine)
                except Exception:
                    self._log.exception("cause_not_found", machine=system_id)
            await asyncio.sleep(_PAUSE)


def _state(machine: Machine) -> tuple[object, ...]:
    return (machine.status, machine.status_message, machine.error_description)
