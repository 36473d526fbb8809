"""What people send beside the words of a message: a block of code, or a file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import SecretStr

from bot.command.beside import Beside, SharedFile, UnreadableError
from bot.command.cleanup import as_typed
from bot.slack.outbound import Outbound, SlackError

_BLOCK = re.compile(r"```(.*?)```", re.DOTALL)
#: Longest file that is read, in bytes: cloud-init's data is a few thousand.
_MOST = 256 * 1024


def split_off(text: str) -> tuple[str, SecretStr | None]:
    """The words of a message, and the text of its first block of code, as it was typed."""
    found = _BLOCK.search(text)
    if found is None:
        return text, None
    block = as_typed(found[1]).strip("\n")
    return f"{text[: found.start()]} {text[found.end() :]}".strip(), SecretStr(block + "\n") if block.strip() else None


def beside(block: SecretStr | None, event: Mapping[str, Any], outbound: Outbound) -> Beside:
    """What came with a message; its file is read only when it is asked for."""
    files = [one for one in event.get("files") or [] if isinstance(one, dict)]
    channel, thread = str(event.get("channel") or ""), str(event.get("thread_ts") or "")

    async def newest(endings: Sequence[str]) -> dict[str, Any] | None:
        try:
            return await outbound.newest_file(channel, thread, tuple(endings))
        except SlackError as error:
            raise UnreadableError(f"The files of this thread can't be looked up: {error}.") from None

    async def earlier(ending: str) -> SecretStr | None:
        found = await newest([ending])
        return await _read(found, outbound) if found is not None else None

    def only() -> dict[str, Any]:
        if len(files) > 1:
            raise UnreadableError(f"{len(files)} files came with the message, and I can't tell which one is meant.")
        return files[0]

    async def read() -> SecretStr:
        return await _read(only(), outbound)

    async def shared(endings: Sequence[str]) -> SharedFile | None:
        found = only() if files else await newest(endings) if thread else None
        if found is None:
            return None
        return SharedFile(str(found.get("id") or ""), str(found.get("name") or "the file"), int(found.get("size") or 0))

    if files:
        return Beside(block=block, file=read, shared=shared)
    return Beside(block=block, earlier=earlier if thread else None, shared=shared)


async def _read(file: Mapping[str, Any], outbound: Outbound) -> SecretStr:
    name = str(file.get("name") or "the file")
    url = str(file.get("url_private_download") or file.get("url_private") or "")
    if not url:
        raise UnreadableError(f"{name} can't be read: Slack gives no address for it.")
    if int(file.get("size") or 0) > _MOST:
        raise UnreadableError(f"{name} is too long: I read at most {_MOST // 1024} KiB.")
    try:
        content = await outbound.read_file(url, _MOST)
    except SlackError as error:
        raise UnreadableError(f"{name} can't be read: {error.reason} ({error.code}).") from None
    try:
        return SecretStr(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise UnreadableError(f"{name} is no text in UTF-8.") from None
