"""Reading `[policy]` of maasbot.toml. What is wrong is one line each: file, line, rule, reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

from pydantic import ValidationError

from bot.policy.asking import Risk
from bot.policy.lines import Lines
from bot.policy.rules import EVERYONE, Effect, Rule, Rules, header

_COMMON = ("name", "who", "commands", "risks", "regions", "pools", "tags")
_KEYS = {
    Effect.ALLOW: (*_COMMON, "channels", "hours"),
    Effect.DENY: (*_COMMON, "channels", "hours"),
    # Where approvers decide is the approval channel or App Home, and no rule's business.
    Effect.APPROVE: (*_COMMON, "hours", "needed"),
    Effect.BREAK_GLASS: ("who", "for", "commands", "regions", "pools", "tags"),
}
_REQUIRED = {
    "name": 'name is missing; decisions are explained by it, like name = "night shift"',
    "who": 'who is missing; it takes user ids and user-group ids, like who = ["U012ABCDE", "S012ABCDE"]',
    "commands": 'commands is missing; it takes patterns, like commands = ["release", "power *"]; "*" is every command',
    "for": 'for is missing; it takes up to an hour, like for = "30m"',
}


class PolicyFileError(Exception):
    """A `[policy]` that can't be used. `faults` holds one line each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def read_policy(table: object, text: str, path: str) -> Rules:
    """Make rules of `table`, the `policy` of the TOML file at `path` whose whole content is `text`.

    Raises:
        PolicyFileError: everything that is wrong with it.
    """
    lines = Lines(text)
    if not isinstance(table, dict):
        raise PolicyFileError([f"{path}:{lines.of((), 0, 'policy')}: [policy] is a table of rules"])
    reader = _Reader(lines, path)
    reader.read(table)
    found = Rules(rules=tuple(reader.rules), path=path, lines=dict(reader.lines))
    if not reader.faults:
        reader.faults += [(found.lines[rule.name], fault) for rule, fault in _contradictions(found)]
    if reader.faults:
        raise PolicyFileError([fault for _, fault in sorted(reader.faults, key=lambda one: one[0])])
    return found.model_copy(update={"warnings": tuple(_warnings(found))})


def misnamed(rules: Rules, *, regions: Iterable[str] = (), commands: Iterable[str] = ()) -> list[str]:
    """One line for each pattern that fits none of the known names. Names that are not given are not checked."""
    faults: list[str] = []
    for kind, known in (("region", sorted(regions)), ("command", sorted(commands))):
        for rule in rules.rules if known else ():
            faults += [
                f"{rules.where(rule)}: {kind}s: no {kind} is named {pattern}{_near(pattern, known)}"
                for pattern in (rule.regions if kind == "region" else rule.commands)
                if not any(fnmatchcase(name, pattern) for name in known)
            ]
    return faults


def _near(pattern: str, known: list[str]) -> str:
    if any(name.startswith(f"{pattern} ") for name in known):
        return f"; did you mean {pattern} *?"
    near = get_close_matches(pattern, known, 1)
    return f"; did you mean {near[0]}?" if near else ""


class _Reader:
    def __init__(self, lines: Lines, path: str) -> None:
        self._lines = lines
        self._path = path
        self.rules: list[Rule] = []
        self.lines: dict[str, int] = {}
        self.faults: list[tuple[int, str]] = []

    def read(self, table: Mapping[str, Any]) -> None:
        for key, value in table.items():
            try:
                effect = Effect(key)
            except ValueError:
                near = get_close_matches(key, [one.value for one in Effect], 1)
                hint = f"did you mean {header(Effect(near[0]))}?" if near else f"it has {_list(map(header, Effect))}"
                self._fault(self._lines.of(("policy", key)), f"[policy] has no {key}; {hint}")
                continue
            if effect is Effect.BREAK_GLASS:
                self._break_glass(value)
                continue
            if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
                line = self._lines.of(("policy", key))
                self._fault(line, f"write {header(effect)}, with two brackets: there may be many")
                continue
            for nth, one in enumerate(value):
                self._rule(effect, nth, one)

    def _break_glass(self, value: object) -> None:
        if not isinstance(value, dict):
            line = self._lines.of(("policy", "break_glass"))
            self._fault(line, "write [policy.break_glass], with one bracket: there is one")
            return
        self._rule(Effect.BREAK_GLASS, 0, {"commands": ["*"], **value}, name="break-glass")

    def _rule(self, effect: Effect, nth: int, given: Mapping[str, Any], name: str = "") -> None:
        path = ("policy", effect.value)
        begins = self._lines.of(path, nth)
        label = f"{header(effect)}" + (f' "{given["name"]}"' if isinstance(given.get("name"), str) else "")
        before = len(self.faults)
        for key in given:
            if key not in _KEYS[effect]:
                self._fault(self._lines.of(path, nth, key), f"{label}: {_unknown_key(effect, key)}")
        for key in _KEYS[effect]:
            if key in _REQUIRED and key not in given:
                self._fault(begins, f"{label}: {_REQUIRED[key]}")
        known = {key: value for key, value in given.items() if key in _KEYS[effect]}
        try:
            rule = Rule.model_validate({"name": name, "who": (), "commands": "*", **known, "effect": effect})
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_context=False):
                key, reason = _reason(detail["loc"], str(detail["msg"]))
                if key not in _REQUIRED or key in given:
                    self._fault(self._lines.of(path, nth, key or None), f"{label}: {reason}")
            return
        if len(self.faults) > before:
            return
        if rule.name in self.lines:
            self._fault(begins, f"{label}: the rule in line {self.lines[rule.name]} has this name already")
            return
        self.rules.append(rule)
        self.lines[rule.name] = begins

    def _fault(self, line: int, reason: str) -> None:
        # Names and keys are quoted as they stand in the file, and may hold anything.
        shown = "".join(letter if letter.isprintable() else " " for letter in reason)
        self.faults.append((line, f"{self._path}:{line}: {' '.join(shown.split())}"))


def _list(words: Iterable[str]) -> str:
    return ", ".join(words)


def _unknown_key(effect: Effect, key: str) -> str:
    near = get_close_matches(key.lower(), _KEYS[effect], 1)
    if near:
        return f"{key} is no key of it; did you mean {near[0]}?"
    elsewhere = [header(one) for one in Effect if key in _KEYS[one]]
    if elsewhere:
        return f"{key} belongs to {_list(elsewhere)}"
    return f"{key} is no key of it; it has {_list(_KEYS[effect])}"


def _reason(location: tuple[int | str, ...], message: str) -> tuple[str, str]:
    """The key that a validation error is about, and the error as a reason."""
    message = message.removeprefix("Value error, ")
    key = str(location[0]) if location else ""
    if not key:
        # Checks over the whole rule name the key themselves.
        return message.partition(":")[0], message
    if key == "risks" and "Input should be" in message:
        return key, f"risks: there are {_list(Risk)}, and no others"
    if "Input should be a valid tuple" in message or "Input should be a valid string" in message:
        return key, f"{key}: write text in quotes" + (", or a list of such" if key != "name" else "")
    return key, f"{key}: {message[:1].lower()}{message[1:]}"


def _contradictions(rules: Rules) -> Iterator[tuple[Rule, str]]:
    for rule in (*rules.of(Effect.ALLOW), *rules.of(Effect.APPROVE)):
        for deny in rules.of(Effect.DENY):
            if rule.who and _covers(deny, rule):
                yield (
                    rule,
                    f"{rules.where(rule)}: can never come to bear, since {deny.title} (line {rules.lines[deny.name]}) "
                    "denies all of it, and denying wins",
                )


def _covers(deny: Rule, rule: Rule) -> bool:
    """Whether `deny` surely meets all that `rule` grants. Patterns that only a closer look would tell count as no."""
    patterns = (
        (deny.commands, rule.commands),
        (deny.regions, rule.regions),
        (deny.pools, rule.pools),
        (deny.tags, rule.tags),
    )
    sets = ((deny.risks, rule.risks), (deny.channels, rule.channels), (deny.hours, rule.hours))
    return (
        (EVERYONE in deny.who or set(rule.who) <= set(deny.who))
        and all(_within(wide, narrow) for wide, narrow in patterns)
        and all(not wide or (bool(narrow) and set(narrow) <= set(wide)) for wide, narrow in sets)
    )


def _within(wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
    if not wide:
        return True
    # `*` in a narrow pattern is met by `*` in a wide one; `?` in a wide one could meet it too, and would be wrong.
    return bool(narrow) and all(
        any(one == other or ("?" not in one and fnmatchcase(other, one)) for one in wide) for other in narrow
    )


def _warnings(rules: Rules) -> Iterator[str]:
    for rule in rules.rules:
        if not rule.who:
            yield f"{rules.where(rule)}: who is empty, so the rule is for nobody"
        elif rule.effect is Effect.APPROVE and not rule.groups:
            people = len(set(rule.who))
            named = "one person is named" if people == 1 else f"{people} people are named"
            if people < rule.needed:
                yield (
                    f"{rules.where(rule)}: needs {rule.needed} approvals, and {named}: "
                    "by this rule alone nothing can ever be approved"
                )
            elif people == rule.needed:
                yield (
                    f"{rules.where(rule)}: needs {rule.needed} of {people}, and nobody approves what they asked for: "
                    "by this rule alone what they ask for themselves can't be approved"
                )
