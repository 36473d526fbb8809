"""Images of one's own."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.message import Code, say
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
    url: str,
    /,
    *,
    arch: str = "amd64",
    type: FileType | None = None,  # noqa: A002 - the word that people type
    title: str = "",
    sha256: str = "",
) -> Plan:
    """Upload an image of your own from a web address on the region's host, up to 8 GB. Deploy it as custom/NAME.

    Args:
        arch: the architecture that it is for
        type: what the file is, where its name does not tell (MAAS's own words: ddgz is a compressed disk image)
        title: what MAAS's pages call it
        sha256: its checksum, which is then checked before anything is uploaded
    """
    name = name.lower().removeprefix("custom/")
    if not _NAME.fullmatch(name):
        raise RefusalError(say(Code(name), " is no name for an image: small letters, digits, dots and dashes."))
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise RefusalError(say(Code(url), " is no web address."))
    if parts.username or parts.password:
        raise RefusalError(say("An address with a password in it would be shown to everybody. Leave it out."))
    kind = type or next((kind for ending, kind in _ENDINGS if parts.path.lower().endswith(ending)), None)
    if kind is None:
        raise RefusalError(say("The name of the file does not tell what it is. Add ", Code("--type tgz"), "."))
    if sha256 and not _SUM.fullmatch(sha256.lower()):
        raise RefusalError(say(Code("--sha256"), " takes the 64 digits of a checksum."))
    options = {"name": name, "arch": arch.lower(), "url": url, "filetype": kind, "title": title}
    return await plan_for(ctx, "images-upload", {**options, "sha256": sha256.lower()}, "uploaded")
