"""Every kind of operation that the bot knows."""

from __future__ import annotations

from bot.operations.aborting import Aborting
from bot.operations.accepting import Accepting
from bot.operations.adding import Adding
from bot.operations.cloning import Cloning
from bot.operations.commissioning import Commissioning
from bot.operations.deleting import Deleting
from bot.operations.deploying import Deploying
from bot.operations.dhcp import DhcpDisabling, DhcpEnabling
from bot.operations.dns_names import NameAdding, NameRemoving
from bot.operations.host_care import BackingUp, CreatingAdmin, Restarting, Restoring, Upgrading
from bot.operations.host_enrol import Enrolling
from bot.operations.host_install import Installing
from bot.operations.host_reset import Resetting
from bot.operations.image_kinds import image_kinds
from bot.operations.keeping import Allocating, Locking, MarkingBroken, MarkingFixed, Unlocking
from bot.operations.kinds import Kind, MachineKind
from bot.operations.notices import Dismissing
from bot.operations.placing import Noting, Pooling, Renaming, Tagging, Untagging, Zoning
from bot.operations.power_settings import PowerSetting
from bot.operations.powering import PowerCycling, PoweringOff, PoweringOn
from bot.operations.ranges import RangeAdding, RangeRemoving, ReservationRemoving, Reserving
from bot.operations.region_settings import ConfigSetting
from bot.operations.releasing import Releasing
from bot.operations.rescuing import EnteringRescue, LeavingRescue
from bot.operations.setting_up import SettingUp
from bot.operations.ssh_keys import KeyAdding, KeyImporting, KeyRemoving
from bot.operations.static_routes import RouteAdding, RouteRemoving
from bot.operations.steps import StepKind
from bot.operations.testing import Testing


def machine_kinds() -> tuple[MachineKind, ...]:
    """One of each kind of work on machines. Kinds keep no state."""
    return (
        Commissioning(),
        Accepting(),
        Testing(),
        Aborting(),
        Allocating(),
        Deploying(),
        Releasing(),
        EnteringRescue(),
        LeavingRescue(),
        Locking(),
        Unlocking(),
        MarkingBroken(),
        MarkingFixed(),
        Renaming(),
        Noting(),
        Tagging(),
        Untagging(),
        Pooling(),
        Zoning(),
        Cloning(),
        Adding(),
        Deleting(),
        PoweringOn(),
        PoweringOff(),
        PowerCycling(),
        PowerSetting(),
    )


def step_kinds() -> tuple[StepKind, ...]:
    """One of each kind of work in steps."""
    return (
        *image_kinds(),
        DhcpEnabling(),
        DhcpDisabling(),
        RangeAdding(),
        RangeRemoving(),
        Reserving(),
        ReservationRemoving(),
        RouteAdding(),
        RouteRemoving(),
        NameAdding(),
        NameRemoving(),
        SettingUp(),
        ConfigSetting(),
        KeyAdding(),
        KeyImporting(),
        KeyRemoving(),
        Dismissing(),
        Installing(),
        Resetting(),
        Upgrading(),
        Restarting(),
        BackingUp(),
        Restoring(),
        CreatingAdmin(),
        Enrolling(),
    )


def all_kinds() -> tuple[Kind, ...]:
    """Both."""
    return (*machine_kinds(), *step_kinds())
