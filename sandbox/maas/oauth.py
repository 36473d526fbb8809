"""OAuth 1.0 PLAINTEXT as the region checks it, with the texts of its refusals.

A wrong signature is answered with the right secret in the body: that is what MAAS does, and why nothing that
talks to it may show a 401 body.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from sandbox.maas.answers import BARE_TEXT, HTML, Answer, Refusal
from sandbox.maas.users import Token, User

THRESHOLD = 300
"""Seconds that a timestamp may differ from the region's clock."""


@dataclass(frozen=True)
class Caller:
    user: User
    token: Token


class OAuthCheck:
    """Checks the Authorization header of every call; remembers the nonces that were used."""

    def __init__(self, users: Callable[[], list[User]], clock: Callable[[], float] = time.time) -> None:
        self._users = users
        self._clock = clock
        self._nonces: dict[tuple[str, str, str], float] = {}

    def caller(self, header: str | None) -> Caller:
        """Who calls.

        Raises:
            Refusal: 401, with the text that MAAS gives for this fault.
        """
        if not header or not header.lower().startswith("oauth "):
            raise Refusal(Answer(401, BARE_TEXT, b"Forbidden"))
        fields = {k: unquote(v) for k, v in re.findall(r'(\w+)="([^"]*)"', header)}
        key = fields.get("oauth_consumer_key", "")
        tokens = [(user, token) for user in self._users() for token in user.tokens]
        if not any(token.consumer_key == key for _, token in tokens):
            raise _refused("Invalid API key.")
        given = fields.get("oauth_token", "")
        found = next(((u, t) for u, t in tokens if (t.consumer_key, t.token_key) == (key, given)), None)
        if found is None:
            raise _refused(f"'Invalid access token: {given}'")
        user, token = found
        self._check_time(fields.get("oauth_timestamp", ""))
        self._check_signature(fields, token)
        self._check_nonce(fields, key, given)
        return Caller(user, token)

    def _check_time(self, stamp: str) -> None:
        now = int(self._clock())
        try:
            given = int(stamp)
        except ValueError:
            raise _refused("'Invalid timestamp parameter'") from None
        if abs(now - given) > THRESHOLD:
            raise _refused(
                f"'Expired timestamp: given {given} and now {now} has a greater difference than threshold {THRESHOLD}'"
            )

    def _check_signature(self, fields: dict[str, str], token: Token) -> None:
        if fields.get("oauth_signature_method") != "PLAINTEXT":
            raise _refused("'Signature method not supported'")
        if fields.get("oauth_signature") != f"&{token.token_secret}":
            raise _refused(f"'Invalid signature. Expected signature base string: &{token.token_secret}'")

    def _check_nonce(self, fields: dict[str, str], key: str, token: str) -> None:
        nonce = fields.get("oauth_nonce", "")
        seen = (key, token, nonce)
        if seen in self._nonces:
            raise _refused(f"'Nonce already used: {nonce}'")
        now = self._clock()
        self._nonces[seen] = now
        if len(self._nonces) > 50_000:
            # older ones are refused by their timestamp already
            self._nonces = {k: t for k, t in self._nonces.items() if now - t < 2 * THRESHOLD}


def _refused(text: str) -> Refusal:
    return Refusal(
        Answer(401, HTML, f"Authorization Error: {text}".encode(), {"WWW-Authenticate": 'OAuth realm="OAuth"'})
    )
