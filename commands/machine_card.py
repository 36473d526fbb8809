"""The card of one machine: everything that is known of it, in the order in which a person on call asks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.maas.causes import Cause
from bot.maas.image_reader import Images
from bot.maas.machine_detail import Disk, Interface, MachineDetail
from bot.maas.models import Event, Machine, MachineStatus
from bot.message import (
    Bold,
    Bullets,
    Button,
    Buttons,
    Code,
    Facts,
    Link,
    Log,
    Mark,
    Message,
    Note,
    Paragraph,
    Part,
    Span,
    Text,
    When,
)
from bot.operations.machine_facts import switchable
from bot.operations.power_state import BEGUN, ENDED
from bot.operations.records import Operation, TargetRow, TargetState

#: Interfaces, disks, tags and lines of history that are shown; the rest is counted.
_SHOWN, _TAGS, _HISTORY = 6, 12, 6
#: States in which what may be deployed is the next question.
_FREE = frozenset({MachineStatus.READY, MachineStatus.ALLOCATED, MachineStatus.NEW})
#: Events that only repeat, one by one, what the state says.
_CHATTER = frozenset({"Script result", "Running test", "Node changed status", "Node powered on", "Node powered off"})
_UNKNOWN = {"", "unknown"}


@dataclass(frozen=True, slots=True)
class Card:
    """What the card is made of. `detail` is None when MAAS did not answer; `trouble` says so then."""

    machine: Machine
    detail: MachineDetail | None = None
    cause: Cause | None = None
    holder: Operation | None = None
    operations: Sequence[tuple[Operation, TargetRow]] = ()
    events: Sequence[Event] = ()
    images: Images | None = None
    buttons: Sequence[Button] = ()
    trouble: str = ""


def message(card: Card) -> Message:
    """The card."""
    machine = card.machine
    mark = Mark.FAIL if machine.status.failed else Mark.BUSY if machine.status.busy else Mark.OK
    if machine.power_state == "error" and mark is Mark.OK:
        mark = Mark.WARN
    locked = ", locked" if machine.locked else ""
    parts: list[Part] = [Paragraph([mark, " ", Bold(machine.name), f"  {machine.status_name}{locked}"])]
    if card.cause is not None:
        parts.append(Paragraph([Bold("Why: "), card.cause.summary]))
        if card.cause.tail:
            parts.append(Log(card.cause.script or "output", card.cause.tail))
    elif machine.status_message:
        parts.append(Paragraph(["Last event: ", machine.status_message]))
    if card.holder is not None:
        held = f" is at work on it: {card.holder.plan.title}, asked by {card.holder.requester_name}."
        parts.append(Paragraph([Mark.BUSY, " ", _operation(card.holder), held]))
    parts.append(Facts(_facts(card)))
    if card.operations:
        parts += [Paragraph([Bold("Last operations")]), Bullets([_line(one, row) for one, row in card.operations])]
    history = [event for event in card.events if event.type not in _CHATTER][:_HISTORY]
    if history:
        parts += [Paragraph([Bold("Lately")]), Bullets([_event(event) for event in history])]
    if card.buttons:
        parts.append(Buttons(card.buttons))
    parts.append(Note([card.trouble or "Read from MAAS just now."]))
    why = f" Why: {card.cause.summary}" if card.cause is not None else ""
    return Message(f"{machine.name} is {machine.status_name}.{why}", tuple(parts))


def _facts(card: Card) -> list[tuple[str, Text]]:
    machine, detail = card.machine, card.detail
    facts: list[tuple[str, Text]] = [
        ("System id", [Code(machine.system_id)]),
        ("Power", [_power(machine, card.events)]),
        ("Hardware", [_hardware(machine)]),
        ("Owner", [machine.owner or "nobody"]),
        ("Network", [_network(machine, detail)]),
        ("Storage", [_storage(machine, detail)]),
        ("Pool, zone", [f"{machine.pool}, {machine.zone}"]),
        ("Boot MAC", [Code(machine.boot_mac)] if machine.boot_mac else ["none"]),
    ]
    if machine.osystem:
        kernel = f", kernel {detail.hwe_kernel}" if detail is not None and detail.hwe_kernel else ""
        facts.append(("System", [f"{machine.osystem}/{machine.distro_series}{kernel}"]))
    elif card.images is not None and machine.status in _FREE:
        facts.append(("Images for it", [_images(machine, card.images)]))
    if machine.tags:
        more = f" and {len(machine.tags) - _TAGS} more" if len(machine.tags) > _TAGS else ""
        facts.append(("Tags", [", ".join(machine.tags[:_TAGS]) + more]))
    if machine.description:
        facts.append(("Notes", [machine.description]))
    return facts


def _power(machine: Machine, events: Sequence[Event]) -> str:
    if not switchable(machine):
        return "MAAS can't switch it (power type manual): somebody has to press the button"
    coming = _coming(events)
    if coming and coming != machine.power_state:
        return f"{machine.power_state} ({machine.power_type}); told to go {coming}, and not there yet"
    return f"{machine.power_state} ({machine.power_type})"


def _coming(events: Sequence[Event]) -> str:
    """Where an order leads that the BMC has not carried out: MAAS's power state follows 4 to 8 s after its answer."""
    for event in events:
        if event.type in ENDED or event.type.startswith("Failed to power"):
            return ""
        if event.type in BEGUN:
            young = event.at is not None and (datetime.now(UTC) - event.at).total_seconds() < 60
            return BEGUN[event.type] if young else ""
    return ""


def _hardware(machine: Machine) -> str:
    made = " ".join(one for one in (machine.vendor, machine.product) if one.casefold() not in _UNKNOWN)
    serial = f"serial {machine.serial}" if machine.serial.casefold() not in _UNKNOWN else ""
    known = machine.cpu_count or machine.memory
    size = f"{machine.cpu_count} CPU, {machine.memory / 1024:.0f} GiB" if known else "not known before commissioning"
    cpu = machine.cpu_model if machine.cpu_model.casefold() not in _UNKNOWN else ""
    return ", ".join(one for one in (made, size, cpu, machine.architecture.removesuffix("/generic"), serial) if one)


def _network(machine: Machine, detail: MachineDetail | None) -> str:
    if detail is None or not detail.interfaces:
        return ", ".join(machine.ip_addresses) or "no addresses"
    shown = [_interface(one) for one in detail.interfaces[:_SHOWN]]
    more = len(detail.interfaces) - _SHOWN
    text = "; ".join(shown) + (f"; and {more} more" if more > 0 else "")
    if machine.status in _FREE and machine.status is not MachineStatus.NEW and not detail.linked:
        text += ". No interface is on a subnet, so MAAS can't deploy it"
    return text


def _interface(one: Interface) -> str:
    addresses = [link.ip_address or f"{link.mode} on {link.cidr or 'no subnet'}" for link in one.links]
    where = ", ".join(addresses) or (f"no address ({one.fabric} {one.vlan})" if one.fabric else "no VLAN")
    state = "" if one.enabled else ", disabled"
    return f"{one.name} {where}{state}{'' if one.link_connected else ', no cable seen'}"


def _storage(machine: Machine, detail: MachineDetail | None) -> str:
    if detail is None or not detail.disks:
        return f"{_size(machine.storage * 1e6)} in all" if machine.storage else "no disk known"
    more = len(detail.disks) - _SHOWN
    return "; ".join(_disk(one) for one in detail.disks[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _disk(one: Disk) -> str:
    kind = next((tag for tag in one.tags if tag in {"ssd", "rotary", "nvme"}), "")
    told = " ".join(word for word in (kind, one.model) if word)
    return f"{one.name} {_size(one.size)}{f' ({told})' if told else ''}"


def _size(count: float) -> str:
    return f"{count / 1e12:.1f} TB" if count >= 1e12 else f"{count / 1e9:.0f} GB"


def _images(machine: Machine, images: Images) -> str:
    architecture = machine.architecture.partition("/")[0]
    fitting = [
        one for one in images.resources if one.architecture.partition("/")[0] == architecture and "/" in one.name
    ]
    complete = sorted({one.name for one in fitting if one.complete and not one.name.startswith("grub")})
    partial = sorted({one.name for one in fitting if not one.complete} - set(complete))
    text = ", ".join(complete) or "none complete"
    return f"{text}; not complete: {', '.join(partial)}" if partial else text


def _line(operation: Operation, row: TargetRow) -> Text:
    mark = {TargetState.DONE: Mark.OK, TargetState.FAILED: Mark.FAIL}.get(row.state, Mark.IDLE)
    mark = mark if row.state.ended else Mark.BUSY
    what = operation.kind.replace("-", " ")
    came = row.label or row.state
    why = f": {row.cause.summary}" if row.cause is not None else ""
    at = When(datetime.fromtimestamp(operation.started_at or operation.created_at, UTC))
    return [mark, " ", _operation(operation), f"  {what}, {came}{why} {operation.requester_name}, ", at]


def _operation(operation: Operation) -> Span:
    return Link(operation.link, operation.id) if operation.link else Code(operation.id)


def _event(event: Event) -> Text:
    return [When(event.at), "  ", event.text] if event.at is not None else [event.text]
