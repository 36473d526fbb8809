"""What goes into the audit, made JSON-able and free of secrets. What is stored once can never be taken back."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

from bot.telemetry import Redactor

_REDACTED = "[redacted]"
#: Deeper than this, lists and mappings are left out: nothing that the bot records is.
_DEEPEST = 20
#: Names under which people and programs keep secrets.
_SECRET_NAME = re.compile(
    r"passw|passphrase|secret|token|api[_-]?key|apikey|private[_-]?key|credential|power_(?:pass|parameters)|^pwd$",
    re.IGNORECASE,
)
_SHAPES = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z0-9]{16,20}:[A-Za-z0-9]{16,20}:[A-Za-z0-9]{30,34}(?![A-Za-z0-9])"  # a MAAS API key
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
#: `--password hunter2`, `power_pass=hunter2`, `"token": "hunter2"`. No part repeats before the name: texts are long.
_NAMED = re.compile(
    r"""((?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|power_pass)["']?)(\s{0,3}[=:]\s{0,3}|\s{1,3}(?=\S))"""
    r"""("[^"]{0,500}"|'[^']{0,500}'|[^\s,;&"']+)""",
    re.IGNORECASE,
)
_OPTION = re.compile(r"(?:^|\s)--?[\w-]*\Z")


class Cleaner:
    """Takes what a `Redactor` knows out of texts and values, and what is named or shaped like a secret."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def text(self, text: str) -> str:
        """`text` without secrets."""
        return self._redactor.clean(_NAMED.sub(_unnamed, _SHAPES.sub(_REDACTED, text)))

    def value(self, value: Any, depth: int = 0) -> Any:
        """`value` without secrets, in what JSON can say: mappings, lists, texts, numbers, true, false and null."""
        if isinstance(value, Enum):
            value = value.value
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        if isinstance(value, str):
            return self.text(value)
        if depth >= _DEEPEST and isinstance(value, Mapping | list | tuple | set | frozenset):
            return "[left out: nested too deeply]"
        if isinstance(value, Mapping):
            return {self.text(str(key)): self._named(str(key), one, depth) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(one, depth + 1) for one in value]
        if isinstance(value, set | frozenset):
            return sorted((self.value(one, depth + 1) for one in value), key=str)
        return self.text(value.isoformat() if isinstance(value, datetime) else str(value))

    def _named(self, name: str, value: Any, depth: int) -> Any:
        if isinstance(value, str | bytes | list | tuple | Mapping) and value and _SECRET_NAME.search(name):
            return _REDACTED
        return self.value(value, depth + 1)


def _unnamed(match: re.Match[str]) -> str:
    name, between, value = match.groups()
    start = match.start()
    if between.isspace() and not _OPTION.search(match.string[max(0, start - 40) : start]):
        return match[0]  # prose: "the password was changed" names no password
    quote = value[0] if value[0] in "\"'" else ""
    return f"{name}{between}{quote}{_REDACTED}{quote}"
