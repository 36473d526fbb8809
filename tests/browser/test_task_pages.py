"""The pages of docs/ about machines, walked as a new user would: every command that they quote, in the browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Locator, expect

from sandbox.demo import World
from sandbox.maas import machine as states
from tests.browser.conftest import Open, at, shoot, shown, type_in
from tests.browser.walking import PATIENCE, Walk

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.asyncio(loop_scope="session")]


def deployed(world: World, name: str, **fields: object) -> None:
    """A machine that runs a system."""
    world.region.world.add_machine(
        name,
        status=states.DEPLOYED,
        owner="admin",
        osystem="ubuntu",
        distro_series="jammy",
        power_state="on",
        hardware="small",
        found="small",
        subnet=2,
        ever_passed=True,
        netboot=False,
        **{"commissioning_set": None, **fields},
    )


async def starts(name: str, world: World, open_page: Open) -> Walk:
    return Walk(name, await open_page(at(world)), await open_page(at(world, "U0ANDREA", "C0APPROVE")))


async def shows(message: Locator, *parts: str) -> None:
    for part in parts:
        await expect(message).to_contain_text(part, timeout=PATIENCE)


async def test_replace_a_failed_disk(tmp_path: Path, open_page: Open) -> None:
    def prepare(world: World) -> None:
        deployed(world, "db-1")
        deployed(world, "db-2")
        world.region.world.alter("db-1", fail_test="smartctl-validate")

    async with shown(tmp_path, prepare=prepare) as world:
        walk = await starts("failed-disk.md", world, open_page)
        # 1, a disk that its test finds
        await shows(await walk.types("/maas machine db-1"), "db-1 Deployed", "Owner admin")
        plan = await walk.types("/maas test db-1 --scripts smartctl-validate")
        await walk.agrees(plan, "failed")
        await shows(await walk.opens(plan), "smartctl-validate on sda failed")
        await walk.look()
        assert world.region.world.machine("db-1").status_name == "Failed testing"

        # 1, to look at it oneself; 2, out of service: another one, which its test did not find
        plan = await walk.types("/maas rescue on db-1", db_1="db-2")
        await walk.agrees(plan, "Put into rescue mode db-2")
        plan = await walk.types("/maas rescue off db-1", db_1="db-2")
        await walk.agrees(plan, "Took out of rescue mode db-2")
        await shows(await walk.types("/maas owner db-1", db_1="db-2"), "admin")
        await walk.agrees(await walk.types("/maas release db-1", db_1="db-2"), "Released db-2")
        plan = await walk.types('/maas broken db-1 --comment "sda fails, replacement ordered"', db_1="db-2")
        await shows(plan, "allocated")
        await walk.agrees(plan, "Marked broken db-2")
        assert world.region.world.machine("db-2").status_name == "Broken"

        # 3, the disk of both is replaced
        await shows(await walk.types("/maas power status db-1"), "db-1")
        if world.region.world.machine("db-1").power_state == "on":
            await walk.agrees(await walk.types("/maas power off db-1"), "Powered off db-1")
        else:
            await shows(await walk.types("/maas power off db-1"), "off already")
        world.region.world.alter("db-1", fail_test="")

        # 4, back into service: one is tested, of the other it is taken for granted
        plan = await walk.types("/maas commission db-1 --testing-scripts smartctl-validate,badblocks")
        await walk.agrees(plan, "Commissioned db-1")
        await walk.agrees(await walk.types("/maas fixed db-1", db_1="db-2"), "Marked fixed db-2")
        await walk.agrees(await walk.types("/maas tag db-1 --name disk-replaced-2026-11"), "Tagged db-1")
        await walk.agrees(await walk.types('/maas notes db-1 --text "…"'), "Changed the notes of db-1")
        assert [world.region.world.machine(name).status_name for name in ("db-1", "db-2")] == ["Ready", "Ready"]
        walk.over()


async def test_reinstall_ten_machines(tmp_path: Path, open_page: Open) -> None:
    def prepare(world: World) -> None:
        for number in range(1, 11):
            deployed(world, f"web-{number}", tags=["web"])
        world.region.world.tags["web"] = type(next(iter(world.region.world.tags.values())))(90, "web")
        for name in ("web-1", "web-5"):
            world.region.world.alter(name, fail_deploy=True)

    async with shown(tmp_path, prepare=prepare) as world:
        walk = await starts("reinstall.md", world, open_page)
        await shows(await walk.types("/maas machines tag:web+status:deployed"), "10 machines", "web-10")
        plan = await walk.types('/maas release tag:web --comment "reinstall with noble"')
        await shows(plan, "Release 10 machines?", "What will be lost", "web-7")
        await walk.agrees(plan, "10 of 10 done")

        # what cloud-init is to do, by the form; not confirmed
        answer = await walk.types("@maas deploy tag:web --series noble --cloud-init")
        await answer.get_by_role("button").first.click()
        form = walk.olga.get_by_role("dialog").last
        await form.locator("textarea").fill("packages: [htop]")
        await form.get_by_role("button", name="Continue").or_(form.locator("button[type=submit]")).first.click()
        await shows(form, "#cloud-config")
        await walk.look()
        await form.locator("textarea").fill("#cloud-config\npackages: [htop]\n")
        await form.locator("button[type=submit]").click()
        plan = await walk.finds("Deploy ubuntu/noble to 10 machines?")
        await shows(plan, "cloud-init")
        await walk.look()
        await plan.locator("[data-action-id^='operation.withdraw']").first.click()

        # the first one fails: the others are left alone
        plan = await walk.types("/maas deploy tag:web --series noble --canary 1 --stop-after 2")
        await shows(plan, "web-1")
        await walk.agrees(plan, "1 of 10 failed", "9 not begun")
        await shows(await walk.opens(plan), "web-1", "curtin")
        await walk.look()
        number = (await plan.inner_text()).partition("op-")[2][:4]
        rest = await walk.types("/maas retry op-4k2f --only rest", **{"op_4k2f": f"op-{number}"})
        world.region.world.alter("web-1", fail_deploy=False)
        await walk.agrees(rest, "1 of 9 failed")
        await shows(rest, "Retry the 1 that failed")
        world.region.world.alter("web-5", fail_deploy=False)
        # a machine whose deployment failed is given back first
        thread = await walk.opens(rest)
        await thread.get_by_role("button", name="Release").first.click()
        await walk.agrees(await walk.finds("Release web-5?"), "Released web-5")
        number = (await rest.inner_text()).partition("op-")[2][:4]
        again = await walk.types("/maas retry op-4k2f --only failed", **{"op_4k2f": f"op-{number}"})
        await walk.agrees(again, "Deployed web-5")
        web = [one for one in world.region.world.machines.values() if "web" in one.tags]
        assert sorted(one.hostname for one in web if one.status_name != "Deployed") == ["web-1"]
        walk.over()


async def test_bring_in_a_new_machine(tmp_path: Path, open_page: Open) -> None:
    async with shown(tmp_path) as world:
        walk = await starts("new-machine.md", world, open_page)
        await shows(await walk.types("@maas guide pxe"), "I'll say so in this thread when it appears")
        guide = await walk.types("/maas guide pxe")
        await shows(guide, "I'll say so here when it appears")
        known = set(world.region.world.machines)
        world.region.faults.set("machine-appears")
        news = await walk.finds("appeared")
        await shows(news, "@Olga Operator")
        await walk.look()
        [made] = set(world.region.world.machines) - known
        heron = world.region.world.machines[made].hostname
        await news.get_by_role("button", name="Commission").click()
        plan = await walk.finds(f"Commission {heron}?")
        await walk.agrees(plan, f"Commissioned {heron}")

        # its power
        world.region.world.alter(heron, power_type="ipmi", bmc="wrong-password")
        offer = await walk.types("/maas power set NAME", NAME=heron)
        await offer.get_by_role("button", name="Power settings").click()
        form = walk.olga.get_by_role("dialog", name="Power settings")
        await expect(
            form.locator("[data-block-id='ipmi.power_pass'] input, [name*='power_pass']").first
        ).to_be_visible()
        await walk.look()
        await form.locator("[data-block-id='ipmi.power_pass'] input, [name*='power_pass']").first.fill("hunter2")
        world.region.world.alter(heron, bmc="ok")
        await form.locator("button[type=submit]").click()
        plan = await walk.finds(f"Set the power settings of {heron}?")
        await walk.agrees(plan, "now ipmi, BMC answers")
        await shows(await walk.types("/maas power check NAME", NAME=heron), "answers")

        # its name and its place
        await walk.agrees(await walk.types("/maas rename able-heron db-1", able_heron=heron), "now db-1")
        await walk.agrees(await walk.types("/maas pool db-1 --to gpu"), "in pool gpu")
        await walk.agrees(await walk.types("/maas zone db-1 --to rack-b"), "in zone rack-b")
        await walk.agrees(await walk.types("/maas tag db-1 --name gpu"), "Tagged db-1")
        await walk.agrees(await walk.types('/maas notes db-1 --text "row 4, unit 12"'), "Changed the notes")

        # many at once, the second with a failure
        plan = await walk.types("/maas accept status:new")
        await walk.agrees(plan, "failed")
        await shows(plan, "Retry the")
        for number in range(3):
            world.region.world.add_machine(f"rack9-{number}", found="small")
        for number in range(3):  # each is told in the thread and in the channel, where the plan is looked for next
            await shows(walk.olga.locator("[data-list=channel]"), f"rack9-{number}")
        plan = await walk.types("/maas commission status:new --canary 1 --stop-after 3 --at-once 20")
        await walk.agrees(plan, "done")

        # by hand
        offer = await walk.types("/maas add db-1 --mac 52:54:00:12:34:56 --power ipmi", db_1="db-2")
        await offer.get_by_role("button").first.click()
        form = walk.olga.get_by_role("dialog").last
        await form.locator("input[type=text], input:not([type])").first.fill("10.98.250.7")
        await form.locator("button[type=submit]").click()
        plan = await walk.finds("Add db-2?")
        await walk.agrees(plan, "Added db-2")
        assert world.region.world.machine("db-2").status_name == "New"

        # to be told of every new machine: an admin's word
        admin = Walk("new-machine.md", await open_page(at(world, "U0ADAM")), walk.andrea)
        await shows(await admin.types("/maas watch machines"), "I tell this channel of machines that are new")
        refusal = await walk.types("/maas watch machines")
        await shows(refusal, "admin")
        walk.over()


async def test_a_bulk_with_failures_on_a_phone(tmp_path: Path, open_page: Open) -> None:
    def prepare(world: World) -> None:
        for number in range(1, 25):
            world.region.world.add_machine(f"rack7-{number:02}", found="small")
        for name, script in (("rack7-03", "maas-lshw"), ("rack7-17", "50-maas-01-commissioning")):
            world.region.world.alter(name, fail_script=script)
        world.region.world.alter("rack7-20", bmc="wrong-password")

    async with shown(tmp_path, prepare=prepare) as world:
        page = await open_page(at(world), width=390, height=844)
        walk = Walk("new-machine.md", page, await open_page(at(world, "U0ANDREA", "C0APPROVE")))
        await type_in(page, "/maas commission rack7-* --at-once 10")
        plan = await walk.finds("Commission 24 machines?")
        await walk.look()
        await walk.agrees(plan, "3 of 24 failed")
        await shows(plan, "Retry the 3 that failed", "rack7-20")
        await shoot(page, "bulk-phone")
        await plan.locator("button.replies").click()
        thread = walk.thread()
        for words in ("maas-lshw failed", "wrong user or password", "3 of 24 failed"):
            await shows(thread, words)
        await walk.look()
        await shoot(page, "bulk-phone-thread")
        assert sum(one.status_name == "Ready" for one in world.region.world.machines.values()) >= 21
