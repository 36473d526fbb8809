"""Reading several machines by id, when one of them can make the region fail for all."""

from __future__ import annotations

from collections.abc import Sequence

from bot.maas.errors import ServerFault, UnexpectedAnswer
from bot.maas.models import Machine
from bot.maas.region import Region

_SPOILT = (ServerFault, UnexpectedAnswer)


async def read_machines(region: Region, ids: Sequence[str]) -> tuple[list[Machine], set[str]]:
    """The machines with these ids, and the ids of those that can't be read.

    A list fails as a whole when MAAS fails on one machine in it. Then it is read in halves, unless the first
    and the last machine alone fail too: then it is not the machines.

    Raises:
        MaasError: nothing could be read.
    """
    try:
        return await region.machines(ids=ids), set()
    except _SPOILT:
        if len(ids) == 1 or (await _fails(region, ids[0]) and await _fails(region, ids[-1])):
            raise
    middle = len(ids) // 2
    machines: list[Machine] = []
    unreadable: set[str] = set()
    parts = [list(ids[:middle]), list(ids[middle:])]
    while parts:
        part = parts.pop()
        try:
            machines += await region.machines(ids=part)
        except _SPOILT:
            if len(part) == 1:
                unreadable.update(part)
            else:
                middle = len(part) // 2
                parts += [part[:middle], part[middle:]]
    return machines, unreadable


async def _fails(region: Region, system_id: str) -> bool:
    try:
        await region.machines(ids=[system_id])
    except _SPOILT:
        return True
    return False
