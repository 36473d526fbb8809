"""Power cuts in the middle of every step of an install and of a reset: looked at again, and brought to the same end."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bot.host.facts import Inventory
from tests.host.machine.conftest import MachineMaker
from tests.host.machine.story import Order, begin, install, reset, take, take_all
from tests.support.host_machine import Machine

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


def cut(machine: Machine, order: Order, moment: float) -> dict[str, Any]:
    """Start a step, and cut the power once it has begun to act and `moment` seconds have passed; what became of it."""
    job = begin(machine, order)
    log = machine.files / f"var/lib/maasbot/jobs/{job}/log"
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        text = log.read_text(errors="replace") if log.exists() else ""
        if "\n$ " in text or " ended with " in text:
            break
        time.sleep(0.01)
    time.sleep(moment)
    machine.power_off()
    machine.start()
    told: dict[str, Any] = machine.result(verb="status", job=job, offset=0)
    assert told["state"] in ("lost", "done")
    # A lost one stays lost, also for a bot that sends it again; and nothing of it is left in memory.
    again = machine.result(verb="run", job=job, step=order.step, arguments=order.arguments, secrets=order.secrets)
    assert again["state"] == told["state"]
    assert machine.root("sh", "-c", "ls /run/maasbot 2>/dev/null || true") == ""
    return told


def cut_in_each(machine: Machine, orders: list[Order], moment: float) -> int:
    """Each step is cut once, then taken to its end; returns how many were really lost."""
    lost = 0
    for order in orders:
        if machine.check(order.step, **order.arguments)["state"] != "todo":
            continue
        lost += cut(machine, order, moment)["state"] == "lost"
        told = take(machine, order)
        while told["rc"] == 75:
            told = take(machine, order)
        assert told["rc"] == 0, (order.step, told, machine.result(verb="log", job=told["job"])["text"][-1500:])
    return lost


@pytest.mark.parametrize(
    ("moment", "channel", "database"), [(0.15, "2.9/stable", "production"), (1.2, "3.4/stable", "test")]
)
def test_power_cut_in_each_step(make_machine: MachineMaker, moment: float, channel: str, database: str):
    machine = make_machine()
    machine.install_helper()
    machine.faults(migration_slow=0.03, snap_download=0.3)
    assert cut_in_each(machine, install(database, channel), moment) >= 3
    assert not any(take_all(machine, install(database, channel)))
    config = machine.result(verb="query", query="config")
    assert (config["mode"], config["database"], config["migrations"]) == ("region+rack", database, 40)
    cut_in_each(machine, reset(), moment)
    assert not any(take_all(machine, reset()))
    assert Inventory.model_validate(machine.result(verb="query", query="inventory")).empty


def test_a_purge_that_was_cut_is_gone_on_with(make_machine: MachineMaker):
    """It leaves the cluster stopped, and what was in it stays known until somebody starts it."""
    machine = make_machine()
    machine.install_helper()
    purge = Order("postgresql-purge", {"databases": ["maas"]})
    assert take(machine, Order("postgresql-install"))["rc"] == 0
    blocker = machine.files / "etc/apt/apt.conf.d/99blocked"
    blocker.write_text('DPkg::Pre-Invoke {"false"; };\n')
    assert take(machine, purge)["rc"] == 1
    cluster = "postgresql@15-main"
    assert machine.root("systemctl", "is-active", cluster, check=False).strip() == "inactive"
    assert machine.check(purge.step, **purge.arguments)["state"] == "todo"

    # Somebody starts it, puts something in, and stops it: nobody can say any more what is in it.
    machine.root("systemctl", "start", cluster)
    machine.root("runuser", "-u", "postgres", "--", "createdb", "shop")
    machine.root("systemctl", "stop", cluster)
    look = machine.check(purge.step, **purge.arguments)
    assert (look["state"], look["cause"]) == ("blocked", "cluster_down")
    machine.root("systemctl", "start", cluster)
    look = machine.check(purge.step, **purge.arguments)
    assert (look["state"], look["cause"]) == ("blocked", "other_databases")

    machine.root("runuser", "-u", "postgres", "--", "dropdb", "shop")
    blocker.unlink()
    assert take(machine, purge)["rc"] == 0
    assert not (machine.files / "var/lib/maasbot/purging").exists()
