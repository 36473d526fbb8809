"""Uploading an image of one's own: read from the region's host or the chat, handed to MAAS part by part."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bot.maas.image_calls import upload_place
from bot.maas.images import ImageName, image_name
from bot.maas.models_region import BootResource
from bot.maas.service import RegionService
from bot.operations.image_kind import ImageKind
from bot.operations.image_words import percent, size
from bot.operations.plan import LeftOut, Plan
from bot.operations.steps import OperationStep, StepAgainError, StepContext, StepFailedError

#: Bytes of one part: small enough for a slow way to the region within a call's time-out.
PART = 4 * 1024 * 1024
#: Bytes that are taken: beyond that, MAAS's own command line on the host is the better way.
LARGEST = 8 * 1024**3
#: Bytes of a file that was shared: more than this Slack takes from nobody.
LARGEST_SHARED = 1000**3
#: What files begin with, by the end of the type that they are given as; what is not packed begins with anything.
_PACKED = (
    (("gz",), b"\x1f\x8b", "gzip"),
    (("tbz", "bz", "bz2"), b"BZh", "bzip2"),
    (("xz",), b"\xfd7zXZ\x00", "xz"),
)
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)


class Upload(OperationStep):
    """An image with this content is there, complete. A half one of an earlier try is deleted and begun anew."""

    key, title = "upload", "Image"
    can_stop = True

    async def check(self, context: StepContext) -> str | None:
        """MAAS has it, with the checksum that was given. Without one only the file itself tells: `apply` reads it."""
        wanted = str(context.options.get("sha256") or "")
        return _complete_with(wanted, await self._resources(context)) if wanted else None

    async def apply(self, context: StepContext) -> None:
        """Measure it, announce it, send it; unless MAAS has it, from a try whose end was not seen."""
        checksum, length = await self._measure(context)
        resources = await self._resources(context)
        for resource in resources:
            if not resource.complete:
                await context.region.api.delete_boot_resource(resource.id)
        if _complete_with(checksum, resources) is not None:
            return
        options = context.options
        created = await context.region.api.create_upload(
            f"custom/{options['name']}",
            f"{options['arch']}/generic",
            filetype=str(options["filetype"]),
            sha256=checksum,
            size=length,
            title=str(options.get("title") or ""),
        )
        await self._send(context, upload_place(created), length)

    async def verify(self, context: StepContext) -> str:
        """Its newest version is complete, by looking. Raises StepFailedError."""
        resources = sorted(await self._resources(context), key=lambda one: one.id)
        newest = resources[-1].newest if resources else None
        if newest is None or not newest.complete:
            raise StepFailedError(
                "MAAS took every part, and the image is not complete: the checksum does not fit.",
                "Look at the file and its checksum, then upload it again.",
            )
        return f"complete, {size(newest.size)}"

    async def _measure(self, context: StepContext) -> tuple[str, int]:
        """Checksum and length: MAAS wants both before the first byte, so the file is read twice."""
        digest, length = hashlib.sha256(), 0
        largest = LARGEST_SHARED if context.options.get("file") else LARGEST
        async with _opened(context) as parts:
            async for part in parts:
                if not length:
                    _check_kind(part, context.options)
                digest.update(part)
                length += len(part)
                if length > largest:
                    raise StepFailedError(
                        f"The file is longer than {size(largest)}.", "Upload it on the host: maas ADMIN boot-resources."
                    )
                context.note(f"Measured {size(length)}")
                context.stop_if_cancelled("Nothing was uploaded.")
        found, wanted = digest.hexdigest(), str(context.options.get("sha256") or "")
        if not length:
            raise StepFailedError("The file is empty.", "Look at where it comes from.")
        if wanted and found != wanted:
            raise StepFailedError(
                f"The file's checksum is {found}, and not the one that was given.", "Nothing was uploaded."
            )
        return found, length

    async def _send(self, context: StepContext, place: str, length: int) -> None:
        sent = 0
        async with _opened(context) as parts:
            async for part in parts:
                await context.region.api.upload_part(place, part)
                sent += len(part)
                context.note(f"Sent {percent(100 * sent / length)} of {size(length)}")
                context.stop_if_cancelled("A half image is left in MAAS; /maas images remove takes it away.")

    @staticmethod
    async def _resources(context: StepContext) -> list[BootResource]:
        name = ImageName("custom", str(context.options["name"]), str(context.options["arch"]))
        found = []
        for listed in await context.region.api.boot_resources():
            if listed.type.lower() == "uploaded" and image_name(listed) == name:
                whole = await context.region.api.boot_resource_if_there(listed.id)
                found += [whole] if whole is not None else []
        return found


def _complete_with(checksum: str, resources: Sequence[BootResource]) -> str | None:
    """How a complete version with this checksum is, in words; None where there is none."""
    for one in (one for resource in resources for one in resource.sets.values()):
        if one.complete and any(file.sha256 == checksum for file in one.files.values()):
            return f"complete, {size(one.size)}"
    return None


def _check_kind(begin: bytes, options: Mapping[str, Any]) -> None:
    """MAAS takes anything, and a machine finds out in the middle of its deployment. Raises StepFailedError."""
    kind = str(options["filetype"])
    for ends, magic, packed in _PACKED:
        if kind.endswith(ends) and not begin.startswith(magic):
            what = "It is a web page" if begin.lstrip()[:1] == b"<" else f"It is not packed with {packed}"
            raise StepFailedError(f"{what}, and {kind} is. Nothing was uploaded.", "Look at the file and its --type.")


@asynccontextmanager
async def _opened(context: StepContext) -> AsyncIterator[AsyncIterator[bytes]]:
    """The file in parts. Raises StepFailedError where it is refused, StepAgainError where its place is away."""
    if context.options.get("file"):
        assert context.shared is not None, "nothing reads shared files here"
        async with context.shared.opened(context.options["file"], context.options["file_name"]) as stream:
            yield _parts(stream)
        return
    url = str(context.options["url"])
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise StepFailedError(f"{url} answers {response.status}.", "Correct the address, then ask again.")
            if "text/html" in response.content_type:
                raise StepFailedError(f"{url} is a web page, and no image.", "Correct the address, then ask again.")
            yield _parts(response.content.iter_any())
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise StepAgainError(f"{url} can't be read ({type(error).__name__}).") from None


async def _parts(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The stream in parts of full length; what arrives at once is mostly shorter."""
    kept = bytearray()
    async for some in stream:
        kept += some
        while len(kept) >= PART:
            yield bytes(kept[:PART])
            del kept[:PART]
    if kept:
        yield bytes(kept)


class UploadingImage(ImageKind):
    """The kind `images-upload`; options: `name`, `arch`, `url`, `filetype`, `title`, `sha256`; and instead of an
    `url`, a shared `file`'s id with its `file_name`.
    """

    name = "images-upload"
    verb, participle, past = "Upload", "Uploading", "Uploaded"
    patience = 300.0

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """One."""
        del options
        return (Upload(),)

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Say what is there under that name."""
        name = ImageName("custom", options["name"], options["arch"])
        plan = self._plan(region, options, f"Upload {name}", subject=str(name))
        there = [one for one in await region.api.boot_resources() if image_name(one) == name]
        warnings = [f"There is a {name} already: MAAS adds this one as its newest version."] if there else []
        if not options.get("file") and not on_the_host(region, options["url"]):
            reason = f"{options['url']} is not on the region's host; put the file there first"
            return replace(plan, targets=(), left_out=(LeftOut(str(name), reason),))
        source = options.get("file_name") or options["url"]
        target = replace(plan.targets[0], facts={"from": source, "as": options["filetype"]})
        steps = ("The bot reads the file twice: for its checksum, and to hand it to MAAS in parts of 4 MiB.",)
        return replace(plan, targets=(target,), warnings=tuple(warnings), steps=steps)


def on_the_host(region: RegionService, url: str) -> bool:
    """Whether the file lies on the region's host: from elsewhere the bot fetches nothing at a person's word."""
    known = {urlsplit(region.url).hostname} | ({region.host.name} if region.host is not None else set())
    return urlsplit(url).hostname in known
