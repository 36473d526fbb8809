"""Images of one's own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from bot.command.beside import SharedFile, UnreadableError
from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.message import Code, say
from bot.operations.image_upload import LARGEST_SHARED
from bot.operations.image_words import size
from bot.operations.plan import Plan
from bot.policy import Risk
from commands.planning import plan_for

FileType = Literal[
    "tgz", "tbz", "txz", "ddtgz", "ddtbz", "ddtxz", "ddtar", "ddbz2", "ddgz", "ddxz", "ddraw"
]  # fmt: skip
_ENDINGS: tuple[tuple[str, FileType], ...] = (
    (".tar.gz", "tgz"), (".tgz", "tgz"), (".tar.bz2", "tbz"), (".tbz", "tbz"), (".tar.xz", "txz"), (".txz", "txz"),
    (".gz", "ddgz"), (".bz2", "ddbz2"), (".xz", "ddxz"), (".img", "ddraw"), (".raw", "ddraw"), (".dd", "ddraw"),
)  # fmt: skip
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_SUM = re.compile(r"[0-9a-f]{64}")


@command("images upload", risk=Risk.CHANGE, example="/maas images upload golden http://HOST/golden.tgz")
async def images_upload(
    ctx: Context,
    name: str,
    url: str = "",
    /,
    *,
    arch: str = "amd64",
    type: FileType | None = None,  # noqa: A002 - the word that people type
    title: str = "",
    sha256: str = "",
) -> Plan:
    """Upload an image of your own, to deploy it as custom/NAME: a file that you share, or one on the region's host.

    A web address on the region's host may lead to 8 GB. Without an address it is the file that came with the mention,
    or the newest one of the thread; Slack takes files up to 1 GB.

    Args:
        arch: the architecture that it is for
        type: what the file is, where its name does not tell (MAAS's own words: ddgz is a compressed disk image)
        title: what MAAS's pages call it
        sha256: its checksum, which is then checked before anything is uploaded
    """
    name = name.lower().removeprefix("custom/")
    if not _NAME.fullmatch(name):
        raise RefusalError(say(Code(name), " is no name for an image: small letters, digits, dots and dashes."))
    source = _address(url) if url else await _shared(ctx)
    kind = type or next((kind for ending, kind in _ENDINGS if source.path.lower().endswith(ending)), None)
    if kind is None:
        raise RefusalError(
            say("The name ", Code(source.path.rpartition("/")[2] or url), " does not tell what it is; images end in ",
                "tgz, gz, xz, bz2, img or raw. Add for example ", Code("--type tgz"), " if it is one all the same.")
        )  # fmt: skip
    if sha256 and not _SUM.fullmatch(sha256.lower()):
        raise RefusalError(say(Code("--sha256"), " takes the 64 digits of a checksum."))
    options = {"name": name, "arch": arch.lower(), "url": url, "filetype": kind, "title": title}
    options |= {"sha256": sha256.lower(), "file": source.file_id, "file_name": source.path if source.file_id else ""}
    return await plan_for(ctx, "images-upload", options, "uploaded")


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the file is: the path of its address, or the name under which it was shared, with its id."""

    path: str
    file_id: str = ""


def _address(url: str) -> _Source:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise RefusalError(say(Code(url), " is no web address. Write it like ", Code("http://HOST/golden.tgz"), "."))
    if parts.username or parts.password:
        raise RefusalError(say("An address with a password in it would be shown to everybody. Leave it out."))
    return _Source(parts.path)


async def _shared(ctx: Context) -> _Source:
    """The file that is meant where no address was given."""
    found: SharedFile | None = None
    if ctx.given.shared is not None:
        try:
            found = await ctx.given.shared([ending for ending, _ in _ENDINGS])
        except UnreadableError as error:
            raise RefusalError(say(str(error))) from None
    if found is None:
        raise RefusalError(
            say("There is no image to upload. Mention me with the file attached, or in the thread that has it, ",
                "or give its web address on the region's host. A slash command takes no files.")
        )  # fmt: skip
    if found.size > LARGEST_SHARED:
        raise RefusalError(
            say(f"{found.name} is {size(found.size)}; I take up to {size(LARGEST_SHARED)} from Slack. ",
                "Put it on the region's host and give its web address: there it may be 8 GB.")
        )  # fmt: skip
    if not found.size:
        raise RefusalError(say(f"{found.name} is empty."))
    return _Source(found.name, found.id)
