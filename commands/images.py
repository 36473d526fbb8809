"""Images: what there is, what is wanted, importing it, and why it does not arrive."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.command.offers import Offer, Offers
from bot.maas.errors import MaasError, clean
from bot.maas.images import Defaults, Image, ImageName, images_of, is_loader, missing, uses, wanted_of
from bot.maas.import_state import Phase
from bot.message import (
    Bold,
    Bullets,
    Button,
    Buttons,
    Code,
    Mark,
    Message,
    Note,
    Paragraph,
    Part,
    Span,
    Style,
    Table,
    say,
)
from bot.operations.image_cases import Case, Finding
from bot.operations.image_doctor import diagnose, needs_work
from bot.operations.image_evidence import Evidence, gather
from bot.operations.image_recovery import recoveries
from bot.operations.image_words import listing, percent, progress, size
from bot.operations.line import held_by
from bot.operations.plan import Plan
from bot.operations.verdict import remaining
from bot.policy import Risk
from commands.import_chart import import_chart, pictures
from commands.planning import plan_for

_ROWS = 40
_PART = re.compile(r"[a-z0-9][a-z0-9._-]{0,60}")
_HOST_RESTART = "host restart"
_MARKS = {
    Case.HEALTHY: Mark.OK,
    Case.RUNNING: Mark.BUSY,
    Case.STARTING: Mark.BUSY,
    Case.SLOW: Mark.BUSY,
    Case.KEY: Mark.UNKNOWN,
    Case.INDEX_UNREAD: Mark.BUSY,
    Case.HELD: Mark.WARN,
    Case.UNSELECTED: Mark.WARN,
}


@command("images", risk=Risk.READ, example="/maas images")
async def images(ctx: Context) -> Message:
    """List the images: complete or how far, size, age, what uses them, and whether an import runs."""
    region = ctx.region
    state = await region.imports.look(region.imports.pace.busy)
    found = images_of(state.images.resources)
    defaults = await _defaults(ctx)
    try:
        wanted = wanted_of(await region.imports.wanted())
    except MaasError:
        wanted = []
    machines = list(region.fleet.machines().values())
    absent = [name for name in missing(wanted, found) if not any(one.name == name for one in found)]
    rows = [
        (
            str(one.name),
            _state(one),
            size(one.size) if one.size else "–",
            _age(one),
            ", ".join(uses(one.name, machines, defaults)),
        )
        for one in found
    ]
    rows += [(str(name), "wanted, not there", "–", "–", ", ".join(uses(name, machines, defaults))) for name in absent]
    complete = sum(1 for one in found if one.complete)
    head = f"{complete} of {len(rows)} images are complete." if rows else "There are no images."
    line: list[Span] = [Mark.OK if rows and complete == len(rows) else Mark.WARN, " ", Bold(head), " "]
    line.append(_import_sentence(state.phase, progress(state)))
    parts: list[Part] = [Paragraph(line)]
    if rows:
        columns = ("Image", "State", "Size", "Version", "Used by")
        parts.append(Table(columns, rows[:_ROWS], caption="Images", total=len(rows)))
    chart = import_chart(state)
    parts += [chart] if chart is not None else []
    loaders = [one for one in state.images.resources if is_loader(one)]
    note: list[Span] = [f"Besides, {len(loaders)} boot loaders. "] if loaders else []
    if state.phase.importing and state.phase is not Phase.STALLED:
        note += [Code("/maas images import"), " follows it in a thread."]
    elif complete < len(rows) and state.phase in {Phase.IDLE, Phase.STALLED}:
        note += [Code("/maas images doctor"), " says why, and what recovers."]
    else:
        note += [Code("/maas images import"), " looks for newer versions."]
    parts.append(Note(note))
    text = f"{head} {_import_sentence(state.phase, progress(state))}"
    return Message(text, tuple(parts), await pictures(ctx, chart))


@command("images doctor", risk=Risk.READ, example="/maas images doctor")
async def images_doctor(ctx: Context) -> Message:
    """Find out why images do not arrive: which of the known cases it is, the evidence, and what recovers.

    It looks at the import, the images, the sources and what is selected of them, MAAS's notices and log, and the racks;
    from the region's host, where that is set up, also at the mirror, the clock and the disk.
    """
    evidence = await gather(ctx.region)
    if _restartable(ctx):
        evidence = replace(evidence, restart=(f"/maas {_HOST_RESTART}",))
    findings = diagnose(evidence)
    buttons = await Offers(ctx.catalog, ctx.policy).fitting(
        _offers(ctx, findings), ctx.region.name, ctx.person, ctx.origin
    )
    return doctor_message(evidence, findings, buttons)


def doctor_message(evidence: Evidence, findings: list[Finding], buttons: Sequence[Button] = ()) -> Message:
    """What was found, each with its evidence and what to do, and what was looked at for it."""
    parts: list[Part] = []
    for one in findings:
        parts += _finding(one)
    if needs_work(findings):
        does = "; then it ".join(recoveries(findings, evidence.restart))
        parts.append(Paragraph([Code("/maas images recover"), f" {does}. You confirm it first."]))
    if buttons:
        parts.append(Buttons(buttons))
    parts.append(Note(_what_was_looked_at(evidence)))
    return Message(" ".join(one.title for one in findings), tuple(parts))


@command("images recover", risk=Risk.CHANGE, example="/maas images recover")
async def images_recover(ctx: Context) -> Plan:
    """Do what recovers the images, as `images doctor` found it, until all that is wanted is there and can be booted.

    It waits for an import that has stalled: only a restart of the region ends that one, which is asked for separately.
    """
    options = {"restart": f"/maas {_HOST_RESTART}"} if _restartable(ctx) else {}
    return await plan_for(ctx, "images-recover", options, "recovered")


@command("images import", risk=Risk.CHANGE, example="/maas images import")
async def images_import(ctx: Context) -> Plan:
    """Import what is selected, and newer versions of it; the thread shows percent, rate and time left.

    Where an import runs already, that one is followed: MAAS ignores a second order.
    """
    return await plan_for(ctx, "images-import", {}, "imported")


@command("images stop", risk=Risk.CHANGE, example="/maas images stop")
async def images_stop(ctx: Context) -> Plan:
    """Stop the import that runs. What is half there is thrown away."""
    holder = await ctx.operations.line.holder(ctx.region.name, "@images")
    if holder is not None and any(target.key == "import" for target in holder.plan.targets):
        cancel = f"/maas cancel {holder.id}"
        raise RefusalError(
            say(f"{held_by(holder)}, and would import again. ", Code(cancel), " also stops an import that it ordered.")
        )
    return await plan_for(ctx, "images-stop", {}, "stopped")


@command("images add", risk=Risk.CHANGE, example="/maas images add ubuntu/noble amd64")
async def images_add(ctx: Context, image: str, arch: str = "amd64", /, *, source: int = 0) -> Plan:
    """Select a release for an architecture, and import it.

    Args:
        source: the number of the source to select it from, where there are several
    """
    name = image_named(image, arch)
    return await plan_for(ctx, "images-add", {"image": _parts(name), "source": source or None}, "added")


@command("images remove", risk=Risk.CHANGE, example="/maas images remove ubuntu/bionic amd64")
async def images_remove(ctx: Context, image: str, arch: str = "amd64", /) -> Plan:
    """Deselect a release for an architecture, and delete its image. Machines that run it keep running.

    An image that somebody uploaded can't be imported again: another person approves its removal.
    """
    name = image_named(image, arch)
    state = await ctx.region.imports.look(ctx.region.imports.pace.busy)
    uploaded = any(one.uploaded and one.name == name for one in images_of(state.images.resources))
    return await plan_for(ctx, "images-remove", {"image": _parts(name), "uploaded": uploaded}, "removed")


# -- names -------------------------------------------------------------------------------------------------------------


def image_named(text: str, arch: str) -> ImageName:
    """The image that a person means by `ubuntu/jammy` or `jammy`.

    Raises:
        RefusalError: it is no name of an image.
    """
    os, slash, release = text.strip().lower().partition("/")
    os, release = (os, release) if slash else ("ubuntu", os)
    arch = arch.strip().lower()
    if not (_PART.fullmatch(os) and _PART.fullmatch(release)):
        raise RefusalError(say(Code(clean(text, 60)), " is no image. Write it as ", Code("ubuntu/jammy amd64"), "."))
    if not _PART.fullmatch(arch):
        spans: list[Span] = [Code(clean(arch, 60)), " is no architecture. Write one, like ", Code("amd64"), "."]
        raise RefusalError(say(*spans))
    return ImageName(os, release, arch)


def _parts(name: ImageName) -> list[str]:
    return [name.os, name.release, name.arch]


# -- words -------------------------------------------------------------------------------------------------------------


def _state(image: Image) -> str:
    if image.complete:
        return "uploaded" if image.uploaded else "complete"
    newer = "newer version " if image.usable else ""
    return f"{newer}{percent(image.percent)}"


def _age(image: Image) -> str:
    days = image.age(datetime.now(UTC))
    if days is None:
        return image.version or "–"
    return f"{image.version} ({'today' if days == 0 else f'{days} d old'})"


def _import_sentence(phase: Phase, how: str) -> str:
    match phase:
        case Phase.STALLED:
            return f"The import {how}."
        case Phase.IDLE:
            return "No import runs."
        case Phase.UNKNOWN:
            return "Whether an import runs is not known yet."
        case _:
            return f"An import runs: {how}."


def _finding(one: Finding) -> list[Part]:
    parts: list[Part] = [Paragraph([_MARKS.get(one.case, Mark.FAIL), " ", Bold(one.title)])]
    if one.words:
        parts.append(Paragraph([one.words]))
    items: list[Sequence[Span]] = [["Seen: ", text] for text in one.evidence]
    items += [["To do: ", text] for text in one.remedy]
    if items:
        parts.append(Bullets(items))
    return parts


def _what_was_looked_at(evidence: Evidence) -> list[Span]:
    spans: list[Span] = ["Looked at through MAAS's API"]
    if evidence.looked_from_host:
        spans.append(" and from the region's host.")
    elif evidence.host_trouble:
        spans.append(f". The region's host could not be asked about the mirror: {evidence.host_trouble}.")
    else:
        spans.append(
            ". The mirror, the clock and the disk were not looked at: the way to the region's host is not set up "
            "(MAAS_HOST)."
        )
    last = evidence.state.last
    if last is not None:
        spans.append(f" The last import that I saw ended {remaining(evidence.now - last.ended)} ago.")
    if evidence.wanted:
        spans.append(f" Wanted: {listing(list(dict.fromkeys(one.name for one in evidence.wanted)), 8)}.")
    return spans


def _offers(ctx: Context, findings: Sequence[Finding]) -> list[Offer]:
    """What comes next, for a thumb; each is planned and confirmed, or approved, like words that were typed."""
    cases = {one.case for one in findings}
    where = "" if ctx.region.name == "default" else f" --region {ctx.region.name}"
    offers = []
    if needs_work(list(findings)):
        offers.append(Offer("Recover", "images recover", f"images recover{where}", Style.PRIMARY))
    if Case.STALLED in cases and _restartable(ctx):
        offers.append(Offer("Restart the region", _HOST_RESTART, f"{_HOST_RESTART}{where}", Style.DANGER))
    if cases & {Case.INDEX_MISSING, Case.INDEX_SIGNATURE}:
        offers.append(Offer("Reset the source", "images source reset", f"images source reset{where}"))
    if cases & {Case.RUNNING, Case.SLOW, Case.STARTING}:
        offers.append(Offer("Follow the import", "images import", f"images import{where}"))
    return offers


def _restartable(ctx: Context) -> bool:
    """Whether the region's host can be restarted from here: by a command that is asked for and approved by itself."""
    return ctx.catalog.get(_HOST_RESTART) is not None and ctx.region.host is not None


async def _defaults(ctx: Context) -> Defaults:
    try:
        values = [
            str(await ctx.region.api.get_config(name) or "")
            for name in ("commissioning_distro_series", "default_osystem", "default_distro_series")
        ]
    except MaasError:
        return Defaults()
    return Defaults(*values)
