"""`/maas` alone and App Home: the form, its typeahead, its errors, and what it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox.slack import HomeRef, View, ViewRef
from tests.endtoend.steps import CONFIRM, asked, buttons, said, told
from tests.support.harness import ADAM, GUEST, OLGA, OPS, VICTOR, Running, running, until, words_of


async def opened(it: Running, user: str = OLGA) -> View:
    """The form after `/maas`, filled."""
    outcome = await it.world.workspace.slash(user, OPS, "")
    assert outcome.ok
    return await filled(it, user)


async def filled(it: Running, user: str = OLGA) -> View:
    def view() -> View | None:
        views = it.world.workspace.views(user)
        return views[-1] if views and "One moment" not in str(views[-1].blocks) else None

    found: View = await until(view, what="the form")
    return found


def commands(view: View) -> list[str]:
    block = next(one for one in view.blocks if one.get("block_id") == "command")
    return [option["value"] for option in block["element"]["options"]]


def values(command: str, machines: list[dict[str, Any]], more: str = "") -> dict[str, dict[str, Any]]:
    filled_in: dict[str, dict[str, Any]] = {"command": {"form.command": command}}
    if machines:
        filled_in["machine"] = {"form.machine": machines}
    if more:
        filled_in["more"] = {"form.more": more}
    return filled_in


async def test_from_the_bare_command_to_ready(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        workspace = it.world.workspace
        view = await opened(it)
        assert "commission" in commands(view) and "status" in commands(view)
        found = await workspace.options(OLGA, ViewRef(view.id), "form.machine", query="ode-3")
        assert [one["text"]["text"] for one in found] == ["node-3  New"]
        assert len(await workspace.options(OLGA, ViewRef(view.id), "form.machine", query="")) == 12
        assert await workspace.options(OLGA, ViewRef(view.id), "form.machine", query="nothing like it") == []
        outcome = await workspace.submit_view(OLGA, view.id, values("commission", found, "--skip-storage"))
        assert outcome.result == "closed", outcome
        plan = await until(lambda: [one for one in workspace.messages(OPS, OLGA) if "Commission node-3?" in one.text])
        assert "Kept as configured: storage" in said(plan[0])
        await it.talk.click(plan[0], CONFIRM)
        await it.talk.reads(plan[0], "Commissioned node-3")
        assert asked(it, "node-3") == 1


async def test_errors_stand_at_their_fields(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        workspace = it.world.workspace
        view = await opened(it)
        found = await workspace.options(OLGA, ViewRef(view.id), "form.machine", query="node-3")
        outcome = await workspace.submit_view(OLGA, view.id, values("commission", found, "--enable-shh"))
        assert "--enable-ssh" in outcome.errors["more"]
        outcome = await workspace.submit_view(OLGA, view.id, values("status", found))
        assert outcome.result == "errors" and outcome.errors
    async with running(tmp_path / "anew") as it:
        workspace = it.world.workspace
        view = await opened(it)
        outcome = await workspace.submit_view(OLGA, view.id, values("machine", []))
        assert "needs" in outcome.errors["machine"]
        outcome = await workspace.submit_view(OLGA, view.id, values("status", []))
        assert outcome.result == "closed"
        await told(it.talk, OLGA, "MAAS 3.4.10 is up")


async def test_each_person_gets_a_form_with_what_they_may_run(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        view = await opened(it, VICTOR)
        assert "commission" not in commands(view) and "machines" in commands(view)
        view = await opened(it, GUEST)
        assert "uests of this workspace are not served" in str(view.blocks)
        assert view.submit is None


async def test_a_trigger_that_is_too_old_is_answered_in_words(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.world.workspace.timing.trigger = 0.2
        it.world.workspace.faults.set("slow", seconds=0.5, method="views.open")
        assert (await it.world.workspace.slash(OLGA, OPS, "")).ok
        await told(it.talk, OLGA, "form could not be opened", "/maas help")


async def test_a_slow_slack_still_fills_the_form(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.world.workspace.faults.set("slow", seconds=0.7, method="*")
        view = await opened(it)
        assert "commission" in commands(view)


async def test_home_shows_machines_that_need_attention(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        workspace = it.world.workspace
        diagnoses = it.bot.regions["default"].diagnoses
        bad = [it.bot.regions["default"].fleet.find(name)[0] for name in ("node-4", "node-6")]
        await until(lambda: all(diagnoses.of(one) for one in bad), what="the causes")
        await workspace.open_home(OLGA)
        home = await until(lambda: workspace.home(OLGA))
        text = words_of(home.blocks)
        assert "Machines needing attention" in text
        assert "Failed commissioning: maas-lshw failed" in text
        assert "Broken: Marked broken by admin: power supply 2 is dead." in text
        details = next(one for one in buttons(home.blocks).values() if one["value"].startswith("machine id:"))
        assert any(one["value"].startswith("commission id:") for one in buttons(home.blocks).values())
        await workspace.click(
            OLGA, HomeRef(), details["action_id"], block_id=details["block_id"], value=details["value"]
        )

        def card() -> bool:
            talks = [one for one in workspace.channels.values() if one.id.startswith("D")]
            return any("node-4 is Failed" in one.text for talk in talks for one in workspace.messages(talk.id, OLGA))

        await until(card, what="the card in the talk with the bot")
        await workspace.open_home(VICTOR)
        reader = await until(lambda: workspace.home(VICTOR))
        assert not any(one.get("value", "").startswith("commission") for one in buttons(reader.blocks).values())


async def test_home_shows_the_region_and_my_operations(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        workspace = it.world.workspace
        await workspace.open_home(OLGA)
        home = await until(lambda: workspace.home(OLGA))
        text = words_of(home.blocks)
        assert "MAAS 3.4.10 is up" in text and "None yet" in text and "Needs attention" in text
        plan = await it.talk.ask("commission node-3")
        await it.talk.click(plan, CONFIRM)
        await it.talk.reads(plan, "Commissioned node-3")
        refresh = buttons(home.blocks)["home.refresh"]
        await workspace.click(OLGA, HomeRef(), "home.refresh", block_id=refresh["block_id"])
        await until(lambda: "Commission node-3" in str(workspace.home(OLGA)), what="my operation")
        await workspace.open_home(VICTOR)
        victor = await until(lambda: workspace.home(VICTOR))
        assert "Commission node-3" not in words_of(victor.blocks), "not his"
        await workspace.open_home(GUEST)
        guest = await until(lambda: workspace.home(GUEST))
        assert "uests of this workspace are not served" in words_of(guest.blocks)
        assert "MAAS 3.4.10" not in words_of(guest.blocks)


async def _home_form(it: Running, user: str) -> View:
    workspace = it.world.workspace
    await workspace.open_home(user)
    home = await until(lambda: workspace.home(user))
    button = buttons(home.blocks)["home.form"]
    await workspace.click(user, HomeRef(), "home.form", block_id=button["block_id"])
    return await filled(it, user)


async def test_a_command_from_home_is_answered_in_private_and_can_be_confirmed_there(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        workspace = it.world.workspace
        view = await _home_form(it, OLGA)
        assert (await workspace.submit_view(OLGA, view.id, values("status", []))).result == "closed"
        channel = workspace.direct_message(OLGA).id
        await until(lambda: [one for one in workspace.messages(channel, OLGA) if "is up" in one.text])
        view = await _home_form(it, OLGA)
        found = await workspace.options(OLGA, ViewRef(view.id), "form.machine", query="node-3")
        assert (await workspace.submit_view(OLGA, view.id, values("commission", found))).result == "closed"
        plan = (
            await until(lambda: [one for one in workspace.messages(channel, OLGA) if "Commission node-3?" in one.text])
        )[0]
        await it.talk.click(plan, CONFIRM)
        await it.talk.reads(plan, "Commissioned node-3")
        assert asked(it, "node-3") == 1


async def test_home_opens_no_way_around_read_only(tmp_path: Path) -> None:
    async with running(tmp_path, settings={"MAASBOT_CHANNELS": ""}) as it:
        for user in (OLGA, ADAM):
            view = await _home_form(it, user)
            assert "commission" not in commands(view), "without channels the bot only reads"
