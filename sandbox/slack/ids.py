"""Identifiers as Slack shapes them, the same for the same seed."""

from __future__ import annotations

import random
import string
import uuid
from collections.abc import Callable

_ALPHABET = string.ascii_uppercase + string.digits


class Ids:
    """A seeded source of ids. `next_ts` never gives the same or an earlier message timestamp twice."""

    def __init__(self, seed: int, clock: Callable[[], float]) -> None:
        self.random = random.Random(seed)
        self._clock = clock
        self.last_micros = 0

    def new(self, prefix: str, length: int = 10) -> str:
        """`prefix` and random capitals and digits, `length` characters in all."""
        return prefix + "".join(self.random.choices(_ALPHABET, k=length - len(prefix)))

    def short(self) -> str:
        """A generated block or action id."""
        return "".join(self.random.choices(string.ascii_letters + string.digits, k=5))

    def hexadecimal(self, length: int = 32) -> str:
        return f"{self.random.getrandbits(4 * length):0{length}x}"

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def next_ts(self) -> str:
        self.last_micros = max(int(self._clock() * 1_000_000), self.last_micros + 1)
        return f"{self.last_micros // 1_000_000}.{self.last_micros % 1_000_000:06d}"
