"""What can be done with the sources that images come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.maas.errors import MaasError
from bot.maas.images import wanted_of
from bot.maas.service import RegionService
from bot.operations.image_evidence import gather
from bot.operations.image_import import Import
from bot.operations.image_kind import ImageKind
from bot.operations.image_steps import Keep, NoSource, Source
from bot.operations.image_words import listing
from bot.operations.plan import LeftOut, Plan
from bot.operations.steps import OperationStep
from bot.policy import Risk


class SettingSource(ImageKind):
    """The kinds `images-source-add` and `images-source-reset`; options: `url`, `keyring`, `packaging`, `source`."""

    verb, participle, past = "Set", "Setting", "Set"

    def __init__(self, name: str) -> None:
        self.name = name

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """A new source has nothing selected yet; the one that is reset is imported from."""
        del options
        return (Source(),) if self.name == "images-source-add" else (Source(), Keep(), Import(anew=True))

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Say what was there before."""
        evidence = await gather(region, from_host=False)
        seen = {one.source.id: one.source for one in evidence.sources or ()}
        before = seen.get(options.get("source") or 0)
        warnings = []
        if before is not None:
            keyring = before.keyring_filename or "a keyring of its own"
            warnings.append(f"Now it is {before.url}, checked with {keyring}. What is selected of it stays selected.")
        if self.name == "images-source-add":
            warnings.append("Nothing is imported from it until something is selected: /maas images add OS/RELEASE.")
        warnings += await _as_its_host_sees_it(region, options["url"], options.get("keyring") or "")
        options, only = {**options}, {"source", "import"}
        if self.name == "images-source-reset" and not seen:
            options.setdefault("keep", [[one.os, one.release, one.arch] for one in evidence.doomed])
            only |= {"keep"} if options["keep"] else set()
        title = "Reset the source of images" if self.name == "images-source-reset" else "Add a source of images"
        plan = self._plan(region, options, title, subject="the source of images", only=only, warnings=tuple(warnings))
        url, keyring = options["url"], options.get("keyring") or "the keyring as it is, or as MAAS sets it"
        source = next(one for one in plan.targets if one.key == "source")
        named = replace(source, state=f"{url}", facts={"checked with": keyring})
        return replace(plan, targets=tuple(named if one is source else one for one in plan.targets))


async def _as_its_host_sees_it(region: RegionService, url: str, keyring: str) -> list[str]:
    """What stands against a mirror there; MAAS itself takes any URL, and tells of a wrong one at an import at most."""
    if region.mirror is None:
        return []
    try:
        found = await region.mirror.look_at_mirror(url, keyring)
    except MaasError:
        return []
    bad = found.unreachable or (found.index if found.index is not None and not found.index.good else None)
    return [f"The region's host finds no mirror at {url}: {bad.seen}."] if bad is not None else []


class RemovingSource(ImageKind):
    """The kind `images-source-remove`. Its option is `source`."""

    name = "images-source-remove"
    verb, participle, past = "Remove", "Removing", "Removed"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """One. Its images stay until the next import."""
        del options
        return (NoSource(),)

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Say what is selected of it, and what the next import deletes."""
        evidence = await gather(region, from_host=False)
        seen = next((one for one in evidence.sources or () if one.source.id == options["source"]), None)
        subject = f"source {options['source']} of images"
        plan = self._plan(region, options, "Remove a source of images", risk=Risk.DESTRUCTIVE, subject=subject)
        if seen is None:
            reason = "it is not there; /maas images sources lists them"
            return replace(plan, targets=(), left_out=(LeftOut(f"Source {options['source']}", reason),))
        names = [one.name for one in wanted_of(seen.selections)]
        losses = [f"{seen.source.url}, with what is selected of it: {listing(names, 8) or 'nothing'}."]
        if names:
            losses.append("The next import deletes these images. MAAS imports by itself every hour.")
        warnings = []
        if ("ubuntu", evidence.commissioning) in {(one.os, one.release) for one in names}:
            warnings.append(f"ubuntu/{evidence.commissioning}, which machines boot to be commissioned, is among them.")
        target = replace(plan.targets[0], state="will be deleted", facts={"url": seen.source.url})
        return replace(plan, targets=(target,), losses=tuple(losses), warnings=tuple(warnings))
