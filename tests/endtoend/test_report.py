"""`/maas report`: work, causes and states of a week, as chart, as table, and as a picture in a thread."""

from __future__ import annotations

from pathlib import Path

from sandbox.slack.model import File
from tests.endtoend.steps import confirmed, said
from tests.support.harness import OLGA, running, until
from tests.support.history import remember


def pictures(files: dict[str, File]) -> list[File]:
    return [one for one in files.values() if one.shared and one.name.endswith(".png")]


async def test_a_week_in_one_message(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        empty = said(await it.talk.ask("report"))
        assert "Nothing was done through me" in empty and "not enough of them yet for a chart" in empty
        assert "1 to 90 days" in said(await it.talk.ask("report --days 400"))

        remember(tmp_path, 6)
        root = await confirmed(it.talk, "commission node-3 node-7")
        await it.talk.reads(root, "1 of 2", timeout=40)
        answer = await it.talk.ask("report --days 7")
        text = said(answer)
        assert "commission 1 done, 1 failed" in text
        assert "Why it failed" in text and "node-7" in text
        [chart] = [block for block in answer.blocks if block["type"] == "data_visualization"]
        lines = {one["name"]: [point["value"] for point in one["data"]] for one in chart["chart"]["series"]}
        assert {"Ready", "Deployed", "Failed", "Broken"} <= set(lines)
        assert len(set(lines["Ready"])) > 1
        files = it.world.workspace.files
        assert not pictures(files), "an answer to one person has no thread for a file"
        assert "gives the chart as a picture" in text

        reply = await it.talk.mention("report")
        assert any(block["type"] == "data_visualization" for block in reply.blocks)
        await until(lambda: pictures(files), 20, "the picture in the thread")
        [picture] = pictures(files)
        assert picture.name.startswith("states-default-") and picture.name.endswith(".png")
        assert picture.content.startswith(b"\x89PNG")

        it.world.workspace.faults.set("no-native-blocks")
        plain = await it.talk.ask("report", user=OLGA)
        assert not [block for block in plain.blocks if block["type"].startswith("data_")]
        text = said(plain)
        assert "Machines by state, default" in text and "Deployed" in text and "commission" in text
