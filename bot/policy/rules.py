"""The rules of the policy as typed models: those of maasbot.toml, and those that the settings' roles stand for."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_serializer, model_validator

from bot.policy.asking import SETTING_OF, Risk, Role
from bot.policy.hours import Hours, parse_hours
from bot.settings_fields import Channels, check_people, parse_duration

#: In `who`: any member of the workspace.
EVERYONE = "everyone"
#: Longest time that a break-glass may last.
LONGEST_BREAK_GLASS = timedelta(hours=1)

_NAME = re.compile(r"[^\x00-\x1f\x7f`\"]{1,60}")
_PATTERN = re.compile(r"[^\[\]\x00-\x1f\x7f]{1,100}")


class Effect(StrEnum):
    """What a rule does; also the name of its table in `[policy]`."""

    ALLOW = "allow"
    DENY = "deny"
    APPROVE = "approve"
    BREAK_GLASS = "break_glass"


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _who(value: object) -> object:
    entries = _as_list(value)
    if isinstance(entries, list | tuple):
        check_people([entry for entry in entries if entry != EVERYONE])
        if EVERYONE in entries and len(entries) > 1:
            raise ValueError(f'"{EVERYONE}" and others besides; keep one of them')
    return entries


def _some(value: object) -> object:
    entries = _as_list(value)
    if entries in ([], ()):
        raise ValueError("is empty; leave the key out where it is not to limit the rule")
    return entries


def _patterns(value: object) -> object:
    entries = _some(value)
    if isinstance(entries, list | tuple):
        for entry in entries:
            if isinstance(entry, str) and (not _PATTERN.fullmatch(entry) or not entry.strip()):
                raise ValueError(
                    f"{entry!r} is no pattern; * stands for any letters, ? for one, and there are no others"
                )
        return [" ".join(entry.split()) if isinstance(entry, str) else entry for entry in entries]
    return entries


def _commands(value: object) -> object:
    entries = _patterns(value)
    if isinstance(entries, list):
        return [entry.lower().removeprefix("/maas ") if isinstance(entry, str) else entry for entry in entries]
    return entries


def _spans(value: object) -> object:
    entries = _some(value)
    if isinstance(entries, list | tuple):
        return tuple(entry if isinstance(entry, Hours) else parse_hours(entry) for entry in entries)
    return entries


def _name(value: object) -> object:
    if isinstance(value, str):
        if not _NAME.fullmatch(value.strip()):
            raise ValueError("must be 1 to 60 letters on one line, without quotes")
        if value.upper().startswith("MAASBOT_"):
            raise ValueError("must not look like a setting")
        return value.strip()
    return value


def _break_glass_time(value: object) -> object:
    lasts = parse_duration(value)
    if lasts > LONGEST_BREAK_GLASS:
        raise ValueError("one hour is the most")
    return lasts


Who = Annotated[tuple[str, ...], BeforeValidator(_who)]
Patterns = Annotated[tuple[str, ...], BeforeValidator(_patterns)]
Commands = Annotated[tuple[str, ...], BeforeValidator(_commands)]
Risks = Annotated[tuple[Risk, ...], BeforeValidator(_some)]
RuleChannels = Annotated[Channels, BeforeValidator(_some)]
Spans = Annotated[tuple[Hours, ...], BeforeValidator(_spans)]


class Rule(BaseModel):
    """One rule. An empty limit (risks, regions, pools, tags, channels, hours) limits nothing; an empty `who` is nobody.

    `setting` names the setting that the rule stands for, and is empty for a rule of maasbot.toml.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, populate_by_name=True)

    effect: Effect
    name: Annotated[str, BeforeValidator(_name)]
    who: Who
    commands: Commands
    risks: Risks = ()
    regions: Patterns = ()
    pools: Patterns = ()
    tags: Patterns = ()
    channels: RuleChannels = ()
    hours: Spans = ()
    needed: int = Field(1, ge=1, le=20, strict=True)
    lasts: Annotated[timedelta, BeforeValidator(_break_glass_time)] | None = Field(None, alias="for")
    setting: str = ""

    @field_serializer("hours")
    def _hours_as_text(self, hours: tuple[Hours, ...]) -> list[str]:
        return [str(span) for span in hours]

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.effect is Effect.DENY and not self.who:
            raise ValueError(f'who: empty, so the rule denies nobody; write who = ["{EVERYONE}"], or remove the rule')
        if self.effect in {Effect.APPROVE, Effect.BREAK_GLASS} and EVERYONE in self.who:
            raise ValueError("who: must name people or user groups here, since they are called")
        if self.effect is Effect.APPROVE and set(self.risks) & {Risk.READ, Risk.CHANGE}:
            raise ValueError("risks: only what is destructive or irreversible is approved")
        if self.risks == (Risk.READ,) and (self.pools or self.tags):
            raise ValueError("risks: pools and tags limit what changes machines; a rule for reading can't have them")
        return self

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(entry for entry in self.who if entry.startswith("S"))

    @property
    def title(self) -> str:
        """How a person is told of it."""
        return self.setting or f'rule "{self.name}"'

    def limits(self) -> str:
        """What it is limited to, apart from commands, in words; empty where nothing limits it."""
        lists = (("region", self.regions), ("pool", self.pools), ("tag", self.tags), ("channel", self.channels))
        said = [f"{noun}{'s' if len(values) > 1 else ''} {', '.join(values)}" for noun, values in lists if values]
        if self.risks:
            said.insert(0, f"what is {' or '.join(self.risks)}")
        return "; ".join([*said, *(str(span) for span in self.hours)])

    def words(self) -> str:
        """The whole rule in one line."""
        who = ", ".join(self.who) or "nobody"
        what = "any command" if "*" in self.commands else ", ".join(self.commands)
        verb = {
            Effect.ALLOW: f"{who} may run {what}",
            Effect.DENY: f"{who} may not run {what}",
            Effect.APPROVE: f"{who} may approve {what}, {self.needed} needed",
            Effect.BREAK_GLASS: f"{who} may break the glass for {what}, for {self.lasts}",
        }[self.effect]
        limits = self.limits()
        return f"{self.title}: {verb}" + (f" ({limits})" if limits else "")


class Rules(BaseModel):
    """The `[policy]` of maasbot.toml. `lines` tells where each rule begins; `warnings` are for its author."""

    model_config = ConfigDict(frozen=True)

    rules: tuple[Rule, ...] = ()
    path: str = ""
    lines: Mapping[str, int] = {}
    warnings: tuple[str, ...] = ()

    def of(self, effect: Effect) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules if rule.effect is effect)

    def where(self, rule: Rule) -> str:
        """Its file, line and table, to begin a fault with."""
        return f"{self.path}:{self.lines.get(rule.name, 0)}: {header(rule.effect)} {rule.title.removeprefix('rule ')}"


def header(effect: Effect) -> str:
    """The line over a rule in the file."""
    return "[policy.break_glass]" if effect is Effect.BREAK_GLASS else f"[[policy.{effect.value}]]"


def rules_of_roles(roles: Mapping[Role, Sequence[str]]) -> tuple[Rule, ...]:
    """What the settings' roles stand for. Anyone may read; MAASBOT_CHANNELS is a ceiling over all rules."""
    made = [
        Rule.model_construct(
            effect=Effect.ALLOW,
            name="reading",
            who=(EVERYONE,),
            commands=("*",),
            risks=(Risk.READ,),
            setting=SETTING_OF[Role.READER],
        )
    ]
    for role, effect in ((Role.OPERATOR, Effect.ALLOW), (Role.APPROVER, Effect.APPROVE)):
        made.append(
            Rule.model_construct(
                effect=effect,
                name=role.value,
                who=tuple(roles.get(role, ())),
                commands=("*",),
                risks=(Risk.CHANGE, Risk.DESTRUCTIVE, Risk.IRREVERSIBLE) if effect is Effect.ALLOW else (),
                setting=SETTING_OF[role],
            )
        )
    return tuple(made)


def digest(parts: Mapping[str, Any], rules: Rules) -> str:
    """A fingerprint over all that the policy rests on: equal policies have equal digests, wherever they stand."""
    table = [rule.model_dump(mode="json", exclude_defaults=True) for rule in rules.rules]
    return hashlib.sha256(json.dumps([dict(parts), table], sort_keys=True).encode()).hexdigest()
