"""A plan: what an operation will do, computed by looking at the world first, shown, and fingerprinted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from bot.policy import Risk

#: The fact of a step that says what it will be, where `state` says how it is today; people read it behind an arrow.
BECOMES = "becomes"


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that an operation changes. `facts` are those that the plan rests on: they go into the fingerprint."""

    key: str
    name: str
    state: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that was named, and that the operation will not touch, with the reason."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done, to what, and what it costs. `options` is all that is needed to make the plan anew.

    A plan in steps has a `subject`, the one thing that it is about ("the host maas-1", "DHCP on 10.0.0.0/24"): its
    targets are the steps, done one after the other, and `locks` names what nobody else may work on meanwhile.
    `typed` is what has to be typed before it when it can't be undone, where that is not the target's name.
    """

    kind: str
    risk: Risk
    region: str
    title: str
    targets: tuple[Target, ...]
    steps: tuple[str, ...]
    losses: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    subject: str = ""
    locks: tuple[str, ...] = ()
    typed: str = ""

    @property
    def in_steps(self) -> bool:
        """Whether its targets are steps of one piece of work, and not machines."""
        return bool(self.subject)

    @property
    def lock_keys(self) -> tuple[str, ...]:
        """What is locked while it runs: what it names, or each of its targets."""
        return tuple(f"@{name}" for name in self.locks) if self.in_steps else tuple(one.key for one in self.targets)

    @property
    def subjects(self) -> tuple[str, ...]:
        """The names of what it is about, for people and for the audit."""
        return (self.subject,) if self.in_steps else tuple(one.name for one in self.targets)

    def name_of(self, key: str) -> str:
        """What the person knows under one of its `lock_keys`."""
        return self.subject or next((one.name for one in self.targets if one.key == key), key)

    @property
    def fingerprint(self) -> str:
        """A digest over the facts the plan rests on: equal plans have equal fingerprints, and only those."""
        facts = {
            "kind": self.kind,
            "risk": self.risk.value,
            "region": self.region,
            "options": dict(self.options),
            "targets": sorted(
                [target.key, target.name, target.state, dict(sorted(target.facts.items()))] for target in self.targets
            ),
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> str:
        return json.dumps(asdict(self))  # in the order in which facts are shown

    @classmethod
    def from_json(cls, text: str) -> Plan:
        raw = json.loads(text)
        return cls(
            kind=raw["kind"],
            risk=Risk(raw["risk"]),
            region=raw["region"],
            title=raw["title"],
            targets=tuple(Target(**target) for target in raw["targets"]),
            steps=tuple(raw["steps"]),
            losses=tuple(raw["losses"]),
            warnings=tuple(raw["warnings"]),
            left_out=tuple(LeftOut(**one) for one in raw["left_out"]),
            options=raw["options"],
            subject=raw.get("subject", ""),
            locks=tuple(raw.get("locks", ())),
            typed=raw.get("typed", ""),
        )


def difference(before: Plan, after: Plan) -> list[str]:
    """What changed between two plans, one line each, before → after. Empty when their fingerprints are equal."""
    old = {target.key: target for target in before.targets}
    new = {target.key: target for target in after.targets}
    reasons = {one.name: one.reason for one in after.left_out}
    lines = [] if before.risk is after.risk else [f"risk: {before.risk} → {after.risk}"]
    for key, target in old.items():
        now = new.get(key)
        if now is None:
            reason = reasons.get(target.name) or reasons.get(after.subject) or "no longer there"
            lines.append(f"{target.name}: {target.state} → {reason}")
            continue
        if now.name != target.name:
            lines.append(f"{target.name}: renamed → {now.name}")
        if now.state != target.state:
            lines.append(f"{now.name}: {target.state} → {now.state}")
        for label in sorted(set(target.facts) | set(now.facts)):
            was, is_now = target.facts.get(label, "none"), now.facts.get(label, "none")
            if was != is_now:
                lines.append(f"{now.name}: {label} {was} → {is_now}")
    lines.extend(f"{target.name}: not in the plan → {target.state}" for key, target in new.items() if key not in old)
    return lines
