"""What a person does next with a machine, by the state that it is in. Which of it exists and is allowed, others say."""

from __future__ import annotations

from bot.command.offers import ASK_MORE, POWER_FORM, Offer, words_for
from bot.maas.models import Machine, MachineStatus
from bot.message import Style
from bot.operations.machine_facts import switchable

_ABORTABLE = frozenset(
    {MachineStatus.COMMISSIONING, MachineStatus.TESTING, MachineStatus.DEPLOYING, MachineStatus.DISK_ERASING}
)

#: The commands that fit a state, the likeliest first.
_FITTING: dict[MachineStatus, tuple[str, ...]] = {
    MachineStatus.NEW: ("commission", "rename", "power check"),
    MachineStatus.READY: ("deploy", "test", "commission", "broken"),
    MachineStatus.ALLOCATED: ("deploy", "release", "power check"),
    MachineStatus.DEPLOYED: ("power check", "power cycle", "rescue on", "release", "lock"),
    MachineStatus.BROKEN: ("fixed", "test", "commission", "rescue on"),
    MachineStatus.RESCUE_MODE: ("rescue off", "power check"),
    MachineStatus.FAILED_COMMISSIONING: ("commission", "power check", "broken"),
    MachineStatus.FAILED_TESTING: ("test", "commission", "power check", "broken"),
    MachineStatus.FAILED_DEPLOYMENT: ("release", "rescue on", "power check", "broken"),
    MachineStatus.FAILED_RELEASING: ("release", "power check", "broken"),
    MachineStatus.FAILED_DISK_ERASING: ("release", "power check", "broken"),
    MachineStatus.FAILED_ENTERING_RESCUE_MODE: ("rescue on", "rescue off", "power check"),
    MachineStatus.FAILED_EXITING_RESCUE_MODE: ("rescue off", "power check"),
}
_LABELS = {
    "commission": "Commission",
    "rename": "Rename",
    "deploy": "Deploy",
    "test": "Test",
    "release": "Release",
    "abort": "Abort",
    "broken": "Mark broken",
    "fixed": "Mark fixed",
    "rescue on": "Rescue",
    "rescue off": "Leave rescue",
    "lock": "Lock",
    "unlock": "Unlock",
    "power check": "Power check",
    "power cycle": "Power cycle",
    "power on": "Power on",
    "power off": "Power off",
    "power set": "Power settings",
    "machine": "Details",
}
_DANGER = frozenset({"release", "power cycle", "power off", "abort"})


def next_steps(machine: Machine, region: str) -> list[Offer]:
    """What fits the machine as it is now, the likeliest first."""
    trouble = ["power check", "power set"] if machine.power_state == "error" else []
    if machine.locked:
        fitting = ["unlock", "power check"]
    elif machine.status in _ABORTABLE:
        fitting = ["abort", "power check"]
    else:
        fitting = list(_FITTING.get(machine.status, ("power check",)))
    if not machine.owner and machine.status is not MachineStatus.READY:
        # MAAS lets only an owner mark a machine broken, and gives only Ready ones to one.
        fitting = [name for name in fitting if name != "broken"]
    names = list(dict.fromkeys([*trouble, *fitting]))
    if not switchable(machine):
        # What can be said of its power is that MAAS can't switch it; a button would promise more.
        names = ["power set" if name == "power check" else name for name in names if name != "power cycle"]
    return [offer(name, machine, region, first=name == names[0] and not trouble) for name in names]


def after_failure(machine: Machine, region: str, *, power: bool) -> list[Offer]:
    """The same where something has just failed; if it was the power's doing, that comes first."""
    found = next_steps(machine, region)
    if not power:
        return found
    first = [offer("power check", machine, region), offer("power set", machine, region)]
    return [*first, *(one for one in found if one.command not in {"power check", "power set"})]


def offer(command: str, machine: Machine, region: str, *, first: bool = False) -> Offer:
    """One command for one machine."""
    style = Style.DANGER if command in _DANGER else Style.PRIMARY if first else Style.PLAIN
    if command == "power set":
        return Offer(_LABELS[command], command, f"{region}:{machine.system_id}", style, POWER_FORM)
    action = ASK_MORE if command == "rename" else None
    words = words_for(command, machine.system_id, region)
    made = Offer(_LABELS[command], command, words, style)
    return made if action is None else Offer(made.label, made.command, made.value, style, action)
