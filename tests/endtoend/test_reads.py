"""What status, machines and machine tell, as the region changes under them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.endtoend.steps import buttons, confirmed, machine_of, operation_id, said, told
from tests.support.harness import OLGA, Running, running


async def shows(it: Running, *parts: str, words: str = "status") -> str:
    """Ask again until the answer holds all of these; the view follows the region with a delay."""
    text = ""
    for _ in range(30):
        text = said(await it.talk.ask(words))
        if all(part in text for part in parts):
            return text
        await asyncio.sleep(0.2)
    raise AssertionError(f"{parts} in {text}")


async def test_status_says_what_is_wrong_worst_first(tmp_path: Path) -> None:
    async with running(tmp_path, speed=10.0) as it:
        text = await shows(it, "MAAS 3.4.10 is up", "1 of 1 connected", "3 of 3 complete", "on for lab untagged")
        assert "12: 1 Broken, 1 Failed commissioning, 1 Failed testing, 2 New, 3 Ready, 1 Allocated, 3 Deployed" in text
        assert "ago" in text
        await shows(it, "Marked broken by admin: power supply 2 is dead.")
        await shows(it, "node-4", "maas-lshw failed", "node-9", "smartctl-validate", "node-8", "Incorrect password")

        root = await confirmed(it.talk, "commission node-3")
        await shows(it, "Under way", operation_id(root), "asked by olga")

        it.world.region.faults.set("dead-rack")
        text = await shows(it, "0 of 1 connected", "is not connected")
        attention = text.partition("Needs attention")[2]
        assert attention.index("is not connected") < attention.index("node-4"), "worst first"
        it.world.region.faults.clear()
        await shows(it, "1 of 1 connected")

        for vlan in it.world.region.world.network.vlans.values():
            vlan.dhcp_on = False
        it.world.region.world.network.changed()
        await shows(it, "off on every VLAN")


async def test_an_import_under_way_is_seen(tmp_path: Path) -> None:
    async with running(tmp_path, speed=1.0) as it:
        region = it.world.region
        region.faults.set("stalled-import")
        region.imports.start()
        await shows(it, "import running")


async def test_machines_by_pages(tmp_path: Path) -> None:
    async with running(tmp_path, machines=60) as it:
        page = await it.talk.ask("machines")
        text = said(page)
        assert "60 machines" in text and "page 1 of 3" in text
        assert "node-25" in text and "node-26" not in text
        assert not [name for name in buttons(page.blocks) if "previous" in name]
        for number, last in ((2, "node-50"), (3, "node-60")):
            element = next(one for name, one in buttons(page.blocks).items() if "next" in name)
            await it.world.workspace.click(
                OLGA, page.ref, element["action_id"], block_id=element["block_id"], value=element["value"]
            )
            await told(it.talk, OLGA, f"page {number} of 3", last)
            page = next(
                one
                for one in reversed(it.world.workspace.messages("C0OPS", OLGA))
                if f"page {number} of 3" in said(one)
            )
        assert not [name for name in buttons(page.blocks) if "next" in name]
        text = said(await it.talk.ask("machines status:deployed owner:admin --page 2"))
        assert "page 2" in text or "page 1 of 1" in text


async def test_a_machine_in_full(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        text = said(await it.talk.ask("machine node-5"))
        machine = machine_of(it, "node-5")
        for part in (
            "node-5",
            "Deployed",
            "locked",
            machine.system_id,
            "ipmi",
            "admin",
            machine.macs[0],
            "ubuntu",
        ):
            assert part in text, (part, text)
        text = said(await it.talk.ask("machine node-9"))
        assert "Why: " in text and "smartctl-validate failed" in text and "SMART overall-health" in text
        text = said(await it.talk.ask("machine node-3"))
        assert "0 CPU" not in text, "what was never looked at is not zero"


async def test_what_machines_are_called_is_never_markup(tmp_path: Path) -> None:
    """Tags, pools and notes are other people's words; in a channel they must not ring or link."""
    async with running(tmp_path) as it:
        hostile = "<!channel> <@U0ADAM> <https://evil.example|click> *bold* `x`"
        it.world.region.world.alter("node-3", description=hostile, status_message=hostile)
        await it.bot.regions["default"].fleet.refresh([machine_of(it, "node-3").system_id])
        answer = await it.talk.mention("machine node-3")
        assert "<!channel>" in said(answer) or "&lt;!channel&gt;" in said(answer), "it is shown as it is"
        assert "<!channel>" not in answer.text and "<@U0ADAM>" not in answer.text
        for block in answer.blocks:
            for text in _mrkdwn(block):
                assert "<!channel>" not in text and "<@U0ADAM>" not in text and "<https://evil" not in text


def _mrkdwn(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [str(node["text"])] if node.get("type") == "mrkdwn" else []
        return [*own, *(text for value in node.values() for text in _mrkdwn(value))]
    if isinstance(node, list):
        return [text for value in node for text in _mrkdwn(value)]
    return []
