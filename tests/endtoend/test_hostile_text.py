"""Text that looks like markup, mentions or links stays text, wherever a person can put it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.harness import ANDREA, OLGA, running, until

HOSTILE = [
    "<!channel> wake up",
    "<@U0ADAM> is to blame",
    "<https://evil.example|MAAS>",
    "*bold* _it_ `code` ~no~",
    "</script><b>x</b> &amp; &lt;!here&gt;",
    "\u202egnihton\u202c",
]


def elements(node: Any) -> list[dict[str, Any]]:
    """Every object in some blocks."""
    found = []
    if isinstance(node, dict):
        found.append(node)
        for value in node.values():
            found += elements(value)
    elif isinstance(node, list):
        for one in node:
            found += elements(one)
    return found


def harmless(blocks: list[dict[str, Any]]) -> None:
    """No broadcast, no foreign link, no mention of somebody who has nothing to do with it, no bidi override."""
    text = json.dumps(blocks, ensure_ascii=False)
    assert "\u202e" not in text
    for element in elements(blocks):
        assert element.get("type") != "broadcast"
        if element.get("type") == "user":
            assert element["user_id"] != "U0ADAM"
        if element.get("type") == "link":
            assert "evil.example" not in element["url"]
        if element.get("type") == "mrkdwn":
            for mark in ("<!channel", "<!here", "<@U0ADAM", "<https://evil"):
                assert mark not in element["text"]


@pytest.mark.parametrize("text", HOSTILE)
async def test_a_reason_is_shown_letter_by_letter(tmp_path: Path, text: str) -> None:
    async with running(tmp_path) as it:
        workspace = it.world.workspace
        root = await it.talk.ask("release node-1")
        await it.talk.click(root, "ask.approval")
        view = (await until(lambda: workspace.views(OLGA)))[-1]
        await workspace.submit_view(OLGA, view.id, {"reason": {"decide.reason": f"disk {text}"}})
        card = await until(
            lambda: [one for one in workspace.messages("C0APPROVE", ANDREA) if "Approval wanted" in one.text]
        )
        harmless(card[-1].blocks)
        await it.talk.reads(root, "Waiting for approval")
        harmless(it.talk.now(root).blocks)
        answer = await it.talk.ask("audit node-1")
        harmless(answer.blocks)


async def test_a_hostname_and_its_messages_are_shown_letter_by_letter(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        name = "x<!channel>\u202e*b*`c`\x07"
        it.world.region.world.alter("node-3", hostname=name, description="<https://evil.example|x> <!here>")
        fleet = it.bot.regions["default"].fleet
        system_id = it.world.region.world.machine(name).system_id
        fleet.bump(system_id)
        await until(lambda: (found := fleet.get(system_id)) is not None and found.hostname == name)
        for words in (f"machine {system_id}", "machines", f"commission {system_id}", "status"):
            answer = await it.talk.ask(words)
            harmless(answer.blocks)
