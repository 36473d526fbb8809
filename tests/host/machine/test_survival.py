"""A job outlives whoever asked for it: the connection, the session, the network; and there is one at a time."""

from __future__ import annotations

import json
import subprocess
import time

import pytest

from bot.host.protocol import HELPER_PATH
from tests.host.machine.story import Order, begin, take
from tests.support.host_machine import Machine

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture(scope="module", autouse=True)
def slow_store(machine: Machine) -> None:
    assert take(machine, Order("snapd"))["rc"] == 0
    machine.faults(snap_download=1.5)


def order(name: str) -> Order:
    return Order("snap-install", {"snap": name, "channel": "2.9/stable"})


def remove(machine: Machine, name: str) -> None:
    assert take(machine, Order("snap-remove", {"snap": name}))["rc"] == 0


def test_the_end_of_the_session_is_not_the_end_of_the_job(machine: Machine):
    request = {"protocol": 1, "verb": "run", "job": "op-session", "step": "snap-install"}
    request["arguments"] = {"snap": "maas-cli", "channel": "2.9/stable"}
    answer = json.loads(machine.ssh([HELPER_PATH], json.dumps(request)).stdout)
    assert answer["result"]["fresh"] is True
    machine.root(
        "sh",
        "-c",
        "for one in $(loginctl list-sessions --no-legend | awk '{print $1}'); do loginctl terminate-session $one; done",
    )
    machine.root("pkill", "-KILL", "-u", "maasbot", check=False)
    assert machine.wait("op-session")["rc"] == 0
    remove(machine, "maas-cli")


def test_a_connection_that_dies_while_it_asks_leaves_one_job(machine: Machine):
    """The bot is killed before it learns the answer; the next one sends the same again."""
    request = {"protocol": 1, "verb": "run", "job": "op-killed", "step": "snap-install"}
    request["arguments"] = {"snap": "maas-cli", "channel": "2.9/stable"}
    for moment in (0.05, 0.4):
        known = machine.folder / "known_hosts"
        known.write_text(machine.host_key(), encoding="utf-8")
        options = ["-F", "none", "-T", "-i", str(machine.key), "-o", f"UserKnownHostsFile={known}"]
        client = subprocess.Popen(
            ["ssh", *options, f"maasbot@{machine.address}", HELPER_PATH],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert client.stdin is not None
        client.stdin.write(json.dumps(request).encode())
        client.stdin.close()
        time.sleep(moment)
        client.kill()
        client.wait()
    again = machine.ask(**{key: value for key, value in request.items() if key != "protocol"})
    assert again["result"]["state"] in ("running", "done")
    assert machine.wait("op-killed")["outcome"]["changed"] is True
    changes = machine.root("snap", "changes")
    assert changes.count('Install "maas-cli"') == 2  # the one of the test before, and this
    remove(machine, "maas-cli")


def test_a_network_that_is_down_for_a_while_is_not_noticed_by_the_job(machine: Machine):
    job = begin(machine, order("maas-cli"))
    machine.link(up=False)
    time.sleep(3)
    machine.link(up=True)
    told = machine.ask_by_ssh(verb="status", job=job, wait=20, offset=0)["result"]
    while told["state"] == "running":
        told = machine.ask_by_ssh(verb="status", job=job, wait=20)["result"]
    assert told["rc"] == 0
    remove(machine, "maas-cli")


def test_a_second_bot_is_told_who_is_at_work(machine: Machine):
    job = begin(machine, order("maas-cli"))
    refused = machine.ask(verb="run", job="op-second", step="snap-remove", arguments={"snap": "maas"})
    assert refused["error"]["code"] == "busy"
    assert refused["error"]["holder"]["job"] == job
    assert refused["error"]["holder"]["step"] == "snap-install"
    # Reading goes on meanwhile, and the progress is snapd's own.
    assert machine.result(verb="query", query="facts")["job"] == job
    seen = set()
    told = machine.result(verb="status", job=job)
    while told["state"] == "running":
        seen.add((told.get("progress") or {}).get("percent"))
        time.sleep(0.3)
        told = machine.result(verb="status", job=job)
    assert seen & {17, 48, 93}
    remove(machine, "maas-cli")


def test_a_change_that_runs_already_is_waited_for(machine: Machine):
    machine.root("snap", "install", "--no-wait", "--channel=2.9/stable", "maas-cli")
    told = take(machine, Order("snap-remove", {"snap": "maas-cli"}))
    assert (told["rc"], told["outcome"]["changed"]) == (0, True)
    assert machine.root("snap", "list", "maas-cli", check=False) == "error: no matching snaps installed\n"
