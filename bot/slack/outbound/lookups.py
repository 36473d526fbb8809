"""Who people are and who is in a group, asked of Slack at most once a minute each; failures every time.

Whoever needs to know it as it is now (`fresh`) gets an answer to a request that began after they asked. Slack takes few
of these requests a minute, so those who wait for their turn share the next one; and while there is no turn to be had,
an answer of a few seconds ago is taken. Without that the ninth of ten decisions would wait for half a minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from bot.slack.outbound.calls import Calls
from bot.slack.outbound.errors import SlackError

_FRESH: Final = 60.0
#: How old a fresh answer may be, in seconds, while Slack's limit allows no further request.
_FRESH_IN_A_RUSH: Final = 10.0
_MOST: Final = 2_000


class Lookups:
    """A cache that fails closed: where Slack does not answer, the caller gets an error and no old answer."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._answers: dict[tuple[str, str], tuple[float, Any]] = {}
        #: Look-ups that wait for their turn, which everybody may share; and those whose request is out.
        self._waiting: dict[tuple[str, str], asyncio.Task[Any]] = {}
        self._out: dict[tuple[str, str], asyncio.Task[Any]] = {}

    async def user(self, user_id: str, *, fresh: bool) -> dict[str, Any]:
        """users.info with the locale.

        Raises:
            SlackError: there is no such user, or Slack did not say.
        """

        async def ask(_doubt: bool) -> dict[str, Any]:
            answer = await self._calls.client.users_info(user=user_id, include_locale=True)
            return dict(answer["user"])

        found = await self._ask("users.info", user_id, ask, fresh=fresh)
        return dict(found)

    async def members(self, group_id: str, *, fresh: bool) -> frozenset[str]:
        """usergroups.users.list.

        Raises:
            PaidPlanOnly: the workspace's plan has no user groups.
            SlackError: there is no such group, or Slack did not say.
        """

        async def ask(_doubt: bool) -> frozenset[str]:
            answer = await self._calls.client.usergroups_users_list(usergroup=group_id)
            return frozenset(str(user) for user in answer["users"])

        found: frozenset[str] = await self._ask("usergroups.users.list", group_id, ask, fresh=fresh)
        return found

    async def _ask(self, method: str, what: str, ask: Callable[[bool], Awaitable[Any]], *, fresh: bool) -> Any:
        place = (method, what)
        since, answer = self._answers.get(place, (float("-inf"), None))
        if self._calls.clock.now() - since < self._longest_age(method, fresh=fresh):
            return answer
        asking = self._waiting.get(place) or (None if fresh else self._out.get(place))
        if asking is None:
            asking = asyncio.create_task(self._remember(place, ask), name=f"slack {method}")
            # Whoever asked may be gone when it fails; that is no error of its own.
            asking.add_done_callback(lambda task: task.cancelled() or task.exception())
            self._waiting[place] = asking
        # One caller's cancellation must not take the answer from the others.
        return await asyncio.shield(asking)

    def _longest_age(self, method: str, *, fresh: bool) -> float:
        if not fresh:
            return _FRESH
        return _FRESH_IN_A_RUSH if self._calls.gates.of(method).delay(urgent=True) > 0 else 0.0

    async def _remember(self, place: tuple[str, str], ask: Callable[[bool], Awaitable[Any]]) -> Any:
        task = asyncio.current_task()
        assert task is not None
        asked = self._calls.clock.now()

        async def send(doubt: bool) -> Any:
            nonlocal asked
            asked = self._calls.clock.now()
            if self._waiting.get(place) is task:
                self._out[place] = self._waiting.pop(place)
            return await ask(doubt)

        try:
            answer = await self._calls.call(place[0], send, urgent=True, patience=10.0)
        except SlackError:
            self._answers.pop(place, None)
            raise
        finally:
            for kept in (self._waiting, self._out):
                if kept.get(place) is task:
                    del kept[place]
        if len(self._answers) >= _MOST:
            self._answers = {key: value for key, value in self._answers.items() if asked - value[0] < _FRESH}
        self._answers[place] = (asked, answer)
        return answer
