"""A failure in an operation's thread: the cause first, the whole log as a file, and next steps that fit."""

from __future__ import annotations

from pathlib import Path

from sandbox.maas import machine as states
from sandbox.slack import Message
from tests.endtoend.steps import confirmed, machine_of, said
from tests.support.harness import OLGA, VICTOR, Running, running, until
from tests.watches.steps import labels, press


async def reply_about(it: Running, root: Message, name: str) -> Message:
    return (await until(lambda: [one for one in it.talk.replies(root) if one.text.startswith(name)]))[0]


async def test_a_script_that_failed(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        root = await confirmed(it.talk, "commission node-4")
        reply = await reply_about(it, root, "node-4 Failed commissioning: maas-lshw failed (exit status 1).")
        # What else fits depends on the commands that there are; these two there always are.
        assert labels(reply)[:2] == ["Retry", "Power check"]
        files = await until(lambda: [one for one in it.talk.replies(root) if one.files], what="the log")
        file = it.world.workspace.files[files[0].files[0]]
        assert file.name == "node-4-maas-lshw.log"
        log = file.content.decode()
        assert log.index("lshw: terminated by signal 9") < log.index("What MAAS logged of this run, oldest first:")
        assert log.index("User starting node commissioning") < log.index("Failed commissioning")

        await press(it.talk, reply, "Retry", user=VICTOR)
        await until(lambda: [one for one in it.talk.replies(root, VICTOR) if one.ephemeral_to == VICTOR], what="a no")
        assert it.world.region.effects["commission", machine_of(it, "node-4").system_id] == 1
        it.world.region.world.alter("node-4", fail_script="")
        await until(lambda: it.bot.regions["default"].fleet.find("node-4")[0].status_name == "Failed commissioning")
        await it.talk.reads(root, "failed")
        await press(it.talk, reply, "Retry")
        plan = (await until(lambda: [one for one in it.talk.replies(root) if "Commission node-4?" in one.text]))[0]
        await it.talk.click(plan, "operation.confirm")
        await it.talk.reads(plan, "Commissioned node-4", "1 of 1 done (1 Ready)")


async def test_the_bmc_refuses(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        root = await confirmed(it.talk, "commission node-8")
        text = "node-8 Failed commissioning: The BMC refuses MAAS: wrong user or password in the power settings."
        reply = await reply_about(it, root, text)
        assert labels(reply)[:3] == ["Retry", "Power check", "Power settings"], "what the power needs comes first"
        await press(it.talk, reply, "Power check")
        answer = await until(lambda: [one for one in it.talk.replies(root) if "its BMC (ipmi) refuses" in one.text])
        assert "does not accept MAAS's user and password" in said(answer[0])


async def test_a_machine_that_never_boots(tmp_path: Path) -> None:
    async with running(tmp_path, speed=1200.0) as it:
        it.world.region.world.alter("node-3", never_boots=True)
        root = await confirmed(it.talk, "commission node-3")
        await reply_about(it, root, "node-3 Failed commissioning: The machine never reported to MAAS within 30 minutes")
        files = await until(lambda: [one for one in it.talk.replies(root) if one.files], what="the log")
        log = it.world.workspace.files[files[0].files[0]]
        assert log.name == "node-3-events.log"
        assert "timed out after 30 minutes" in log.content.decode()


async def test_a_deployment_in_the_installers_words(tmp_path: Path) -> None:
    async with running(tmp_path, machines=40) as it:
        found = it.bot.regions["default"].fleet.machines().values()
        failed = next(one for one in it.world.region.world.machines.values() if one.status == states.READY)
        assert any(one.system_id == failed.system_id for one in found)
        it.world.region.world.alter(failed.hostname, fail_deploy=True)
        user = it.world.region.world.admin
        it.world.region.lifecycle.deploy(failed, user, ("ubuntu", "jammy", "ga-22.04"), "")
        await until(lambda: failed.status == states.FAILED_DEPLOYMENT, what="the deployment to fail")
        card = await it.talk.ask(f"machine {failed.hostname}")
        text = said(card)
        assert (
            "The installer failed: sgdisk --zap-all /dev/sda failed (exit status 2) while it partitioned the disks: "
            "Problem opening /dev/sda for reading!" in text
        )
        assert OLGA


async def test_the_log_of_a_failure_is_kept_out_of_what_is_read_over_and_over(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        root = await confirmed(it.talk, "commission node-4")
        await reply_about(it, root, "node-4 Failed commissioning")
        operation = (await it.bot.operations.recent(1))[0]  # type: ignore[union-attr]
        whole = await it.bot.operations.get(operation.id)  # type: ignore[union-attr]
        assert whole.targets[0].cause is not None
        assert whole.targets[0].cause.log == ""
        kept = await it.bot.operations.failure_log(operation.id, whole.targets[0].key)  # type: ignore[union-attr]
        assert "lshw: terminated by signal 9" in kept
        assert await it.bot.operations.failure_log(operation.id, "nothing") == ""  # type: ignore[union-attr]
