"""What is asked of the policy, and what it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum


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


#: Asks Slack for the members of a user group; raises GroupUnknownError.
GroupMembers = Callable[[str], Awaitable[frozenset[str]]]


@dataclass(frozen=True, slots=True)
class AskTarget:
    """What the policy looks at in one machine of a plan. `pool` is None where it is not known, "" for no machine."""

    pool: str | None = None
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Ask:
    """One command on some machines of one region.

    `pools` and `tags` are those of all machines together, which does not tell which machine carries which tag, nor
    whether one carries none. Where `targets` is empty the policy therefore assumes the worst: every pool with every
    tag, and every pool without any. `Ask.of` knows better.
    """

    command: str
    risk: Risk
    region: str = ""
    pools: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    targets: frozenset[AskTarget] = frozenset()

    @classmethod
    def of(cls, command: str, risk: Risk, region: str, targets: Iterable[AskTarget]) -> Ask:
        """An ask about machines one by one: what a plan knows."""
        each = frozenset(AskTarget(one.pool or None, one.tags) for one in targets)
        return cls(
            command,
            risk,
            region,
            frozenset(one.pool for one in each if one.pool),
            frozenset(tag for one in each for tag in one.tags),
            each,
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes or no, and the rule that made it, as a sentence for the person (without its full stop)."""

    allowed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Approvers:
    """Who could approve something now.

    `mentions` are the user and user-group ids to call; `unknown` the groups that Slack would not list, with its
    reason; `missing` says what is lacking where fewer than `needed` people could approve, and is empty otherwise.
    """

    needed: int
    people: frozenset[str]
    mentions: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """One role that a person has, and through which entry of which setting."""

    role: Role
    through: str


@dataclass(frozen=True, slots=True)
class Standings:
    """The roles of one person at one moment. `unknown` are the groups that Slack would not list."""

    grants: tuple[Grant, ...]
    unknown: tuple[str, ...] = ()

    def has(self, role: Role) -> Grant | None:
        return next((grant for grant in self.grants if grant.role is role), None)
