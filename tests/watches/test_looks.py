"""What watches tell, and a machine's card, as Slack gets them. `UPDATE_GOLDEN=1 pytest tests/watches` writes anew."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from bot.maas.causes import Cause
from bot.maas.machine_detail import Disk, Interface, Link, MachineDetail
from bot.maas.models import Event, Machine, MachineStatus
from bot.message import Button, Mark, Message
from bot.slack.render import Surface, render
from bot.watches import view
from bot.watches.records import Happening, Notice, Sort, Watch, What
from commands import machine_card
from tests.slack.blockcheck import check

GOLDEN = Path(__file__).parent / "golden"
AT = 1795766000.0

WATCH = Watch("w-1", "T0", "C0", "", What.FAILURES, "default", "", "U0ADAM", "adam", AT)
NEW = Machine(
    "4gmh7n",
    "able-heron",
    "able-heron.maas",
    MachineStatus.NEW,
    "New",
    power_type="ipmi",
    power_state="off",
    architecture="amd64/generic",
    boot_mac="52:54:00:00:00:10",
    pool="default",
    zone="rack-a",
)
DEPLOYED = replace(
    NEW,
    hostname="node-1",
    status=MachineStatus.DEPLOYED,
    status_name="Deployed",
    status_message="Deployed",
    power_state="on",
    owner="olga",
    osystem="ubuntu",
    distro_series="jammy",
    cpu_count=32,
    memory=131072,
    vendor="Dell Inc.",
    product="PowerEdge R640",
    tags=("ssd", "bigmem"),
    description="*not bold* <!channel> `x`",
)
DETAIL = MachineDetail(
    (
        Interface("eth0", "52:54:00:00:00:10", links=(Link("auto", "10.98.0.12", "10.98.0.0/16"),), fabric="lab"),
        Interface("eth1", link_connected=False, fabric="lab", vlan="untagged"),
    ),
    (Disk("sda", size=480_000_000_000, model="SAMSUNG MZ7", tags=("ssd",)), Disk("sdb", size=6_000_000_000_000)),
    "ga-22.04",
)
CAUSE = Cause("maas-lshw failed (exit status 1).", "maas-lshw", "lshw: terminated by signal 9", "script", "all of it")
BUTTONS = [Button("Commission", "words.run", "commission id:4gmh7n"), Button("Ignore", view.IGNORE, "watch:1")]


def notice(sort: Sort, name: str, text: str, **more: object) -> Notice:
    happening = Happening(sort, name, name, text, Mark.FAIL, at=AT)
    return Notice(f"n-{name}", WATCH, replace(happening, **more), AT)  # type: ignore[arg-type]


FAILED = [notice(Sort.FAILED, f"node-{number}", "Failed commissioning") for number in range(30, 0, -1)]
EVENTS = [
    Event(3, "4gmh7n", "node-1", "INFO", "Sun, 22 Nov. 2026 08:38:03", "Deployed"),
    Event(2, "4gmh7n", "node-1", "DEBUG", "Sun, 22 Nov. 2026 08:30:00", "Node changed status", "From 'Ready'"),
    Event(1, "4gmh7n", "node-1", "DEBUG", "Sun, 22 Nov. 2026 08:29:59", "User starting deployment", "(olga)"),
]
ALL: dict[str, Message] = {
    "appeared": view.appeared(notice(Sort.APPEARED, "calm-otter", "New", mentions=("U0OLGA",)), NEW, BUTTONS),
    "appeared_settled": view.appeared(
        replace(notice(Sort.APPEARED, "able-heron", "New"), settled="Ignored by olga."), NEW, BUTTONS
    ),
    "appeared_gone": view.appeared(notice(Sort.APPEARED, "able-heron", "New"), None, []),
    "failed": view.failed(notice(Sort.FAILED, "able-heron", "Failed commissioning"), NEW, CAUSE, None, BUTTONS),
    "failed_unknown": view.failed(notice(Sort.FAILED, "able-heron", "Failed commissioning"), None, None, None, []),
    "stuck": view.stuck(
        notice(Sort.STUCK, "node-1", "Deploying for 2 h 10 min; here it usually takes 12 min"), DEPLOYED, BUTTONS
    ),
    "told": view.told(notice(Sort.TOLD, "rack", "Rack rack-1 is not connected any more.", remedy="/maas status")),
    "digest_failed": view.digest(FAILED, {one.happening.subject: CAUSE for one in FAILED[:25]}, BUTTONS),
    "card": machine_card.message(machine_card.Card(DEPLOYED, DETAIL, events=EVENTS, buttons=BUTTONS)),
    "card_failed": machine_card.message(
        machine_card.Card(
            replace(NEW, status=MachineStatus.FAILED_COMMISSIONING, status_name="Failed commissioning"), cause=CAUSE
        )
    ),
}


@pytest.mark.parametrize("name", sorted(ALL))
def test_message_looks_as_recorded(name: str) -> None:
    rendered = render(ALL[name], native=True)
    check(rendered.blocks, "message")
    shown = {"text": rendered.text, "blocks": rendered.blocks, "files": [one.name for one in rendered.files]}
    text = json.dumps(shown, indent=1, ensure_ascii=False) + "\n"
    path = GOLDEN / f"{name}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(ALL))
def test_plain_blocks_and_home_take_it(name: str) -> None:
    check(render(ALL[name], native=False).blocks, "message")
    check(render(ALL[name], surface=Surface.HOME).blocks, "home")
