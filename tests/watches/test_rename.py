"""A new machine gets its name from a form below its announcement."""

from __future__ import annotations

from pathlib import Path

from commands.catalogue import build_catalog
from sandbox.slack import View
from tests.support.harness import OLGA, until
from tests.watches.steps import labels, place, press, said


async def test_rename_by_a_form(tmp_path: Path) -> None:
    async with place(tmp_path) as it:
        await it.watch("machines")
        fresh = it.appears("able-heron")
        told = await it.hears("able-heron appeared in MAAS")
        if build_catalog().get("rename") is None:
            assert labels(told)[:1] == ["Commission"], "what there is no command for is not offered"
            return
        assert labels(told)[:2] == ["Rename", "Commission"]
        await press(it.talk, told, "Rename")
        view: View = (await until(lambda: it.world.workspace.views(OLGA), what="the form"))[-1]
        missing = await it.world.workspace.submit_view(OLGA, view.id, {"word": {"words.more": " "}})
        assert missing.result != "closed"
        outcome = await it.world.workspace.submit_view(OLGA, view.id, {"word": {"words.more": "db-1"}})
        assert outcome.result == "closed", outcome
        plan = await it.hears("Rename able-heron")
        assert fresh.hostname == "able-heron", "the plan is shown first"
        await it.talk.click(plan, "operation.confirm")
        await until(lambda: fresh.hostname == "db-1", what="the new name")
        await it.talk.reads(told, "db-1 appeared in MAAS (it appeared as able-heron)")
        assert "Rename" in said(it.talk.now(told))
