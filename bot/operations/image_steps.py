"""The steps that change what is wanted of images, and where they come from; the one that imports is image_import."""

from __future__ import annotations

import time

from bot.maas.errors import BadRequest
from bot.maas.image_defaults import DEFAULT_URL, Packaging, default_keyring
from bot.maas.images import ImageName, images_of, wanted_of
from bot.maas.models_images import BootSource, Selection
from bot.operations.image_evidence import NOTICE
from bot.operations.image_import import order
from bot.operations.image_readiness import unready
from bot.operations.image_words import listing
from bot.operations.releases import meant
from bot.operations.steps import OperationStep, StepContext, StepFailedError

#: Seconds that MAAS gets to read a source's index before a refusal counts as one.
_INDEX = 60


class Source(OperationStep):
    """The source with this URL and keyring is there."""

    key, title = "source", "Source"
    patience = 60.0

    async def check(self, context: StepContext) -> str | None:
        """It is there, with this keyring."""
        found = await _source(context)
        keyring = _keyring(context)
        same = found is not None and found.url == _url(context) and keyring in {"", found.keyring_filename}
        return f"{found.url}, checked with {keyring or found.keyring_filename}" if found is not None and same else None

    async def apply(self, context: StepContext) -> None:
        """Make it, or change the one that was named: its selections stay then."""
        found, keyring = await _source(context), _keyring(context)
        if found is not None:
            keyring = keyring or found.keyring_filename
            await context.region.api.update_boot_source(found.id, url=_url(context), keyring_filename=keyring)
        elif keyring:
            await context.region.api.create_boot_source(_url(context), keyring_filename=keyring)
        else:
            # With no source at all an import makes MAAS's own one, with the keyring that fits its installation.
            await order(context)


class NoSource(OperationStep):
    """The source is not there."""

    key, title = "source", "Source"

    async def check(self, context: StepContext) -> str | None:
        """It is not in the list."""
        return None if await _source(context) is not None else "deleted, with what was selected of it"

    async def apply(self, context: StepContext) -> None:
        """Delete it."""
        await context.region.api.delete_boot_source(int(context.options["source"]))


class Select(OperationStep):
    """An image is selected."""

    key, title = "select", "Selection"
    can_stop = True

    async def check(self, context: StepContext) -> str | None:
        """Some source's selection has it."""
        return "selected" if await _is_selected(context, _name(context)) else None

    async def apply(self, context: StepContext) -> None:
        """Select it; where MAAS refuses because it has not read the source's index yet, wait for that."""
        await select(context, _name(context))


class Keep(OperationStep):
    """What is there stays selected: a source that is made anew has nothing selected, and an import deletes the rest."""

    key, title = "keep", "Selections"
    can_stop = True

    async def check(self, context: StepContext) -> str | None:
        """All of them are selected."""
        names = [ImageName(*one) for one in context.options.get("keep") or ()]
        return None if [one for one in names if not await _is_selected(context, one)] else f"{len(names)} selected"

    async def apply(self, context: StepContext) -> None:
        """Select each."""
        for one in context.options["keep"]:
            name = ImageName(*one)
            if not await _is_selected(context, name):
                context.note(f"Selecting {name}")
                await select(context, name)


class Deselect(OperationStep):
    """An image is not selected."""

    key, title = "deselect", "Selection"

    async def check(self, context: StepContext) -> str | None:
        """No source's selection has it."""
        return None if await _selections_with(context, _name(context)) else "no longer selected"

    async def apply(self, context: StepContext) -> None:
        """Take it out of every selection."""
        name = _name(context)
        for chosen in await _selections_with(context, name):
            rest = [arch for arch in chosen.arches if arch != name.arch]
            if rest:
                await context.region.api.update_selection(chosen, rest)
            else:
                await context.region.api.delete_selection(chosen.boot_source_id, chosen.id)


class Delete(OperationStep):
    """The resources of an image are not there."""

    key, title = "delete", "Image"

    async def check(self, context: StepContext) -> str | None:
        """MAAS lists none of them."""
        return None if await self._ids(context) else "deleted"

    async def apply(self, context: StepContext) -> None:
        """Delete each."""
        for number in await self._ids(context):
            await context.region.api.delete_boot_resource(number)

    async def _ids(self, context: StepContext) -> list[int]:
        state = await context.region.imports.look()
        name = _name(context)
        return [part.id for one in images_of(state.images.resources) if one.name == name for part in one.resources]


class Ready(OperationStep):
    """What machines boot is there, in the region and on the racks."""

    key, title = "ready", "Ready for PXE"
    look_every = 5.0
    patience = 900.0
    can_stop = True

    async def check(self, context: StepContext) -> str | None:
        """The image that machines are commissioned with can be booted."""
        needed = await _booted(context)
        lacking = await unready(context.region, needed)
        if lacking:
            context.note(f"{lacking[0]}.")
            return None
        return f"{listing(needed)} can be booted" if needed else "MAAS has no commissioning release yet"

    async def apply(self, context: StepContext) -> None:
        """Let the racks fetch what the region has."""
        if not any(one.connected for one in await context.region.api.racks()):
            raise StepFailedError("No rack controller is connected: nothing can boot.", "Start one; see /maas status.")
        await context.region.api.start_rack_import()

    def overdue(self) -> str:
        """The racks did not fetch it."""
        return "The images are in the region, and the rack controllers have not fetched them within 15 minutes."


async def select(context: StepContext, name: ImageName) -> None:
    """Select an image. A source whose index MAAS has not read yet refuses every selection: that is waited for.

    Raises:
        StepFailedError: MAAS knows no such image of the source.
        MaasError: anything else.
    """
    source_id = await _source_to_select_from(context)
    for second in range(_INDEX):
        try:
            chosen = await _selection(context, name)
            if chosen is not None:
                await context.region.api.update_selection(chosen, [*chosen.arches, name.arch])
            else:
                await context.region.api.create_selection(source_id, name.os, name.release, [name.arch])
            return
        except BadRequest as error:
            refusal = error
        if "no available images" not in refusal.problem.lower():
            raise refusal
        if second >= 2 and not await _is_young(context, source_id):
            break
        context.note("MAAS refuses it: it may not have read the source's index yet. Trying again.")
        context.stop_if_cancelled()
        await context.sleep(1.0)
    releases = [one.release for one in await context.region.imports.wanted() if one.os == name.os]
    notices = [one.text for one in await context.region.api.notifications() if one.ident == NOTICE]
    raise StepFailedError(
        " ".join([f"MAAS knows no {name} of this source: {refusal.problem}", *notices]),
        f"{meant(name.os, name.release, releases)} Check the architecture too; what a mirror has, its web page lists.",
    )


# -- what steps are told -----------------------------------------------------------------------------------------------


def _name(context: StepContext) -> ImageName:
    return ImageName(*context.options["image"])


def _url(context: StepContext) -> str:
    return str(context.options.get("url") or DEFAULT_URL)


def _keyring(context: StepContext) -> str:
    """The keyring to be set, "" where it is to stay as it is or as MAAS makes it."""
    packaging = context.options.get("packaging")
    default = default_keyring(Packaging(packaging)) if packaging else ""
    return str(context.options.get("keyring") or default)


async def _source(context: StepContext) -> BootSource | None:
    """The source that is meant: by its number, or by its URL, or for MAAS's own one the only one there is."""
    sources = await context.region.api.boot_sources()
    number = context.options.get("source")
    if number:
        return next((one for one in sources if one.id == number), None)
    return next((one for one in sources if one.url == _url(context)), None)


async def _booted(context: StepContext) -> list[ImageName]:
    """The images of the release that machines are commissioned with, for every architecture that is selected."""
    release = await context.region.imports.setting("commissioning_distro_series")
    chosen = wanted_of(await context.region.imports.wanted())
    arches = {one.name.arch for one in chosen if (one.name.os, one.name.release) == ("ubuntu", release)}
    return [ImageName("ubuntu", release, arch) for arch in sorted(arches - {"*"}) or ["amd64"]] if release else []


async def _is_selected(context: StepContext, name: ImageName) -> bool:
    chosen = await _selection(context, name)
    return chosen is not None and bool({name.arch, "*"} & set(chosen.arches))


async def _selection(context: StepContext, name: ImageName) -> Selection | None:
    chosen = await context.region.imports.wanted()
    return next((one for one in chosen if (one.os, one.release) == (name.os, name.release)), None)


async def _selections_with(context: StepContext, name: ImageName) -> list[Selection]:
    chosen = await context.region.imports.wanted()
    return [
        one for one in chosen if (one.os, one.release) == (name.os, name.release) and {name.arch, "*"} & set(one.arches)
    ]


async def _source_to_select_from(context: StepContext) -> int:
    sources = await context.region.api.boot_sources()
    number = context.options.get("source")
    found = next((one for one in sources if number in {None, 0, one.id}), None)
    if found is None:
        raise StepFailedError("The source is not there.", "/maas images sources lists them.")
    return found.id


async def _is_young(context: StepContext, source_id: int) -> bool:
    """Whether the source was made or changed a moment ago, which the region says by its own clock."""
    sources = {one.id: one for one in await context.region.api.boot_sources()}
    changed = sources[source_id].changed_at if source_id in sources else None
    return changed is not None and time.time() - changed.timestamp() < 3 * _INDEX
