"""Who is meant by a rule: people by id, people by user group, everyone. Asked once for each decision."""

from __future__ import annotations

from bot.policy.asking import GroupMembers, GroupUnknownError
from bot.policy.rules import EVERYONE, Rule


class Circle:
    """The user groups during one decision. What Slack did not say is kept in `unknown`, and is never a yes."""

    def __init__(self, members: GroupMembers) -> None:
        self._members = members
        self._known: dict[str, frozenset[str]] = {}
        self._failed: dict[str, str] = {}

    async def group(self, group: str) -> frozenset[str] | None:
        """The members, or None where Slack does not say."""
        if group not in self._known and group not in self._failed:
            try:
                self._known[group] = await self._members(group)
            except GroupUnknownError as error:
                self._failed[group] = _why(error.reason)
        return self._known.get(group)

    async def recall(self, group: str) -> frozenset[str]:
        """The same as a look-up, so that several decisions can share one circle.

        Raises:
            GroupUnknownError: Slack does not say.
        """
        people = await self.group(group)
        if people is None:
            raise GroupUnknownError(self._failed[group])
        return people

    async def through(self, rule: Rule, user_id: str) -> str | None:
        """By which entry of the rule the person is meant, in words; None where by none that is known."""
        if EVERYONE in rule.who:
            return "everyone"
        if user_id in rule.who:
            return "your user id"
        for group in rule.groups:
            people = await self.group(group)
            if people is not None and user_id in people:
                return f"user group {group}"
        return None

    async def in_doubt(self, rule: Rule) -> bool:
        """Whether a group of the rule could not be looked up: then nobody can be said to be outside the rule."""
        return None in [await self.group(group) for group in rule.groups]

    async def people(self, rule: Rule) -> frozenset[str]:
        """Everybody whom the rule is known to mean."""
        found = {entry for entry in rule.who if entry not in {*rule.groups, EVERYONE}}
        for group in rule.groups:
            found |= await self.group(group) or frozenset()
        return frozenset(found)

    def unknown(self, *rules: Rule) -> tuple[str, ...]:
        """The groups of `rules` that Slack would not list, each with the reason."""
        groups = dict.fromkeys(group for rule in rules for group in rule.groups)
        return tuple(f"{group}: {self._failed[group]}" for group in groups if group in self._failed)


def _why(reason: str) -> str:
    remedy = "this workspace has no user groups, so the policy must name user ids instead"
    paid = "paid_teams_only" in reason or "plan_upgrade_required" in reason
    return f"{reason}; {remedy}" if paid and remedy not in reason else reason
