"""What came beside the words of a command: the fields of a sheet, a block of code, an attached file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import SecretStr


class UnreadableError(Exception):
    """An attached file can't be used. Says why, in a sentence."""


@dataclass(frozen=True, slots=True)
class SharedFile:
    """A file that people shared, by its id: too long to be read at once. `size` is in bytes, as Slack says."""

    id: str
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Beside:
    """Nothing of it is stored, logged or shown as it is: it may hold passwords.

    Attributes:
        filled: what was filled in on a sheet, by the names of its fields.
        block: the text between ``` and ```.
        file: reads the file that was attached; it raises UnreadableError. None where there is none.
        earlier: reads the newest file with this ending in the thread where the words were said, None when there is
            none; it raises UnreadableError. None outside of threads.
        shared: finds the file that was attached, or else the newest in the thread with one of these endings, without
            reading it; None when there is none; it raises UnreadableError. None where there can be none.
    """

    filled: Mapping[str, SecretStr] = field(default_factory=dict)
    block: SecretStr | None = None
    file: Callable[[], Awaitable[SecretStr]] | None = None
    earlier: Callable[[str], Awaitable[SecretStr | None]] | None = None
    shared: Callable[[Sequence[str]], Awaitable[SharedFile | None]] | None = None

    async def text(self, name: str) -> SecretStr | None:
        """The long text that is meant: what was filled in under `name`, the block, or the file. None: there is none.

        Raises:
            UnreadableError: the file can't be used.
        """
        if name in self.filled:
            return self.filled[name]
        if self.block is not None:
            return self.block
        return await self.file() if self.file is not None else None
