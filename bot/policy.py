"""Policy: who may do what, where. Deny by default; every decision names the rule that made it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from bot.people import Door, Identity, Origin, Standing


class Risk(StrEnum):
    """How much a command can do; each class asks for more than the one before."""

    READ = "read"
    CHANGE = "change"
    DESTRUCTIVE = "destructive"
    IRREVERSIBLE = "irreversible"


class Role(StrEnum):
    """The roles of the settings. A reader is anyone in a channel where the bot answers."""

    READER = "reader"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMIN = "admin"


#: Where each role is set.
SETTING_OF = {
    Role.READER: "MAASBOT_CHANNELS",
    Role.OPERATOR: "MAASBOT_OPERATORS",
    Role.APPROVER: "MAASBOT_APPROVERS",
    Role.ADMIN: "MAASBOT_ADMINS",
}

ROLE_FOR_RISK = {
    Risk.READ: Role.READER,
    Risk.CHANGE: Role.OPERATOR,
    Risk.DESTRUCTIVE: Role.OPERATOR,
    Risk.IRREVERSIBLE: Role.OPERATOR,
}


class GroupUnknownError(Exception):
    """Slack did not tell who is in a user group. `reason` is fit for a person's eyes."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class GroupMembers(Protocol):
    """Asks Slack for the members of a user group."""

    async def __call__(self, group: str, *, fresh: bool = False) -> frozenset[str]:
        """Return the members, at most a minute old, or with `fresh` as they are now.

        Raises:
            GroupUnknownError: Slack did not say.
        """


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes or no, and the rule that made it, as a sentence for the person."""

    allowed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Grant:
    """One role that a person has, and through which entry of which setting."""

    role: Role
    through: str


@dataclass(frozen=True, slots=True)
class Standings:
    """All that the policy knows of one person at one moment."""

    grants: tuple[Grant, ...]
    unknown: tuple[str, ...] = ()

    def has(self, role: Role) -> Grant | None:
        return next((grant for grant in self.grants if grant.role is role), None)


@dataclass(frozen=True, slots=True)
class Policy:
    """The roles of the settings, applied to one team.

    `channels` is a ceiling and never an authority: being in a channel lets a person read, nothing more.
    """

    team_id: str
    members: GroupMembers
    channels: Sequence[str] = ()
    roles: dict[Role, Sequence[str]] = field(default_factory=dict)

    async def standing_of(self, person: Identity, *, fresh: bool = False) -> Standings:
        """The roles that `person` has now. A group that Slack won't list grants nothing and is named."""
        grants: list[Grant] = []
        unknown: list[str] = []
        for role, entries in self.roles.items():
            for entry in entries:
                if entry == person.user_id:
                    grants.append(Grant(role, f"your user id in {SETTING_OF[role]}"))
                elif entry.startswith("S"):
                    try:
                        if person.user_id in await self.members(entry, fresh=fresh):
                            grants.append(Grant(role, f"user group {entry} in {SETTING_OF[role]}"))
                    except GroupUnknownError as error:
                        unknown.append(f"{entry}: {error.reason}")
        return Standings(tuple(grants), tuple(unknown))

    async def may(self, person: Identity, risk: Risk, origin: Origin, *, fresh: bool = False) -> Decision:
        """Decide whether `person` may do something of class `risk` from `origin`.

        With `fresh`, user groups are asked for anew: what a click decides must not rest on an old answer.
        """
        refusal = self.turn_away(person) or self.wrong_place(risk, origin)
        if refusal is not None:
            return refusal
        role = ROLE_FOR_RISK[risk]
        if role is Role.READER:
            return Decision(True, "anyone in this workspace may read here")
        standing = await self.standing_of(person, fresh=fresh)
        grant = standing.has(role)
        if grant is not None:
            return Decision(True, f"you are an {role} through {grant.through}")
        if standing.unknown:
            return Decision(
                False,
                f"this needs the role {role}, and Slack did not say who is in the user groups that grant it "
                f"({'; '.join(standing.unknown)}). Try again in a minute",
            )
        return Decision(False, f"this needs the role {role}, which {SETTING_OF[role]} does not give you")

    def turn_away(self, person: Identity) -> Decision | None:
        """The refusal for people who are never served, or None."""
        if person.team_id != self.team_id or person.standing is Standing.FOREIGN:
            return Decision(False, "people of other workspaces are not served")
        if person.standing is Standing.GUEST:
            return Decision(False, "guests of this workspace are not served")
        if person.standing is Standing.BOT:
            return Decision(False, "bots and workflows are not served")
        if person.standing is Standing.GONE:
            return Decision(False, "this account is deactivated")
        return None

    def wrong_place(self, risk: Risk, origin: Origin) -> Decision | None:
        """The refusal for channels where this is not answered, or None."""
        if not self.channels and risk is not Risk.READ:
            return Decision(
                False, "nothing may be changed while MAASBOT_CHANNELS is empty: without it the bot only reads"
            )
        if origin.door is not Door.HOME and self.channels and origin.channel not in self.channels:
            return Decision(False, "this channel is not in MAASBOT_CHANNELS")
        return None
