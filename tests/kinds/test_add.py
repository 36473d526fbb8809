"""`/maas add`: a machine by its MAC address; how its power is reached is asked for in a form and seen by nobody."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.endtoend.steps import rows
from tests.kinds.steps import agree, done, machine, refused, said
from tests.support.harness import OLGA, OPS, Running, running, until, words_of

PASSWORD = "correct-horse-9"


async def filled(it: Running, words: str, values: dict[str, str]) -> Any:
    """Ask, fill in the sheet, and wait for the plan."""
    asked = await it.talk.ask(words)
    assert "not in the channel" in said(asked)
    await it.talk.click(asked, "sheet.open")
    view = (await until(lambda: it.talk.workspace.views(OLGA), what="the sheet"))[-1]
    before = {one.ts for one in it.talk.workspace.messages(OPS, OLGA)}
    fields = {name: {f"sheet.{name}": value} for name, value in values.items()}
    outcome = await it.talk.workspace.submit_view(OLGA, view.id, fields)
    assert not outcome.errors, outcome.errors
    return await until(
        lambda: next((one for one in it.talk.workspace.messages(OPS, OLGA) if one.ts not in before), None),
        what="the plan",
    )


async def test_a_machine_with_a_bmc(tmp_path: Path) -> None:
    power = {"power_address": "10.98.1.7", "power_user": "root", "power_pass": PASSWORD}
    async with running(tmp_path) as it:
        plan = await filled(it, "add db-9 --mac 52-54-00-AA-BB-CC --power IPMI --pool gpu --notes 'row 4'", power)
        text = said(plan)
        assert "Add db-9?" in text and "52:54:00:aa:bb:cc" in text and "10.98.1.7" in text
        it.world.region.faults.set("reset", count=1, method="POST", path="machines/")  # its answer is lost
        await agree(it.talk, plan)
        await done(it.talk, plan, "Added db-9", "next: /maas commission db-9")
        one = machine(it.world, "db-9")
        assert one.status_name == "New" and one.macs == ["52:54:00:aa:bb:cc"]
        assert one.power_parameters["power_pass"] == PASSWORD and one.description == "row 4"
        assert it.world.region.effects["create", one.system_id] == 1
        assert sum(m.hostname == "db-9" for m in it.world.region.world.machines.values()) == 1
        await asyncio.sleep(0.3)
        written = b"".join(file.read_bytes() for file in (tmp_path / "bot").rglob("*") if file.is_file())
        assert PASSWORD.encode() not in written
        assert rows(tmp_path, "SELECT count(*) FROM sealed") == [(0,)], "MAAS has it now, so nobody keeps it"
        shown = " ".join(words_of(m.blocks) + m.text for m in it.talk.workspace.messages(OPS, OLGA))
        assert PASSWORD not in shown


async def test_what_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        taken = machine(it.world, "node-1").macs[0]
        for words, says in [
            ("add", "A machine is known by its MAC address"),
            ("add db-1 --mac 52:54:00:00:00:zz --power manual", "is no MAC address"),
            ("add db-1 --mac 52:54:00:aa:bb:01 --power ipm", "Did you mean ipmi?"),
            (f"add db-1 --mac {taken} --power manual", "is that of node-1 already"),
            ("add node-2 --mac 52:54:00:aa:bb:01 --power manual", "another machine is called so already"),
            ("add db_1 --mac 52:54:00:aa:bb:01 --power manual", "is no host name"),
            ("add db-1 --mac 52:54:00:aa:bb:01 --power manual --pool nope", "There is no pool nope"),
            ("add db-1 --mac 52:54:00:aa:bb:01 --power manual --arch sparc", "There is no architecture sparc"),
        ]:
            text = await refused(it.talk, words)
            assert says in " ".join(text.split()), (words, text)
        asked = await it.talk.ask("add db-1 --mac 52:54:00:aa:bb:01 --power redfish")
        await it.talk.click(asked, "sheet.open")
        view = (await until(lambda: it.talk.workspace.views(OLGA), what="the sheet"))[-1]
        fields = {"power_address": {"sheet.power_address": "10.0.0.300"}}
        outcome = await it.talk.workspace.submit_view(OLGA, view.id, fields)
        assert "no IP address" in str(outcome.errors)


async def test_by_hand_and_what_maas_says(tmp_path: Path) -> None:
    async with running(tmp_path, version="2.9.3") as it:
        plan = await it.talk.ask("add --mac 52:54:00:aa:bb:02 --power manual --arch ppc64el")
        assert "somebody presses the button each time" in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, "failed", "is not a valid architecture")
