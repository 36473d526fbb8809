"""The sources that images come from."""

from __future__ import annotations

from urllib.parse import urlsplit

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.maas.errors import MaasError
from bot.maas.image_defaults import DEFAULT_URL, Packaging, default_keyring, is_default_url, packaging_of
from bot.maas.models_images import BootSource, Selection
from bot.message import Bold, Bullets, Code, Message, Note, Paragraph, Part, Span, Text, say
from bot.operations.plan import Plan
from bot.policy import Risk
from commands.planning import plan_for


@command("images sources", risk=Risk.READ, example="/maas images sources")
async def images_sources(ctx: Context) -> Message:
    """List the sources that images come from: URL, keyring, and what is selected of each."""
    sources = await ctx.region.api.boot_sources()
    if not sources:
        return say(
            "MAAS has no source of images: nothing can be imported. ",
            Code("/maas images source reset"),
            " restores its own.",
        )
    parts: list[Part] = []
    for one in sources:
        own = " (MAAS's own mirror)" if is_default_url(one.url) else ""
        parts.append(Paragraph([Bold(f"Source {one.id}"), "  ", Code(one.url), own]))
        chosen = [_selection(each) for each in await ctx.region.api.selections(one.id)]
        keyring = one.keyring_filename or ("a keyring that was uploaded" if one.keyring_data else "no keyring")
        parts.append(Bullets([["Checked with ", keyring], *(chosen or [["Nothing is selected of it"]])]))
    parts.append(
        Note(
            [
                Code("/maas images add OS/RELEASE ARCH"),
                " selects, ",
                Code("/maas images source reset"),
                " restores MAAS's own.",
            ]
        )
    )
    count = "1 source" if len(sources) == 1 else f"{len(sources)} sources"
    return Message(f"Images come from {count}: {', '.join(one.url for one in sources)}.", tuple(parts))


@command(
    "images source add",
    risk=Risk.CHANGE,
    example="/maas images source add http://mirror.lan/maas/ --keyring /etc/mirror.gpg",
)
async def images_source_add(ctx: Context, url: str, /, *, keyring: str = "") -> Plan:
    """Add a mirror to load images from. Select something of it afterwards with `images add`.

    Args:
        keyring: the file on the region's host that holds the key which the mirror's index is signed with
    """
    url = _checked_url(url)
    sources = await ctx.region.api.boot_sources()
    if any(one.url == url for one in sources):
        raise RefusalError(say(Code(url), " is a source already."))
    if not keyring:
        raise RefusalError(
            say("MAAS checks a mirror's index with a key. Add ", Code("--keyring /PATH/ON/THE/REGION.gpg"), ".")
        )
    options = {"url": url, "keyring": _checked_path(keyring), "packaging": "", "source": None}
    return await plan_for(ctx, "images-source-add", options, "added")


@command("images source remove", risk=Risk.DESTRUCTIVE, example="/maas images source remove 2")
async def images_source_remove(ctx: Context, source: int, /) -> Plan:
    """Delete a source with all that is selected of it. Its images go with the next import."""
    return await plan_for(ctx, "images-source-remove", {"source": source}, "removed")


@command("images source reset", risk=Risk.CHANGE, example="/maas images source reset --snap")
async def images_source_reset(
    ctx: Context, source: int = 0, /, *, snap: bool = False, deb: bool = False, keyring: str = ""
) -> Plan:
    """Set a source's URL and keyring to MAAS's own, or make that source where there is none, and import.

    What is selected of the source stays selected.

    Args:
        snap: MAAS was installed as a snap: its keyring is inside the snap
        deb: MAAS was installed from packages
        keyring: another keyring, as a path on the region's host
    """
    if snap and deb:
        raise RefusalError(say("MAAS was installed as a snap or from packages; write one of the two."))
    sources = await ctx.region.api.boot_sources()
    meant = _meant(sources, source)
    packaging = Packaging.SNAP if snap else Packaging.DEB if deb else await _packaging(ctx, sources)
    if keyring:
        path = _checked_path(keyring)
    elif packaging is not None:
        path = default_keyring(packaging)
    elif meant is not None and meant.keyring_filename == default_keyring(Packaging.DEB):
        path = meant.keyring_filename
    elif meant is None and not await ctx.region.api.boot_resources():
        path = ""  # With no image that it could delete, MAAS makes its own source at the next import.
    else:
        raise RefusalError(
            say(
                "Was MAAS installed as a snap or from packages? Its keyring lies elsewhere. Add ",
                Code("--snap"),
                " or ",
                Code("--deb"),
                ".",
            )
        )
    taken = next((one for one in sources if one.url == DEFAULT_URL and one is not meant), None)
    if meant is not None and taken is not None:
        raise RefusalError(
            say(f"Source {taken.id} has MAAS's own URL already. Remove source {meant.id} instead, or name {taken.id}.")
        )
    options = {"url": DEFAULT_URL, "keyring": path, "packaging": "", "source": meant.id if meant is not None else None}
    return await plan_for(ctx, "images-source-reset", options, "reset")


async def _packaging(ctx: Context, sources: list[BootSource]) -> Packaging | None:
    """How MAAS was installed, as far as its sources or its host tell."""
    told = packaging_of([one.keyring_filename for one in sources])
    if told is None and ctx.region.mirror is not None:
        try:
            told = (await ctx.region.mirror.look_at_mirror(DEFAULT_URL, "")).packaging
        except MaasError:
            return None
    return told


def _meant(sources: list[BootSource], number: int) -> BootSource | None:
    """The source to be reset; None where there is none at all."""
    if number:
        found = next((one for one in sources if one.id == number), None)
        if found is None:
            raise RefusalError(say(f"There is no source {number}. ", Code("/maas images sources"), " lists them."))
        return found
    if len(sources) <= 1:
        return sources[0] if sources else None
    own = [one for one in sources if is_default_url(one.url)]
    if len(own) == 1:
        return own[0]
    spans: list[Span] = [
        f"There are {len(sources)} sources. Which one? ",
        Code(f"/maas images source reset {sources[0].id}"),
    ]
    raise RefusalError(say(*spans, "."))


def _checked_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise RefusalError(
            say(Code(url), " is no web address. Write it like ", Code("http://mirror.lan/ephemeral-v3/stable/"), ".")
        )
    if parts.username or parts.password:
        raise RefusalError(say("An address with a password in it would be shown to everybody. Leave it out."))
    return url if url.endswith(("/", ".json", ".sjson")) else f"{url}/"


def _checked_path(path: str) -> str:
    if not path.startswith("/") or ".." in path.split("/"):
        raise RefusalError(
            say(
                Code(path),
                " is no path on the region's host. Write it from the root, like ",
                Code("/etc/mirror.gpg"),
                ".",
            )
        )
    return path


def _selection(one: Selection) -> Text:
    return [Code(f"{one.os}/{one.release}"), f" {', '.join(one.arches)}"]
