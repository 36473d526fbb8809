"""Where tables and keys stand in a TOML text: tomllib tells what a file says, and not where."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_HEADER = re.compile(r"(\[\[?)\s*(.+?)\s*\]\]?\s*(?:#.*)?$")
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""|"(?:\\.|[^"\\\n])*"'
    r"|'''.*?'''|'[^'\n]*'"
    r"|#[^\n]*|[\[{\]}]|\n|[^\"'#\[\]{}\n]+",
    re.DOTALL,
)


@dataclass(slots=True)
class _Table:
    line: int
    keys: dict[str, int] = field(default_factory=dict)


class Lines:
    """The line numbers of one valid TOML text, counted from 1."""

    def __init__(self, text: str) -> None:
        self._tables: dict[tuple[str, ...], list[_Table]] = {(): [_Table(1)]}
        prefix: tuple[str, ...] = ()
        for line, statement in _statements(text):
            header = _HEADER.match(statement)
            if header is not None:
                prefix = _keys(header[2])
                self._tables.setdefault(prefix, []).append(_Table(line))
                continue
            path = (*prefix, *_keys(statement.partition("=")[0]))
            # `a.b.c = 1` under [x] is key c of table x.a.b; the tables on the way begin where they are first named.
            for depth in range(len(prefix), len(path)):
                table = self._tables.setdefault(path[:depth], [_Table(line)])[-1]
                table.keys.setdefault(path[depth], line)

    def of(self, path: Sequence[str], nth: int = 0, key: str | None = None) -> int:
        """The line of `key` in the nth table `path`, or of the nearest thing around it that has a line."""
        tables = self._tables.get(tuple(path))
        if tables is not None:
            table = tables[min(nth, len(tables) - 1)]
            return table.keys.get(key, table.line) if key is not None else table.line
        return self.of(path[:-1], 0, path[-1]) if path else 1


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Headers and `key = value` lines with the numbers of their first lines; values over several lines are one."""
    line, depth, start, words = 1, 0, 1, ""
    for match in _TOKEN.finditer(text + "\n"):
        piece = match[0]
        if piece == "\n" and depth == 0:
            if words.strip():
                yield start, words.strip()
            words = ""
        elif not piece.startswith("#"):
            if not words.strip():
                start = line
            # Brackets of a header open and close on its line, so depth is 0 at its end as well.
            depth += (piece in "[{") - (piece in "]}") if len(piece) == 1 else 0
            words += piece
        line += piece.count("\n")


def _keys(text: str) -> tuple[str, ...]:
    """The parts of a dotted key, read as TOML itself reads it."""
    try:
        value: object = tomllib.loads(f"{text.strip()} = 1")
    except tomllib.TOMLDecodeError:
        return (text.strip(),)
    parts: list[str] = []
    while isinstance(value, dict):
        key = next(iter(value))
        parts.append(key)
        value = value[key]
    return tuple(parts)
