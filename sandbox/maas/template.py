"""JSON text with slots: the shape of a value is printed once, then filled in for each machine.

Printing indented JSON in Python takes milliseconds a machine; filling in the slots takes microseconds, which
is what lets the stand-in serve a fleet of thousands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

SLOT = re.compile(r'"@@(\w+)@@"|@%(\w+)%@')


class Template:
    """`depth` is how many levels deep the value stands in its document."""

    def __init__(self, value: object, depth: int = 0) -> None:
        text = json.dumps(value, indent=4)
        self._depth = depth
        if depth:
            text = text.replace("\n", "\n" + " " * 4 * depth)
        self._parts: list[tuple[str, str, bool]] = []
        at = 0
        for found in SLOT.finditer(text):
            whole = found.group(1) is not None
            self._parts.append((text[at : found.start()], found.group(1) or found.group(2), whole))
            at = found.end()
        self._tail = text[at:]

    def fill(self, values: Mapping[str, object]) -> str:
        """The text with each slot's value; a whole-value slot takes any JSON value."""
        out: list[str] = []
        for before, name, whole in self._parts:
            out.append(before)
            value = values[name]
            if not whole:
                out.append(json.dumps(str(value))[1:-1])
            elif isinstance(value, list | dict) and value:
                out.append(json.dumps(value, indent=4).replace("\n", "\n" + " " * 4 * (self._depth + 1)))
            else:
                out.append(json.dumps(value))
        out.append(self._tail)
        return "".join(out)
