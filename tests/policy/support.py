"""A policy from a TOML text, and people to try it with."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime

from bot.people import Door, Identity, Origin, Standing
from bot.policy import Ask, AskTarget, GroupUnknownError, Policy, PolicyFileError, Risk, Role, Rules, read_policy

HERE = Origin(Door.COMMAND, "C0OPS")
CARDS = Origin(Door.BUTTON, "C0CARDS")
HOME = Origin(Door.HOME)
#: A Wednesday, 12:00 in Berlin.
NOON = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)

GROUPS = {
    "S0NIGHT": frozenset({"U0NINA", "U0OLGA"}),
    "S0PROD": frozenset({"U0PAUL", "U0PIA", "U0OLGA"}),
    "S0LAB": frozenset({"U0LARS", "U0PIA"}),
    "S0NONE": frozenset[str](),
}


def rules(text: str) -> Rules:
    return read_policy(tomllib.loads(text)["policy"], text, "maasbot.toml")


def faults(text: str) -> list[str]:
    try:
        rules(text)
    except PolicyFileError as error:
        return error.faults
    return []


def members_of(groups: Mapping[str, frozenset[str]], unknown: str = "Slack did not answer"):
    async def members(group: str) -> frozenset[str]:
        if group not in groups:
            raise GroupUnknownError(unknown)
        return groups[group]

    return members


def policy(
    text: str = "",
    *,
    operators: str = "",
    approvers: str = "",
    admins: str = "",
    now: datetime = NOON,
    groups: Mapping[str, frozenset[str]] = GROUPS,
    channels: tuple[str, ...] = ("C0OPS", "C0LAB"),
    unknown: str = "Slack did not answer",
) -> Policy:
    roles = {Role.OPERATOR: operators, Role.APPROVER: approvers, Role.ADMIN: admins}
    return Policy(
        "T0",
        members_of(groups, unknown),
        channels,
        {role: tuple(entries.split()) for role, entries in roles.items()},
        rules(text) if text else Rules(),
        "C0CARDS",
        now=lambda: now,
    )


def person(user_id: str = "U0OLGA", team: str = "T0", standing: Standing = Standing.MEMBER) -> Identity:
    return Identity(team, user_id, user_id.lower(), standing)


def ask(
    command: str = "release",
    *machines: tuple[str, str],
    risk: Risk = Risk.DESTRUCTIVE,
    region: str = "default",
) -> Ask:
    """An ask on machines given as (pool, tags)."""
    return Ask.of(command, risk, region, [AskTarget(pool, frozenset(tags.split())) for pool, tags in machines])


LAB = ("lab", "")
PROD = ("prod", "")
