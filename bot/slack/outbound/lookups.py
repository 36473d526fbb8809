"""Who people are and who is in a group, asked of Slack at most once a minute each; failures every time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from bot.slack.outbound.calls import Calls
from bot.slack.outbound.errors import SlackError

_FRESH: Final = 60.0
_MOST: Final = 2_000


class Lookups:
    """A cache that fails closed: where Slack does not answer, the caller gets an error and no old answer."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._answers: dict[tuple[str, str], tuple[float, Any]] = {}
        self._asking: dict[tuple[str, str], asyncio.Task[Any]] = {}

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
        now = self._calls.clock.now()
        since, answer = self._answers.get(place, (float("-inf"), None))
        if not fresh and now - since < _FRESH:
            return answer
        asking = self._asking.get(place)
        if asking is None or fresh:
            asking = asyncio.create_task(self._remember(place, ask), name=f"slack {method}")
            # Whoever asked may be gone when it fails; that is no error of its own.
            asking.add_done_callback(lambda task: task.cancelled() or task.exception())
            self._asking[place] = asking
        # One caller's cancellation must not take the answer from the others.
        return await asyncio.shield(asking)

    async def _remember(self, place: tuple[str, str], ask: Callable[[bool], Awaitable[Any]]) -> Any:
        asked = self._calls.clock.now()
        try:
            answer = await self._calls.call(place[0], ask, urgent=True, patience=10.0)
        except SlackError:
            self._answers.pop(place, None)
            raise
        finally:
            if self._asking.get(place) is asyncio.current_task():
                del self._asking[place]
        if len(self._answers) >= _MOST:
            self._answers = {key: value for key, value in self._answers.items() if asked - value[0] < _FRESH}
        self._answers[place] = (asked, answer)
        return answer
