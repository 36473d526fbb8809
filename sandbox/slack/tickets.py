"""Short-lived permissions: trigger ids last three seconds, response URLs five uses or thirty minutes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.slack.errors import SlackError
from sandbox.slack.ids import Ids
from sandbox.slack.model import MessageRef
from sandbox.slack.outcomes import Timing


@dataclass(slots=True)
class Trigger:
    user_id: str
    at: float
    view_id: str | None
    used: bool = False


@dataclass(slots=True)
class ResponseUrl:
    """Where an answer to `user_id` goes. `message` is the one that was clicked, if one was."""

    path: str
    user_id: str
    channel_id: str
    at: float
    message: MessageRef | None = None
    uses: int = 0


class Tickets:
    def __init__(self, ids: Ids, clock: Callable[[], float], timing: Timing) -> None:
        self._ids = ids
        self._clock = clock
        self._timing = timing
        self._triggers: dict[str, Trigger] = {}
        self._responses: dict[str, ResponseUrl] = {}

    def trigger(self, user_id: str, *, view_id: str | None = None) -> str:
        """A new trigger id. `view_id` is the modal that the person acted in."""
        number = self._ids.random.randrange(10**12, 10**13)
        trigger_id = f"{number}.{self._ids.random.randrange(10**11, 10**12)}.{self._ids.hexadecimal(32)}"
        self._triggers[trigger_id] = Trigger(user_id, self._clock(), view_id)
        self._forget()
        return trigger_id

    def exchange(self, trigger_id: str) -> Trigger:
        """Use a trigger id up.

        Raises:
            SlackError: `invalid_trigger_id`, `expired_trigger_id` or `exchanged_trigger_id`.
        """
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self._clock() - trigger.at > self._timing.trigger:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger

    def response(self, user_id: str, channel_id: str, *, kind: str, message: MessageRef | None = None) -> ResponseUrl:
        """A new response URL's path. `kind` is `commands` or `actions`."""
        path = f"/{kind}/{self._ids.random.randrange(10**11, 10**12)}/{self._ids.hexadecimal(24)}"
        self._responses[path] = ResponseUrl(path, user_id, channel_id, self._clock(), message)
        return self._responses[path]

    def respond(self, path: str) -> ResponseUrl:
        """Count one use of a response URL.

        Raises:
            SlackError: `expired_url` (too late) or `used_url` (too often), both with status 404.
        """
        response = self._responses.get(path)
        if response is None or self._clock() - response.at > self._timing.response_url:
            raise SlackError("expired_url", status=404)
        if response.uses >= self._timing.response_url_uses:
            raise SlackError("used_url", status=404)
        response.uses += 1
        return response

    def _forget(self) -> None:
        while len(self._triggers) > 5000:
            del self._triggers[next(iter(self._triggers))]
        while len(self._responses) > 5000:
            del self._responses[next(iter(self._responses))]
