"""What Slack delivers a second time is acknowledged, and done once. Between bots: see `deliveries`.

Slack sends an event again when it missed the acknowledgement. Commands and clicks it sends once, but a proxy that
repeats requests, or somebody who replays a signed one within its five minutes, sends them again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from slack_bolt.response import BoltResponse

_REMEMBERED = 4000
#: Buttons that stand for words. The others carry a single-use secret, and whoever presses twice is told so.
_WORDS = ("words.", "page.")


class Once:
    """Remembers the newest deliveries; a middleware of Bolt's."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, ...], None] = OrderedDict()

    async def __call__(
        self, body: Mapping[str, Any], next_: Callable[[], Awaitable[BoltResponse]]
    ) -> BoltResponse | None:
        """Hand over what is new; acknowledge what is not."""
        delivery = delivery_of(body)
        if delivery is not None and self._seen_before(delivery):
            return BoltResponse(status=200, body="")
        return await next_()

    def _seen_before(self, delivery: tuple[str, ...]) -> bool:
        if delivery in self._seen:
            return True
        self._seen[delivery] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return False


def delivery_of(body: Mapping[str, Any]) -> tuple[str, ...] | None:
    """What makes a delivery the same as another; None for what may be done as often as it comes."""
    if body.get("event_id"):
        return ("event", str(body["event_id"]))
    trigger = str(body.get("trigger_id") or "")
    if not trigger:
        return None
    if "command" in body:
        person = str(body.get("user_id") or "")
        return ("command", trigger, person, str(body.get("response_url") or ""), str(body.get("text") or ""))
    actions = body.get("actions") or [{}]
    name = str(actions[0].get("action_id") or "")
    if body.get("type") == "block_actions" and name.startswith(_WORDS):
        person = str((body.get("user") or {}).get("id") or "")
        return ("click", trigger, person, name, str(actions[0].get("value") or ""))
    return None
