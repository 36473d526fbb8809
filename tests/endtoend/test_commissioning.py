"""`/maas commission` from the words to the outcome, over real sockets on both sides."""

from __future__ import annotations

from pathlib import Path

from tests.endtoend.steps import CONFIRM, asked, confirmed, machine_of, operation_id, said, told
from tests.support.harness import ADAM, OLGA, OPS, VICTOR, running, until


async def test_a_machine_becomes_ready_in_one_thread(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        plan = await it.talk.ask("commission node-3")
        text = it.talk.read(plan)
        assert "Commission node-3?" in text
        assert "New" in text
        assert asked(it, "node-3") == 0

        await it.talk.click(plan, CONFIRM)
        await it.talk.reads(plan, "Commissioned", "1 of 1 done (1 Ready)")
        assert asked(it, "node-3") == 1
        assert CONFIRM not in str(it.talk.now(plan).blocks)
        farewell = await until(lambda: [one for one in it.talk.replies(plan) if OLGA in str(one.blocks)])
        assert "1 Ready" in farewell[0].text
        posted = [one for one in it.world.workspace.messages(OPS, OLGA) if one.bot_id]
        assert [one.ts for one in posted] == [plan.ts], "one root message, edited in place"


async def test_a_failure_says_why_with_the_scripts_tail(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        assert machine_of(it, "node-4").manners.fail_script == "maas-lshw"
        root = await confirmed(it.talk, "commission node-4")
        await it.talk.reads(root, "failed", "Failed commissioning", "maas-lshw failed")
        reply = (await until(lambda: [one for one in it.talk.replies(root) if "node-4" in one.text]))[0]
        text = said(reply)
        assert reply.text.startswith("node-4 Failed commissioning: maas-lshw failed"), "the cause comes first"
        assert "lshw: terminated by signal 9" in text, "the script's own last words"
        assert "/maas machine node-4" in text
        assert "/maas retry op-" in text
        assert "node-4 is Failed commissioning. Why: maas-lshw failed" in said(await it.talk.ask("machine node-4"))
        assert "maas-lshw failed" in said(await it.talk.ask(f"op {operation_id(root)}"))


async def test_only_the_requester_confirms(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        plan = await it.talk.ask("commission node-3")
        await it.talk.click(plan, CONFIRM, user=VICTOR)
        await told(it.talk, VICTOR, "needs the role operator")
        await it.talk.click(plan, CONFIRM, user=ADAM)
        await told(it.talk, ADAM, "Only olga")
        assert not it.world.region.effects


async def test_the_options_reach_maas_under_its_own_names(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        words = (
            "commission node-3 --enable-ssh --skip-bmc-config --skip_networking --skip-storage"
            " --testing-scripts smartctl-validate,7z"
            " --parameters smartctl-validate_storage=sda"
        )
        plan = await it.talk.ask(words)
        text = said(plan)
        assert "stays on with SSH open" in text
        assert "smartctl-validate, 7z" in text
        assert "Kept as configured: BMC, network, storage" in text
        await it.talk.click(plan, CONFIRM)
        await until(lambda: asked(it, "node-3"))
        machine = machine_of(it, "node-3")
        assert machine.enable_ssh
        run, tests = it.world.region.world.sets_of(machine)[::-1]
        assert "30-maas-01-bmc-config" not in {one.name for one in run.results}, "skip_bmc_config"
        assert {one.name for one in tests.results} == {"smartctl-validate", "7z"}
        await it.talk.reads(plan, "Commissioned node-3")


async def test_no_tests_means_none(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        root = await confirmed(it.talk, "commission node-3 --testing-scripts none")
        await it.talk.reads(root, "Commissioned node-3")
        assert any("no hardware tests" in str(shown.blocks) for shown in it.talk.now(root).versions)
        assert machine_of(it, "node-3").testing_set is None
        assert machine_of(it, "node-3").enable_ssh is False
