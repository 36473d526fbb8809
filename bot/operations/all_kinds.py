"""Every kind of operation on machines that the bot knows."""

from __future__ import annotations

from bot.operations.commissioning import Commissioning
from bot.operations.deleting import Deleting
from bot.operations.kinds import MachineKind
from bot.operations.powering import PowerCycling, PoweringOff, PoweringOn
from bot.operations.releasing import Releasing


def machine_kinds() -> tuple[MachineKind, ...]:
    """One of each. Kinds keep no state."""
    return (Commissioning(), Releasing(), Deleting(), PoweringOn(), PoweringOff(), PowerCycling())
