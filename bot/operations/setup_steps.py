"""The steps of a set-up that are its own: package archives, and the releases that images are imported of."""

from __future__ import annotations

import time
from collections.abc import Sequence

from bot.maas.errors import BadRequest
from bot.maas.models_images import Selection
from bot.maas.region import Region
from bot.operations.releases import UBUNTU, meant
from bot.operations.steps import OperationStep, StepContext, StepFailedError

ARCHIVES = {"main_archive": "Ubuntu archive", "ports_archive": "Archive of extra architectures"}
#: Seconds that MAAS gets to read a source's index before its refusal counts as one (facts: a second or two).
_INDEX = 30.0


class Archive(OperationStep):
    """A package archive with this address."""

    look_every, patience = 1.0, 20.0

    def __init__(self, name: str, url: str) -> None:
        self._name = name
        self._url = url
        self.key = name
        self.title = ARCHIVES[name]

    async def check(self, context: StepContext) -> str | None:
        """MAAS has that address."""
        return self._url if await archive_url(context.region.api, self._name) == self._url else None

    async def apply(self, context: StepContext) -> None:
        """Change the address; the rest of the archive stays."""
        found = [one for one in await context.region.api.package_repositories() if one.name == self._name]
        if not found:
            raise StepFailedError(f"MAAS has no archive called {self._name}.", "Look at its page Package repos.")
        try:
            await context.region.api.set_archive(found[0].id, self._url)
        except BadRequest as error:
            raise StepFailedError(f"MAAS does not take {self._url}: {error.problem}", "It is as it was.") from None


class SelectReleases(OperationStep):
    """Releases that are selected, each for these architectures. What is selected besides them stays."""

    key, title = "releases", "Releases"

    def __init__(self, releases: Sequence[str], architectures: Sequence[str]) -> None:
        self._releases = tuple(releases)
        self._architectures = tuple(architectures)

    async def check(self, context: StepContext) -> str | None:
        """All of them are selected."""
        selected = await selections(context.region.api)
        return None if unselected(selected, self._releases, self._architectures) else told_selections(selected)

    async def apply(self, context: StepContext) -> None:
        """Select each, in the first source, waiting where MAAS has not read that source's index yet."""
        api = context.region.api
        sources = await api.boot_sources()
        if not sources:
            raise StepFailedError(
                "MAAS has no source of images, so that nothing can be selected.",
                "/maas images source reset brings MAAS's own one back; then retry.",
            )
        for release in unselected(await selections(api), self._releases, self._architectures):
            context.stop_if_cancelled("What is selected stays selected.")
            context.note(f"selecting {release}")
            await self._select(context, sources[0].id, release)

    async def _select(self, context: StepContext, source_id: int, release: str) -> None:
        api = context.region.api
        until = time.monotonic() + _INDEX * context.pause
        while True:
            mine = [one for one in await selections(api) if (one.os, one.release) == (UBUNTU, release)]
            try:
                if mine:
                    await api.update_selection(mine[0], list(dict.fromkeys([*mine[0].arches, *self._architectures])))
                else:
                    await api.create_selection(source_id, UBUNTU, release, list(self._architectures))
                return
            except BadRequest as error:
                if "available images" not in error.problem or time.monotonic() >= until:
                    raise StepFailedError(*_refusal(release, error, await selections(api))) from None
                context.note(f"MAAS knows no images of {release} yet; it may still be reading the mirror's index")
            await context.sleep(2.0)


async def archive_url(api: Region, name: str) -> str:
    """The address of an archive; "" where there is none."""
    return next((one.url for one in await api.package_repositories() if one.name == name), "")


async def selections(api: Region) -> list[Selection]:
    """What is selected, of all sources."""
    return [one for source in await api.boot_sources() for one in await api.selections(source.id)]


def unselected(selected: Sequence[Selection], releases: Sequence[str], architectures: Sequence[str]) -> list[str]:
    """Which of these releases lack one of these architectures."""
    have: dict[str, set[str]] = {}
    for one in selected:
        if one.os == UBUNTU:
            have.setdefault(one.release, set()).update(one.arches)
    wanted = set(architectures)
    return [one for one in releases if "*" not in have.get(one, set()) and not wanted <= have.get(one, set())]


def told_selections(selected: Sequence[Selection]) -> str:
    """`focal (amd64), jammy (amd64, arm64)`."""
    told = []
    for one in selected:
        name = one.release if one.os == UBUNTU else f"{one.os}/{one.release}"
        told.append(f"{name} ({', '.join(sorted(one.arches))})")
    return ", ".join(sorted(told)) or "none"


def told_wanted(selected: Sequence[Selection], releases: Sequence[str], architectures: Sequence[str]) -> str:
    """What will be selected, in the same words: what is already, and these releases for these architectures."""
    arches = {one.release: set(one.arches) for one in selected if one.os == UBUNTU}
    for release in releases:
        if "*" not in arches.get(release, set()):
            arches.setdefault(release, set()).update(architectures)
    more = [f"{one.os}/{one.release} ({', '.join(sorted(one.arches))})" for one in selected if one.os != UBUNTU]
    return ", ".join(sorted([*(f"{name} ({', '.join(sorted(found))})" for name, found in arches.items()), *more]))


def _refusal(release: str, error: BadRequest, selected: Sequence[Selection]) -> tuple[str, str]:
    known = [one.release for one in selected if one.os == UBUNTU]
    return (
        f"MAAS does not select {release}: {error.problem}",
        f"{meant(UBUNTU, release, known)} What was selected before it stays. Correct it, then set up again.",
    )
