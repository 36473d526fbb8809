"""Who a Slack user id is, by Slack's own word, at most a minute old."""

from __future__ import annotations

from typing import Any

from bot.people import Identity, Standing
from bot.slack.outbound import Outbound, SlackError


class IdentityUnknownError(Exception):
    """Slack did not say who somebody is; nobody is served on a guess."""


class Identities:
    """Identifies people of one team."""

    def __init__(self, outbound: Outbound, team_id: str) -> None:
        self._outbound = outbound
        self._team_id = team_id

    async def identify(self, team_id: str, user_id: str, *, fresh: bool = False) -> Identity:
        """The person behind the ids of a signed payload; with `fresh`, by Slack's word of this moment.

        Raises:
            IdentityUnknownError: Slack did not answer, or knows no such user.
        """
        try:
            user = await self._outbound.user_info(user_id, fresh=fresh)
        except SlackError as error:
            raise IdentityUnknownError(str(error)) from None
        home = str(user.get("team_id") or team_id)
        return Identity(
            team_id=home,
            user_id=user_id,
            name=_name(user),
            standing=self._standing(user, home, team_id),
            locale=str(user.get("locale") or "en-US"),
        )

    async def known(self, user_id: str) -> Identity | None:
        """The same for somebody who did not act: None where Slack does not say."""
        try:
            return await self.identify(self._team_id, user_id)
        except IdentityUnknownError:
            return None

    def _standing(self, user: dict[str, Any], home: str, team_id: str) -> Standing:
        if user.get("deleted"):
            return Standing.GONE
        if user.get("is_bot") or user.get("is_workflow_bot"):
            return Standing.BOT
        if {home, team_id or home} != {self._team_id} or user.get("is_stranger"):
            return Standing.FOREIGN
        if user.get("is_restricted") or user.get("is_ultra_restricted"):
            return Standing.GUEST
        return Standing.MEMBER


def _name(user: dict[str, Any]) -> str:
    profile = user.get("profile") or {}
    name = profile.get("display_name") or profile.get("real_name") or user.get("real_name") or user.get("name")
    return " ".join(str(name or user.get("id")).split())[:80]
