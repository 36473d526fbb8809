"""Which form of a message a workspace takes: newer blocks first, plainer ones where it refuses."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from bot.message import Message
from bot.slack.outbound.budget import Clock
from bot.slack.outbound.errors import BlocksRefused
from bot.slack.render import Native, Rendered, Surface, render

T = TypeVar("T")

_REMEMBERED: Final = 3600.0
_POINTER: Final = re.compile(r"/blocks/(\d+)")
_TOO_LONG: Final = frozenset({"msg_blocks_too_long", "msg_too_long"})
#: Characters of a message that was too long once: half of what the renderer reckons with.
_SHORT: Final = 6_000


class Forms:
    """Renders for one workspace, and remembers for an hour which native blocks it refused."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refused: dict[Native, float] = {}
        self._log = structlog.get_logger("slack")

    def allowed(self) -> frozenset[Native]:
        """The native blocks that are worth a try."""
        now = self._clock.now()
        return frozenset(kind for kind in Native if self._refused.get(kind, now) <= now)

    async def send(
        self, message: Message, surface: Surface, attach: bool, attempt: Callable[[Rendered], Awaitable[T]]
    ) -> tuple[T, Rendered]:
        """Try forms of the message from the richest to bare text, until Slack takes one.

        Raises:
            BlocksRefused: Slack did not even take the text.
            SlackError: whatever else `attempt` raises.
        """
        rendered = render(message, surface=surface, native=self.allowed(), attach=attach)
        for _ in range(3):
            try:
                return await attempt(rendered), rendered
            except BlocksRefused as refusal:
                rendered = self._plainer(message, surface, attach, rendered, refusal)
        return await attempt(rendered), rendered

    def _plainer(
        self, message: Message, surface: Surface, attach: bool, refused: Rendered, refusal: BlocksRefused
    ) -> Rendered:
        self._log.warning("blocks_refused", code=refusal.code, details=refusal.messages, native=sorted(refused.native))
        if refusal.code in _TOO_LONG:
            short = render(message, surface=surface, native=False, attach=attach, limit=_SHORT)
            return short if short.blocks != refused.blocks else _bare(refused)
        if not refused.native:
            return _bare(refused)
        for kind in _culprits(refused, refusal):
            self._refused[kind] = self._clock.now() + _REMEMBERED
        return render(message, surface=surface, native=self.allowed(), attach=attach)


def _culprits(refused: Rendered, refusal: BlocksRefused) -> frozenset[Native]:
    """The native kinds that Slack's pointers name; all of the message's where they name none."""
    named: set[Native] = set()
    for text in refusal.messages:
        for index in map(int, _POINTER.findall(text)):
            kind = refused.blocks[index]["type"] if index < len(refused.blocks) else ""
            named |= {native for native in refused.native if native.value == kind}
    return frozenset(named) or refused.native


def _bare(rendered: Rendered) -> Rendered:
    return Rendered(rendered.text, [], rendered.files)
