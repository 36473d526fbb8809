"""A Dockerfile as a list of stages; of the syntax, what this project's file uses."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field


@dataclass
class Stage:
    """One FROM and what follows it."""

    base: str
    name: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, instruction: str) -> list[str]:
        """Return the arguments of every such instruction."""
        return [arguments for name, arguments in self.instructions if name == instruction]

    def only(self, instruction: str) -> str:
        """Return the arguments of the one such instruction."""
        (arguments,) = self.all(instruction)
        return arguments

    def exec_form(self, instruction: str) -> list[str]:
        """Return the words of an instruction that must be in exec form (after CMD, for a health check)."""
        arguments = self.only(instruction)
        words = json.loads(arguments.rpartition("CMD ")[2] if instruction == "HEALTHCHECK" else arguments)
        assert isinstance(words, list)
        return [str(word) for word in words]


def parse(text: str) -> list[Stage]:
    """Return the stages of a Dockerfile."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    stages: list[Stage] = []
    for line in re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines():
        name, _, arguments = line.strip().partition(" ")
        if name == "FROM":
            base, _, alias = arguments.partition(" AS ")
            stages.append(Stage(base, alias))
        elif name:
            stages[-1].instructions.append((name, arguments.strip()))
    return stages
