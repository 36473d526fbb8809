"""A form that one bot offered is opened by another and filled in at a third: Slack sends each click to any of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.endtoend.steps import buttons
from tests.kinds.steps import agree, done, effects, entered, power_form, said
from tests.replicas.crew import crew
from tests.support.harness import OLGA, OPS, until

pytestmark = [pytest.mark.chaos, pytest.mark.long]

PASSWORD = "correct-horse-9"
FIELDS = {
    "power_address": {"sheet.power_address": "10.98.1.7"},
    "power_user": {"sheet.power_user": "root"},
    "power_pass": {"sheet.power_pass": PASSWORD},
}


async def test_a_form_outlives_the_bot_that_offered_it(tmp_path: Path, postgres_url: str) -> None:
    async with crew(tmp_path, postgres_url) as it:
        [first] = await it.start()
        workspace = it.world.workspace
        asked = await it.talk.ask("add db-9 --mac 52:54:00:aa:bb:cc --power ipmi --notes 'by hand'")
        token = buttons(asked.blocks)["sheet.open"]["value"]
        [(box,)] = it.rows("SELECT box FROM sealed")
        assert token not in box and "db-9" not in box and "response" not in box, "what is kept is sealed"
        first.kill()
        await first.gone()
        it.bots.remove(first)
        second, third = [one for _ in range(2) for one in await it.start()]

        with it.only_hears(second):
            await it.talk.click(asked, "sheet.open")
            view = (await until(lambda: workspace.views(OLGA), what="the form"))[-1]
        with it.only_hears(third):
            wrong = await workspace.submit_view(
                OLGA, view.id, {**FIELDS, "power_address": {"sheet.power_address": "10.0.0.300"}}
            )
            assert "no IP address" in str(wrong.errors)
            assert not (await workspace.submit_view(OLGA, view.id, FIELDS)).errors
        plans = await until(lambda: [one for one in workspace.messages(OPS, OLGA) if "Add db-9?" in one.text])
        assert "10.98.1.7" in said(plans[0])

        # The power parameters alone are kept now, and the button opens nothing any more, whoever hears it.
        assert it.rows("SELECT count(*) FROM sealed") == [(1,)]
        with it.only_hears(second):
            await it.talk.click(asked, "sheet.open")
            await until(
                lambda: [one for one in workspace.messages(OPS, OLGA) if "no longer open" in said(one)],
                what="the refusal",
            )
        kept = it.rows("SELECT o::text FROM operations o") + it.rows("SELECT a::text FROM audit_records a")
        assert PASSWORD not in str(kept)


async def test_power_settings_go_on_at_other_bots(tmp_path: Path, postgres_url: str) -> None:
    """Offered by one bot, entered at the second, agreed to at the third, which opens what the second sealed."""
    async with crew(tmp_path, postgres_url) as it:
        [first] = await it.start()
        machine = it.world.region.world.alter("node-3", power_type="ipmi", bmc="ok")
        offer = await it.talk.ask("power set node-3 --reason 'new board'")
        view = await power_form(it.talk, offer)
        first.kill()
        await first.gone()
        it.bots.remove(first)
        second, third = [one for _ in range(2) for one in await it.start()]
        with it.only_hears(second):
            plan = await entered(it.talk, view, {"power_pass": PASSWORD})
        [(box,)] = it.rows("SELECT box FROM sealed")
        assert PASSWORD not in box
        second.kill()
        await second.gone()
        it.bots.remove(second)
        with it.only_hears(third):
            await agree(it.talk, plan)
        await done(it.talk, plan, "now ipmi, BMC answers", timeout=40)
        assert machine.power_parameters["power_pass"] == PASSWORD
        assert effects(it.world, "node-3") == {"update": 1}
        assert it.rows("SELECT count(*) FROM sealed") == [(0,)], "MAAS has it now, so nobody keeps it"
        tables = it.rows("SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT LIKE 'pg\\_%'")
        for schema, table in tables:
            assert PASSWORD not in str(it.rows(f'SELECT t::text FROM "{schema}"."{table}" t')), table
