"""What an operation needs and must not keep where it keeps the rest: cloud-init's data, a BMC's password.

A plan, its operation and the audit are read by many and kept for long. They hold a key; what it opens is encrypted with
a key that is made of the bot's own credentials and stands nowhere on disk. It is dropped when all has ended well, and
after some days at the latest.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken
from pydantic import SecretStr

from bot.maas.errors import MaasError
from bot.storage import Database
from bot.tables import sealed as table

#: Seconds that something stays sealed: a retry of what failed needs it again.
_LIFE = 3 * 86400.0
#: The option of an operation under which the keys are kept: by the name of what they open.
OPTION = "sealed"


def discard(connection: sa.Connection, options: Mapping[str, Any]) -> None:
    """Drop what these options keep sealed: nobody needs it any more."""
    keys = list((options.get(OPTION) or {}).values())
    if keys:
        connection.execute(table.delete().where(table.c.key.in_(keys)))


class Sealed:
    """Keeps secrets of operations. Raises StorageUnavailableError when the database does not answer."""

    def __init__(self, database: Database, credential: SecretStr, clock: Callable[[], float] = time.time) -> None:
        """`credential` is a long random secret of the bot's; with another one nothing sealed before can be opened."""
        digest = hashlib.sha256(b"maasbot sealed 1\0" + credential.get_secret_value().encode()).digest()
        self._box = Fernet(base64.urlsafe_b64encode(digest))
        self._database = database
        self._clock = clock

    async def seal(self, secret: SecretStr) -> str:
        """Keep it, and return the key that opens it."""
        key = secrets.token_urlsafe(12)
        row = {"key": key, "box": self._box.encrypt(secret.get_secret_value().encode()).decode()}
        now = self._clock()

        def write(connection: sa.Connection) -> None:
            connection.execute(table.delete().where(table.c.sealed_at < now - _LIFE))
            connection.execute(table.insert().values(**row, sealed_at=now))

        await self._database.run(write)
        return key

    async def read(self, key: str, max_age: float) -> SecretStr | None:
        """What was sealed at most `max_age` seconds ago; None: nothing, or the bot's credentials have changed since."""
        young = table.c.sealed_at >= self._clock() - max_age
        query = sa.select(table.c.box).where(table.c.key == key, young)
        box = await self._database.run(lambda connection: connection.execute(query).scalar_one_or_none())
        return self._decrypted(box)

    async def drop(self, key: str) -> bool:
        """Keep it no longer. True for one caller only, at however many bots it is tried."""
        query = table.delete().where(table.c.key == key)
        return bool(await self._database.run(lambda connection: connection.execute(query).rowcount))

    async def opened(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options of an operation with what is sealed opened under its own name, as SecretStr.

        Raises:
            MaasError: it is not there any more, or the bot's credentials have changed since.
        """
        keys: Mapping[str, str] = options.get(OPTION) or {}
        return {**options, **{name: await self._open(name, key) for name, key in keys.items()}}

    async def again(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options for another operation with the same secrets: under keys of its own, since each drops its own.

        Raises:
            MaasError: one is not there any more.
        """
        keys: Mapping[str, str] = options.get(OPTION) or {}
        if not keys:
            return dict(options)
        return {**options, OPTION: {name: await self.seal(await self._open(name, key)) for name, key in keys.items()}}

    async def _open(self, name: str, key: str) -> SecretStr:
        query = sa.select(table.c.box).where(table.c.key == key)
        box = await self._database.run(lambda connection: connection.execute(query).scalar_one_or_none())
        secret = self._decrypted(box)
        if secret is not None:
            return secret
        problem = f"What was given with it ({name.replace('_', ' ')}) can't be read any more."
        why = "It is kept for three days, and only as long as the bot's Slack token stays the same"
        raise MaasError(problem, f"{why}: ask again, and give it anew.")

    def _decrypted(self, box: str | None) -> SecretStr | None:
        try:
            return SecretStr(self._box.decrypt(box.encode()).decode()) if box is not None else None
        except InvalidToken:
            return None
