"""What a measure brings, and how it is printed."""

from __future__ import annotations

import math
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Table:
    """One Markdown table. The first column is text, the others are figures."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """The table, its columns padded so that it can be read as it is."""
        lines = [list(self.headers), *[list(row) for row in self.rows]]
        widths = [max(3, *(len(line[at]) for line in lines)) for at in range(len(self.headers))]
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]

        def pad(line: Sequence[str]) -> str:
            figures = [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
            return f"| {' | '.join([line[0].ljust(widths[0]), *figures])} |"

        return "\n".join([pad(lines[0]), pad(rule), *(pad(line) for line in lines[1:])])


@dataclass(frozen=True, slots=True)
class Report:
    """One measure's outcome.

    Attributes:
        title: the heading.
        aim: what it should reach.
        tables: what it found.
        notes: how it was measured, and what the figures hide.
        figures: the same as numbers, by name: seconds, bytes, calls, ratios.
    """

    title: str
    aim: str
    tables: Sequence[Table]
    notes: Sequence[str] = ()
    figures: dict[str, float] = field(default_factory=dict)

    def markdown(self) -> str:
        """Heading, aim, tables and notes."""
        parts = [f"### {self.title}", f"Aim: {self.aim}", *(table.markdown() for table in self.tables)]
        if self.notes:
            parts.append("\n".join(f"- {note}" for note in self.notes))
        return "\n\n".join(parts) + "\n"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` (0 to 1) of the values do not exceed; nan of none."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def ms(seconds: float) -> str:
    """Milliseconds, as short as they are telling."""
    value = seconds * 1000
    return f"{value:.1f} ms" if value < 100 else f"{value:.0f} ms"


def mib(size: float) -> str:
    """Mebibytes."""
    return f"{size / 2**20:.1f} MiB"


def ratio(ours: float, theirs: float) -> str:
    """How many times the other side's figure ours is."""
    return f"{ours / theirs:.2f}×" if theirs else "–"


def machine_note() -> str:
    """What it ran on."""
    load = f", load average {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    python = platform.python_version()
    system = f"{platform.system()} {platform.machine()}"
    return f"{os.cpu_count()} cores, {system}, {sys.implementation.name} {python}{load}."
