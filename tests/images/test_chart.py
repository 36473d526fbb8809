"""The picture of an import: what arrived over time, also where it stood still, and what stays of it at the end."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bot.maas.image_reader import Images
from bot.maas.import_state import ImportFollower, Phase
from bot.message import Message
from bot.slack.render import render
from commands.import_chart import import_chart
from tests.images.test_operations import SLOWLY
from tests.images.test_state import MIB, one, running
from tests.slack.blockcheck import check
from tests.support.harness import running as bot_running
from tests.support.harness import until

GOLDEN = Path(__file__).parent / "golden"


def stalled() -> ImportFollower:
    """Ten minutes at 1 MiB/s, then nothing for twelve."""
    follower = ImportFollower()
    for second in range(0, 22 * 60, 5):
        follower.look(running(one("focal", min(second, 600) * MIB, 1000 * MIB)), float(second))
    return follower


def test_a_stall_is_a_flat_line_and_its_end_is_told() -> None:
    follower = stalled()
    assert follower.state.phase is Phase.STALLED
    chart = import_chart(follower.state)
    assert chart is not None
    assert chart.moments == ["0 min", "2 min", "4 min", "6 min", "8 min", "10 min", "12 min", "14 min", "16 min",
                             "18 min", "20 min", "now"]  # fmt: skip
    lines = dict(chart.series)
    assert lines["To load"] == [1049.0] * 12
    assert list(lines["Arrived"])[:3] == [0.0, 126.0, 252.0] and set(lines["Arrived"][5:]) == {629.0}
    follower.look(Images((one("focal", 1000 * MIB, 1000 * MIB),)), 1500.0)
    chart = import_chart(follower.state)
    assert chart is not None
    assert (chart.title, chart.moments[-1]) == ("Import until 00:25 UTC, MB", "end")
    assert dict(chart.series)["Arrived"][-1] == 1049.0
    follower.look(Images((one("focal", 1000 * MIB, 1000 * MIB),)), 1500.0 + 3601.0)
    assert import_chart(follower.state) is None, "what ended long ago is no news"


def test_days_of_crawling_keep_few_moments_and_the_first() -> None:
    follower = ImportFollower()
    for look in range(5000):
        follower.look(running(one("focal", look * MIB, 9000 * MIB)), 60.0 * look)
    assert len(follower.state.course) <= 240 and follower.state.course[0].at == 0.0
    chart = import_chart(follower.state)
    assert chart is not None
    assert len(chart.moments) == len(set(chart.moments)) <= 16
    arrived = list(dict(chart.series)["Arrived"])
    assert arrived == sorted(arrived) and arrived[-1] == round(4999 * MIB / 10**6)


def test_nothing_seen_yet_is_no_chart() -> None:
    follower = ImportFollower()
    assert import_chart(follower.look(Images(), 0.0)) is None
    assert import_chart(follower.look(running(), 1.0)) is None


@pytest.mark.parametrize("form", ["native", "plain"])
def test_it_looks_as_recorded(form: str) -> None:
    chart = import_chart(stalled().state)
    assert chart is not None
    rendered = render(Message("The import", (chart,)), native=form == "native")
    check(rendered.blocks, "message")
    path, text = GOLDEN / f"import.{form}.json", json.dumps(rendered.blocks, indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_what_there_is_to_load_is_not_nothing_while_the_index_is_read() -> None:
    follower = ImportFollower()
    for second in range(0, 20, 5):
        follower.look(running(), float(second))
    chart = import_chart(follower.look(running(one("focal", MIB, 100 * MIB)), 20.0))
    assert chart is not None
    assert set(dict(chart.series)["To load"]) == {105.0}


async def test_a_mention_gets_the_picture_too(tmp_path: Path) -> None:
    async with bot_running(tmp_path, speed=20.0) as it:
        images, region = it.world.region.world.images, it.bot.regions["default"]
        images.select(images.sources[0], "bionic")
        it.world.region.faults.set("slow-mirror", rate=SLOWLY)
        await region.api.start_import()
        await until(lambda: len(region.imports.state.course) > 2 and region.imports.state.total, what="the import")
        answer = await it.talk.mention("images")
        [chart] = [block for block in answer.blocks if block["type"] == "data_visualization"]
        assert {one["name"] for one in chart["chart"]["series"]} == {"Arrived", "To load"}
        files = it.world.workspace.files
        await until(lambda: [one for one in files.values() if one.shared], 20, "the picture in the thread")
        [picture] = files.values()
        assert picture.name == "import-default.png" and picture.content.startswith(b"\x89PNG")
        await until(lambda: region.imports.state.last, 30, what="the end of the import")
        ended = await it.talk.ask("images")
        assert "Import until" in str([block for block in ended.blocks if block["type"] == "data_visualization"])
        assert len(files) == 1, "an answer to one person has no thread for a file"
