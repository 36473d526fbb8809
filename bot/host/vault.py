"""Secrets that the bot makes: held in memory until they are used or handed over, and never written anywhere else.

A bot that is killed has lost them. Nothing waits for them then: a database's password is made anew before the database
is used, and a person's password is replaced by making another administrator.
"""

from __future__ import annotations

import secrets
import string
import time
from dataclasses import dataclass

from pydantic import SecretStr

#: Letters and digits alone: people read some of these off a phone, and no program has to quote them. No look-alikes.
_ALPHABET = "".join(sorted(set(string.ascii_letters + string.digits) - set("0O1lI")))
_LENGTH = 24
#: Seconds for which a secret is held for a person who has not come for it.
_HELD = 3600.0


@dataclass(frozen=True, slots=True)
class _Held:
    secret: SecretStr
    until: float


class Vault:
    """One for each host. Keys are names like `op-4k2f:database`."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}

    def make(self, key: str) -> SecretStr:
        """A new secret of about 140 bits, held under this key in the place of any before it."""
        secret = SecretStr("".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)))
        self._held[key] = _Held(secret, time.monotonic() + _HELD)
        return secret

    def peek(self, key: str) -> SecretStr | None:
        """The secret of this key, None when none is held any more."""
        held = self._held.get(key)
        if held is not None and held.until < time.monotonic():
            del self._held[key]
            return None
        return held.secret if held is not None else None

    def get_or_make(self, key: str) -> SecretStr:
        """The secret of this key; a new one when none is held."""
        return self.peek(key) or self.make(key)

    def take(self, key: str) -> SecretStr | None:
        """The secret of this key, which is held no longer."""
        secret = self.peek(key)
        self._held.pop(key, None)
        return secret

    def seconds_left(self, key: str) -> float:
        """How long the secret of this key will be held; 0 when none is."""
        held = self._held.get(key)
        return max(0.0, held.until - time.monotonic()) if held is not None else 0.0
