"""The buttons below a machine: none that MAAS would refuse."""

from __future__ import annotations

import pytest

from bot.maas.models import Machine, MachineStatus
from bot.operations.next_steps import next_steps


@pytest.mark.parametrize(
    ("status", "owner", "first", "markable"),
    [
        (MachineStatus.READY, "", "deploy", True),
        (MachineStatus.FAILED_TESTING, "", "test", False),
        (MachineStatus.FAILED_COMMISSIONING, "", "commission", False),
        (MachineStatus.FAILED_DEPLOYMENT, "admin", "release", True),
    ],
)
def test_mark_broken_is_offered_where_maas_can(status: MachineStatus, owner: str, first: str, markable: bool) -> None:
    machine = Machine("abc", hostname="node-1", status=status, owner=owner, power_type="ipmi")
    commands = [one.command for one in next_steps(machine, "default")]
    assert commands[0] == first
    assert ("broken" in commands) is markable
