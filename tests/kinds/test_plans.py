"""What the plans say, word by word. `UPDATE_GOLDEN=1 pytest tests/kinds/test_plans.py` writes the files anew."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.kinds.steps import golden
from tests.support.harness import running, words_of

PLANS = {
    "release": "release node-1 --comment 'project ended'",
    "release_and_erase": "release node-1 node-11 node-5 --secure-erase --quick-erase",
    "delete_new": "delete node-3",
    "delete_deployed": "delete node-1 node-5",
    "power_off": "power off node-1 node-2",
    "power_cycle": "power cycle node-1",
}


@pytest.mark.parametrize("name", PLANS)
async def test_plan_reads_as_recorded(tmp_path: Path, name: str) -> None:
    async with running(tmp_path) as it:
        plan = await it.talk.ask(PLANS[name])
    text = words_of(plan.blocks).partition(" Ask for approval ")[0]
    text = re.sub(r"op-[0-9a-z]+", "op-ID", text)
    golden(name, re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "TIME", re.sub(r" {2,}", "  ", text)) + "\n")
