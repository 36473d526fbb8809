"""The state of a region in one message, what needs attention first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from bot.audit import Health
from bot.command.context import Context
from bot.command.declaration import command
from bot.maas.errors import NoKeyYet
from bot.maas.images import images_of
from bot.maas.import_state import Phase
from bot.maas.models import Machine
from bot.maas.service import RegionService
from bot.maas.snapshot import RegionSnapshot
from bot.message import Bold, Bullets, Code, Facts, Mark, Message, Note, Paragraph, Part, Span, Text, plain
from bot.operations.image_words import import_line, listing, progress
from bot.operations.records import Operation
from bot.operations.verdict import remaining as duration
from bot.policy import Risk
from commands.audit import trouble

#: Lines of each list; the rest is counted.
_ATTENTION, _OPERATIONS = 8, 6

#: Order in which states are counted out: what fails, what moves, what rests.
_ORDER = (
    "Broken",
    "Failed",
    "Commissioning",
    "Testing",
    "Deploying",
    "Releasing",
    "New",
    "Ready",
    "Allocated",
    "Deployed",
)


@command("status", risk=Risk.READ, example="/maas status")
async def status(ctx: Context) -> Message:
    """Show the region: is it up, its racks, machines by state, what needs attention, images, DHCP, operations."""
    operations = await ctx.operations.under_way()
    parts: list[Part] = trouble(ctx.audit.health)
    summaries = ["The audit is broken."] if ctx.audit.health.broken is not None else []
    for region in (ctx.region,) if ctx.region_named else ctx.regions:
        shown = region_parts(region, [one for one in operations if one.region == region.name])
        summaries.append(shown[0])
        parts += shown[1]
    return Message(" ".join(summaries), tuple(parts))


def overview(regions: tuple[RegionService, ...], operations: Sequence[Operation], audit: Health) -> list[Part]:
    """The same for App Home."""
    parts: list[Part] = trouble(audit)
    for region in regions:
        parts += region_parts(region, [one for one in operations if one.region == region.name])[1]
    return parts


def region_parts(region: RegionService, operations: Sequence[Operation]) -> tuple[str, list[Part]]:
    """One region: a sentence that stands alone, and the parts of the message."""
    snapshot = region.watcher.snapshot
    head = _headline(region, snapshot)
    parts: list[Part] = [Paragraph(head)]
    if isinstance(region.watcher.availability.error, NoKeyYet):
        return plain(head), parts  # there is nothing that could be read, or need attention
    machines = list(region.fleet.machines().values())
    attention = attention_lines(region, machines)
    if attention:
        parts.append(Paragraph([Bold("Needs attention")]))
        shown = [line for _, line in attention[:_ATTENTION]]
        if len(attention) > _ATTENTION:
            rest = len(attention) - _ATTENTION
            shown.append([f"and {rest} more: ", Code("/maas machines status:failed"), " lists machines"])
        parts.append(Bullets(shown))
    parts.append(
        Facts(
            [
                ("Machines", _machines_by_state(region, machines)),
                ("Racks", _racks(snapshot)),
                ("Images", _images(region, snapshot)),
                ("DHCP", _dhcp(snapshot)),
            ]
        )
    )
    if operations:
        parts.append(Paragraph([Bold("Under way")]))
        lines: list[Text] = [
            [Code(one.id), f"  {one.plan.title}, {one.state}, asked by {one.requester_name}"]
            for one in operations[:_OPERATIONS]
        ]
        if len(operations) > _OPERATIONS:
            lines.append([f"and {len(operations) - _OPERATIONS} more: ", Code("/maas ops")])
        parts.append(Bullets(lines))
    parts.append(Note(_age(region)))
    trouble = f" {len(attention)} need attention." if attention else " Nothing needs attention."
    return f"{plain(head).rstrip('.')}. {len(machines)} machines.{trouble}", parts


def _headline(region: RegionService, snapshot: RegionSnapshot) -> list[Span]:
    availability = region.watcher.availability
    version = snapshot.version.value.version if snapshot.version.value is not None else "version unknown"
    name: list[Span] = [Bold(region.name), "  "]
    if availability.up:
        return [Mark.OK, " ", *name, f"MAAS {version} is up"]
    if availability.up is None:
        return [Mark.UNKNOWN, " ", *name, "MAAS has not answered yet"]
    down = duration((datetime.now(UTC) - availability.since).total_seconds())
    problem = availability.error.problem if availability.error is not None else ""
    if isinstance(availability.error, NoKeyYet):
        return [Mark.UNKNOWN, " ", *name, problem]
    return [Mark.FAIL, " ", *name, f"MAAS {version} has given no good answer for {down}. {problem}"]


def attention_lines(region: RegionService, machines: Sequence[Machine]) -> list[tuple[int, Text]]:
    """What a person should look at, worst first, each with its cause as far as it is known."""
    lines: list[tuple[int, Text]] = []
    snapshot = region.watcher.snapshot
    for rack in snapshot.racks.value or ():
        if not rack.connected:
            lines.append(
                (
                    0,
                    [
                        Mark.FAIL,
                        " Rack ",
                        Code(rack.hostname),
                        " is not connected: its machines can't boot or change power",
                    ],
                )
            )
            continue
        dead = [service for service in rack.services if service.status == "dead"]
        if dead:
            told = "; ".join(f"{one.name} is dead{f' ({one.status_info})' if one.status_info else ''}" for one in dead)
            lines.append((1, [Mark.FAIL, " Rack ", Code(rack.hostname), f": {told}"]))
    for machine in machines:
        if machine.status.failed:
            lines.append(
                (
                    2,
                    [
                        Mark.FAIL,
                        " ",
                        Code(machine.name),
                        f"  {machine.status_name}: {_cause(region, machine)}",
                    ],
                )
            )
        elif machine.power_state == "error":
            cause = machine.status_message or "MAAS can't tell its power state"
            lines.append((3, [Mark.WARN, " ", Code(machine.name), f"  power error: {cause}"]))
    for notice in snapshot.notifications.value or ():
        if notice.category in {"error", "warning"}:
            mark = Mark.FAIL if notice.category == "error" else Mark.WARN
            lines.append((4 if notice.category == "error" else 5, [mark, f" {notice.text}"]))
    lines += _image_trouble(region)
    return sorted(lines, key=lambda line: line[0])


def _cause(region: RegionService, machine: Machine) -> str:
    found = region.diagnoses.of(machine)
    if found is not None:
        return found.summary
    # MAAS's own message often repeats the state; the cause is on its way then.
    message = machine.error_description or machine.status_message
    return message if message and message.lower() != machine.status_name.lower() else "looking for the cause"


def _machines_by_state(region: RegionService, machines: Sequence[Machine]) -> Text:
    if not machines:
        return ["none" if region.fleet.status.filled_at is not None else "still reading"]
    counts = Counter(machine.status_name for machine in machines)
    ordered = sorted(counts.items(), key=lambda item: (_rank(item[0]), -item[1]))
    return [f"{len(machines)}: ", ", ".join(f"{count} {name}" for name, count in ordered)]


def _rank(name: str) -> int:
    return next((at for at, word in enumerate(_ORDER) if name.startswith(word)), len(_ORDER))


def _racks(snapshot: RegionSnapshot) -> Text:
    racks = snapshot.racks.value
    if racks is None:
        return [_unread(snapshot.racks.error)]
    if not racks:
        return [Mark.FAIL, " none: nothing can boot"]
    connected = sum(1 for rack in racks if rack.connected)
    return [Mark.OK if connected == len(racks) else Mark.FAIL, f" {connected} of {len(racks)} connected"]


def _images(region: RegionService, snapshot: RegionSnapshot) -> Text:
    state = region.imports.state
    seen = state.images if state.at else snapshot.images.value
    if seen is None:
        return [_unread(snapshot.images.error)]
    images = images_of(seen.resources)
    complete = sum(1 for one in images if one.complete)
    text = f"{complete} of {len(images)} complete" if images else "none"
    if state.phase.importing:
        return [f"{text}, {import_line(state)}"]
    return [text if images and complete == len(images) else f"{text}, no import runs"]


def _image_trouble(region: RegionService) -> list[tuple[int, Text]]:
    """An import that stands still, images that are half there, and what the last import did not bring."""
    state = region.imports.state
    doctor: Text = [": ", Code("/maas images doctor"), " says what recovers"]
    if state.phase is Phase.STALLED:
        return [(1, [Mark.FAIL, f" Image import {progress(state)}", *doctor])]
    if state.phase is not Phase.IDLE:
        return []
    half = [one.name for one in images_of(state.images.resources) if not one.complete and not one.uploaded]
    gone = [one for one in (state.last.missing if state.last is not None else ()) or () if one not in half]
    if not half and not gone:
        return []
    said = [f"{listing(half)} half there"] if half else []
    said += [f"{listing(gone)} missing after the last import"] if gone else []
    return [(3, [Mark.WARN, f" Images: {', '.join(said)}, and no import runs", *doctor])]


def _dhcp(snapshot: RegionSnapshot) -> Text:
    vlans = snapshot.vlans.value
    if vlans is None:
        return [_unread(snapshot.vlans.error)]
    on = [vlan for vlan in vlans if vlan.dhcp_on]
    if not on:
        return [Mark.WARN, " off on every VLAN: nothing can boot over the network"]
    return [f"on for {', '.join(f'{vlan.fabric} {vlan.name}' for vlan in on[:3])}{'…' if len(on) > 3 else ''}"]


def _unread(error: Exception | None) -> str:
    return f"could not be read: {error}" if error is not None else "not read yet"


def _age(region: RegionService) -> list[Span]:
    fleet = region.fleet.status
    spans: list[Span] = []
    if fleet.age is None:
        expected = f" of {fleet.expected}" if fleet.expected is not None else ""
        spans.append(f"Machines are still being read: {fleet.count}{expected}.")
    else:
        spans.append(f"Machines as of {duration(fleet.age)} ago.")
        if fleet.filling:
            spans.append(f" Reading all of them anew: {fleet.progress:.0%}.")
    if fleet.last_error is not None:
        spans.append(f" The view can't be brought up to date: {fleet.last_error.problem}")
    age = region.watcher.snapshot.version.age
    if age is not None:
        spans.append(f" The rest as of {duration(age)} ago.")
    return spans
