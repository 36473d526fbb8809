"""The step that imports: orders, follows, orders again where MAAS needs it, until all that is wanted is complete."""

from __future__ import annotations

from bot.maas.images import ImageName, images_of, is_half, missing, wanted_of
from bot.maas.import_state import ImportState, Phase
from bot.operations.image_doctor import diagnose
from bot.operations.image_evidence import Evidence, gather, index_notices
from bot.operations.image_words import listing, progress, sentence
from bot.operations.steps import OperationStep, StepContext, StepFailedError, StepStoppedError

#: Imports that end without the image before it counts as failed.
_ROUNDS = 3
#: Imports ordered at most, with those that a restart of the region cut, and those that only removed what it left half.
_ORDERS = 8
#: Imports in a row that end at the index without a notice before its signature is blamed: a restart of the region in
#: that moment looks the same.
_AT_THE_INDEX = 2
#: Seconds in which an import that was ordered shows; one whose index can't be read may be over before.
_BEGINS = 10
#: Seconds for an import to hear that it is to stop.
_STOPS = 30


class Import(OperationStep):
    """Import until all that is wanted is complete. Joins an import that runs already: MAAS ignores a second one."""

    key, title = "import", "Import"
    can_stop = True

    def __init__(self, *, anew: bool = False) -> None:
        """`anew` imports also when everything is complete: newer versions come, and what is deselected goes."""
        self._anew = anew

    async def check(self, context: StepContext) -> str | None:
        """All is complete and no import runs."""
        if self._anew and not context.repeated:
            return None
        state = await context.region.imports.look()
        if state.phase.importing:
            return None
        return None if await lacking(context, state) else await self._label(context, state)

    async def apply(self, context: StepContext) -> None:
        """Order an import, follow it to its end, and look whether everything is there."""
        ran = (await context.region.imports.look()).phase.importing
        state = await follow(context, ours=context.repeated)
        rounds = ended_at_index = 0
        for number in range(_ORDERS):
            left = await lacking(context, state)
            if not left and (number or ran or not self._anew):
                return
            if rounds >= _ROUNDS or ended_at_index >= _AT_THE_INDEX:
                break
            if number:
                context.note(f"{listing(left)} not there yet: importing once more.")
            context.stop_if_cancelled()
            half = any(is_half(one) for one in state.images.resources)
            await order(context)
            state = await follow(context, ours=True)
            # Half images before it: it only removed them. After it: the region was restarted meanwhile. Neither failed.
            cut = any(is_half(one) for one in state.images.resources)
            rounds += not (half or cut)
            ended_at_index = ended_at_index + 1 if not half and _ended_at_the_index(state) else 0
            if ended_at_index and await index_notices(context.region):
                break
        left = await lacking(context, state)
        if left:
            raise await _failure(context, left)

    async def verify(self, context: StepContext) -> str:
        """What there is now. Raises StepFailedError as `apply`."""
        state = await context.region.imports.look()
        left = await lacking(context, state)
        if left:
            raise await _failure(context, left)
        return await self._label(context, state)

    async def _label(self, context: StepContext, state: ImportState) -> str:
        count = len({one.name for one in wanted_of(await context.region.imports.wanted())})
        if not count:
            return f"{sum(1 for one in images_of(state.images.resources) if one.complete)} images complete"
        return f"all {count} wanted images complete" if count > 1 else "the wanted image is complete"


class Free(OperationStep):
    """Wait until no import runs. A stalled one ends only with the region's restart, which a person orders."""

    key, title = "free", "The import that runs"
    can_stop = True

    async def check(self, context: StepContext) -> str | None:
        """No import runs."""
        return None if (await context.region.imports.look()).phase.importing else "has ended"

    async def apply(self, context: StepContext) -> None:
        """Say what has to be done, and wait."""
        while True:
            state = await context.region.imports.look(1.5 * context.region.imports.pace.busy)
            if not state.phase.importing:
                return
            if state.phase is Phase.STALLED:
                context.note(f"{sentence(progress(state))}. Waiting for the region's restart: {restart(context)}")
            else:
                context.note(f"Running: {progress(state)}")
            context.stop_if_cancelled("The import goes on as it was.")
            await context.sleep(1.0)


def restart(context: StepContext) -> str:
    """What restarts the region, as the plan found it."""
    return str(context.options.get("restart") or "restart the region on its host")


async def follow(context: StepContext, *, ours: bool) -> ImportState:
    """Follow the import that runs to its end, however many look on; at once where none runs.

    Raises:
        StepFailedError: it stalled.
        StepStoppedError: somebody cancelled. An import that is ours is stopped.
    """
    imports = context.region.imports
    state = await imports.look()
    while state.phase.importing:
        if state.phase is Phase.STALLED:
            raise StepFailedError(
                f"The import {progress(state)}. No order to MAAS gets it going again.",
                "/maas images recover waits for the region's restart and then imports what is missing.",
            )
        context.note(sentence(progress(state)))
        if context.cancelled.is_set():
            await _stop(context, ours=ours)
        await context.sleep(1.0)
        state = await imports.look(1.5 * imports.pace.busy)
    return state


async def order(context: StepContext) -> None:
    """Order an import, and wait until it shows or must have ended already."""
    imports = context.region.imports
    before = (await imports.look()).last
    await context.region.api.start_import()
    for _ in range(_BEGINS):
        state = await imports.look()
        if state.phase.importing or state.last is not before:
            return  # it runs, or the watcher saw it run between two looks
        await context.sleep(1.0)
    await imports.ended_unseen()


async def _stop(context: StepContext, *, ours: bool) -> None:
    imports = context.region.imports
    if not ours:
        raise StepStoppedError("The import was begun by somebody else, and goes on.")
    await context.region.api.stop_import()
    for _ in range(_STOPS):
        if not (await imports.look()).phase.importing:
            raise StepStoppedError("MAAS stopped the import and dropped what was half there.")
        await context.sleep(1.0)
    raise StepStoppedError("MAAS was told to stop. It hears that only when the next 10 MiB have arrived.")


def _ended_at_the_index(state: ImportState) -> bool:
    """Whether the import that ended last got no further than the mirror's index."""
    last = state.last
    return last is not None and not last.files and not last.half


async def lacking(context: StepContext, state: ImportState) -> list[ImageName]:
    """What is wanted and not complete. Raises MaasError: Forbidden for a key without administrator's rights."""
    return missing(wanted_of(await context.region.imports.wanted()), images_of(state.images.resources))


async def _failure(context: StepContext, left: list[ImageName]) -> StepFailedError:
    evidence: Evidence = await gather(context.region)
    finding = diagnose(evidence)[0]
    are = "is" if len(left) == 1 else "are"
    said = " ".join((finding.title, *finding.evidence[:2]))
    return StepFailedError(
        f"{listing(left)} {are} not there after the import. {said}",
        " ".join((*finding.remedy, "/maas images doctor shows all that was seen.")),
    )
