"""Users of the region and their API keys."""

from __future__ import annotations

import random
import string
from dataclasses import dataclass, field
from typing import Any

API = "/MAAS/api/2.0"


@dataclass
class Token:
    """One API key: consumer key, token key and secret; `name` is what the user called it."""

    consumer_key: str
    token_key: str
    token_secret: str
    name: str = "MAAS consumer"

    @property
    def api_key(self) -> str:
        return f"{self.consumer_key}:{self.token_key}:{self.token_secret}"

    @classmethod
    def make(cls, rng: random.Random, name: str = "MAAS consumer") -> Token:
        letters = string.ascii_letters + string.digits
        first, second, secret = ("".join(rng.choices(letters, k=n)) for n in (18, 18, 32))
        return cls(first, second, secret, name)


@dataclass
class User:
    username: str
    email: str
    is_superuser: bool
    tokens: list[Token] = field(default_factory=list)
    id: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "is_superuser": self.is_superuser,
            "username": self.username,
            "email": self.email,
            "is_local": True,
            "resource_uri": f"{API}/users/{self.username}/",
        }


def first_users(rng: random.Random) -> list[User]:
    """The users that a region with one administrator and one plain user has."""
    return [
        User("MAAS", "maas@localhost", False, [], 2),
        User("admin", "admin@example.com", True, [Token.make(rng)], 1),
        User("maas-init-node", "node-init-user@localhost", False, [], 3),
        User("operator", "operator@example.com", False, [Token.make(rng)], 4),
    ]
