"""How late the event loop is: whatever stops it keeps people's acknowledgements waiting, so it is measured always."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def watch_loop(observe: Callable[[float], None], every: float = 0.1) -> None:
    """Tell by how many seconds each of the loop's timers came too late, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + every
        await asyncio.sleep(every)
        observe(max(0.0, loop.time() - due))
