"""What can be done with images, each in steps: import, stop, add, remove, recover, and the sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.maas.images import ImageName, images_of, machines_on
from bot.maas.import_state import Phase
from bot.maas.service import RegionService
from bot.operations.image_cases import Case, Finding
from bot.operations.image_doctor import diagnose
from bot.operations.image_evidence import Evidence, gather
from bot.operations.image_import import Free, Import
from bot.operations.image_kind import ImageKind, deletes
from bot.operations.image_recovery import recovery
from bot.operations.image_source_kinds import RemovingSource, SettingSource
from bot.operations.image_steps import Delete, Deselect, Keep, Ready, Select, Source
from bot.operations.image_stop import Stop
from bot.operations.image_upload import UploadingImage
from bot.operations.image_words import listing, progress, size
from bot.operations.plan import LeftOut, Plan
from bot.operations.releases import UBUNTU, doubts
from bot.operations.steps import OperationStep
from bot.policy import Risk

_THE_IMPORT = "the import of images"


class ImportingImages(ImageKind):
    """The kind `images-import`. It has no options."""

    name = "images-import"
    verb, participle, past = "Import", "Importing", "Imported"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """One."""
        del options
        return (Import(anew=True),)

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Say what is missing, and whether an import runs already."""
        evidence = await gather(region, from_host=False)
        steps = _what_an_import_does(evidence)
        return self._plan(region, options, "Import images", steps=steps, losses=deletes(evidence))


class StoppingImport(ImageKind):
    """The kind `images-stop`. It has no options."""

    name = "images-stop"
    verb, participle, past = "Stop", "Stopping", "Stopped"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """One."""
        del options
        return (Stop(),)

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Say what is thrown away; nothing to do where no import runs, or where it would not hear."""
        state = await region.imports.look()
        half = [one for one in images_of(state.images.resources) if not one.complete and not one.uploaded]
        losses = tuple(f"{one.name}: {size(one.done)} that have arrived" for one in half if one.done)
        # Without a lock: whoever imports holds that.
        plan = self._plan(region, options, "Stop the import of images", subject=_THE_IMPORT, losses=losses, locks=())
        if not state.phase.importing:
            return replace(plan, targets=(), left_out=(LeftOut("The import", "none runs"),))
        if state.phase is Phase.STALLED:
            reason = f"it {progress(state)}, and does not hear that it is to stop. See /maas images doctor"
            return replace(plan, targets=(), left_out=(LeftOut("The import", reason),))
        return plan


class AddingImage(ImageKind):
    """The kind `images-add`. Its options are `image` (os, release, architecture) and `source`, a number or None."""

    name = "images-add"
    verb, participle, past = "Add", "Adding", "Added"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """Select it, then import."""
        del options
        return (Select(), Import())

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Nothing to do where it is selected and there."""
        name = ImageName(*options["image"])
        evidence = await gather(region, from_host=False)
        plan = self._plan(region, options, f"Add {name}", subject=str(name))
        sources = [one.source for one in evidence.sources or ()]
        if not sources:
            reason = "MAAS has no source of images; /maas images source reset restores its own"
            return replace(plan, targets=(), left_out=(LeftOut(str(name), reason),))
        if options.get("source") and options["source"] not in [one.id for one in sources]:
            reason = f"there is no source {options['source']}; /maas images sources lists them"
            return replace(plan, targets=(), left_out=(LeftOut(str(name), reason),))
        selected = any(one.name == name for one in evidence.wanted)
        if selected and name not in evidence.missing:
            return replace(plan, targets=(), left_out=(LeftOut(str(name), "it is selected, and complete"),))
        known = [one.name.release for one in evidence.wanted if one.name.os == UBUNTU]
        warnings = doubts([name.release], known) if name.os == UBUNTU else ()
        steps, losses = _what_an_import_does(evidence, name), deletes(evidence, name)
        return replace(plan, steps=steps, losses=losses, warnings=warnings)


class RemovingImage(ImageKind):
    """The kind `images-remove`. Its options are `image` and `uploaded`."""

    name = "images-remove"
    verb, participle, past = "Remove", "Removing", "Removed"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """Deselecting deletes nothing: the next import does. What was uploaded is deleted at once."""
        return (Delete(),) if options["uploaded"] else (Deselect(), Import(anew=True), Delete())

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Say who uses it; nothing to do for the release that machines are commissioned with."""
        name = ImageName(*options["image"])
        evidence = await gather(region, from_host=False)
        plan = self._plan(region, options, f"Remove {name}", subject=str(name))
        image = next((one for one in evidence.images if one.name == name), None)
        if image is None and not any(one.name == name for one in evidence.wanted):
            return replace(plan, targets=(), left_out=(LeftOut(str(name), "it is neither there nor selected"),))
        if (name.os, name.release) == ("ubuntu", evidence.commissioning):
            reason = "machines boot it to be commissioned; choose another commissioning release first"
            return replace(plan, targets=(), left_out=(LeftOut(str(name), reason),))
        losses = [f"{name}: {size(image.done)} in the region, and on the racks"] if image is not None else []
        warnings = _uses(region, name, await _default_release(region))
        if options["uploaded"]:
            losses.append("It was uploaded: no import brings it back.")
            return replace(plan, risk=Risk.DESTRUCTIVE, losses=tuple(losses), warnings=warnings)
        steps = ("MAAS deletes images only in an import: one is ordered, and also brings what else is missing.",)
        losses += deletes(evidence, name)
        return replace(plan, losses=tuple(losses), warnings=warnings, steps=steps)


class RecoveringImages(ImageKind):
    """The kind `images-recover`. Its options are made by the plan: `restart`, and `image` where one is selected."""

    name = "images-recover"
    verb, participle, past = "Recover", "Recovering", "Recovered"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """All that there may be; the plan leaves out what is not needed."""
        del options
        return (Free(), Source(), Keep(), Select(), Import(), Ready())

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Diagnose, and take the steps that the cases need."""
        evidence = await gather(region)
        findings = diagnose(evidence)
        needed = {"free", "import", "ready"}
        options = {**options}
        options.setdefault("restart", " or ".join(evidence.restart))
        cases = {one.case for one in findings if one.recovers}
        if Case.NO_SOURCE in cases:
            needed.add("source")
            options.setdefault("packaging", evidence.packaging.value if evidence.packaging is not None else "")
            options.setdefault("keep", [[one.os, one.release, one.arch] for one in evidence.doomed])
            needed |= {"keep"} if options["keep"] else set()
        if Case.UNSELECTED in cases and evidence.commissioning:
            needed.add("select")
            arches = [one.name.arch for one in evidence.images if one.name.release == evidence.commissioning]
            options.setdefault("image", ["ubuntu", evidence.commissioning, arches[0] if arches else "amd64"])
        selected = ImageName(*options["image"]) if "image" in options else None
        plan = self._plan(
            region,
            options,
            "Recover the import of images",
            subject=_THE_IMPORT,
            only=needed,
            steps=tuple(
                f"{one.title} The recovery {recovery(one, (options['restart'],))}." for one in findings if one.recovers
            ),
            warnings=tuple(_unmended(findings)),
            losses=() if Case.NO_SOURCE in cases else deletes(evidence, selected),
        )
        if not cases:
            return replace(plan, targets=(), left_out=(LeftOut("The import of images", _nothing(findings)),))
        return plan


def image_kinds() -> tuple[ImageKind, ...]:
    """One of each."""
    return (
        ImportingImages(),
        StoppingImport(),
        AddingImage(),
        RemovingImage(),
        SettingSource("images-source-add"),
        SettingSource("images-source-reset"),
        RemovingSource(),
        RecoveringImages(),
        UploadingImage(),
    )


# -- words -------------------------------------------------------------------------------------------------------------


def _what_an_import_does(evidence: Evidence, added: ImageName | None = None) -> tuple[str, ...]:
    lacking = [name for name in evidence.missing if name != added]
    steps = []
    if evidence.state.phase.importing:
        steps.append(f"An import runs already ({progress(evidence.state)}). MAAS ignores a second one: it is followed.")
    if lacking:
        steps.append(f"Missing {'besides' if added else 'now'}: {listing(lacking, 8)}.")
    elif added is None:
        steps.append("All that is selected is there already.")
    steps.append("MAAS asks the mirrors for what is selected, loads what is new, and deletes what is not selected.")
    return tuple(steps)


def _uses(region: RegionService, name: ImageName, default: str) -> tuple[str, ...]:
    on = machines_on(name, region.fleet.machines().values())
    warnings = []
    if on:
        who = listing([one.name for one in on])
        warnings.append(f"{who} run{'s' if len(on) == 1 else ''} it, and keep{'s' if len(on) == 1 else ''} running.")
    if name.release == default:
        warnings.append(f"{name.release} is what MAAS deploys when nobody says which release.")
    return tuple(warnings)


async def _default_release(region: RegionService) -> str:
    return str(await region.api.get_config("default_distro_series") or "")


def _unmended(findings: list[Finding]) -> list[str]:
    """What stands in the way and no order to MAAS mends."""
    hard = {Case.UNREACHABLE, Case.CLOCK, Case.NO_SPACE, Case.NO_RACK}
    return [f"{one.title} {' '.join(one.remedy)}" for one in findings if one.case in hard]


def _nothing(findings: list[Finding]) -> str:
    said = " ".join(" ".join((one.title, *one.evidence, *one.remedy)) for one in findings)
    head = "nothing has to be recovered" if not any(one.remedy for one in findings) else "that is not in MAAS's hands"
    return f"{head}. {said}".rstrip(".")
