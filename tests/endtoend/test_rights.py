"""Who may do what: help and whoami show it, refusals name the role, and people who are not served learn why."""

from __future__ import annotations

from pathlib import Path

from tests.endtoend.steps import CANCEL, CONFIRM, asked, confirmed, said, told
from tests.support.harness import ADAM, ANDREA, FIONA, GUEST, OLGA, OPS, RANDOM, VICTOR, running


async def test_help_and_whoami_fit_each_person(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        ask = it.talk.ask
        operator, viewer = said(await ask("help")), said(await ask("help", VICTOR))
        assert "commission" in operator and "cancel" in operator
        assert "commission" not in viewer and "cancel" not in viewer and "machines" in viewer
        admin, approver = said(await ask("help", ADAM)), said(await ask("help", ANDREA))
        for text in (admin, operator, viewer):
            assert " shown" not in text, "a command that is not shown is not found"
        assert "List the commands that you may run here" in viewer, "with a summary where there is room for all"
        for_admins = ("/maas watch machines", "/maas unwatch", "/maas policy", "/maas apikey", "/maas host enrol")
        for words in for_admins:
            assert words in admin and words not in operator and words not in viewer, words
        assert "/maas watch list" in viewer, "what is watched is no secret"
        assert "/maas approve" in approver and "/maas approve" not in operator and "/maas deny" not in viewer
        text = said(await ask("help policy"))
        assert "you may not run it here" in text and "/maas whoami" in text
        text = " ".join(said(await ask("whoami")).split())
        assert "needs the role admin, which MAASBOT_ADMINS does not give you" in text
        text = said(await ask("help commission"))
        assert all(part in text for part in ("--enable-ssh", "SSH", "/maas commission node-3", "you confirm"))
        assert "Operations" in operator and "/maas commission node-3" in operator, "by sections, each with an example"
        text = said(await ask("help power"))
        assert "/maas power off node-1" in text and "BMC" in text
        text = said(await ask("help cancel"))
        assert "you confirm" not in text, "cancel acts at once"
        text = said(await ask("help commission", VICTOR))
        assert "you may not run it here" in text and "--enable-ssh" not in text
        assert "Did you mean" in said(await ask("help comission"))

        assert "MAASBOT_OPERATORS" in said(await ask("whoami"))
        text = said(await ask("whoami", VICTOR))
        assert "none but reader" in text and "needs the role operator" in text
        text = said(await ask("whoami", ANDREA))
        assert "approver" in text and "S0APPROVE" in text
        text = said(await ask("whoami", ADAM))
        assert all(role in text for role in ("operator", "approver", "admin"))


async def test_guests_and_strangers_are_turned_away_without_a_hint_that_fails(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        for words in ("whoami", "status", "help", "commission node-3"):
            text = said(await it.talk.ask(words, GUEST))
            assert "guests of this workspace are not served" in text
            assert "/maas whoami" not in text, "it would be refused as well"
        # Slack offers the command to nobody of another workspace; a mention gets through.
        ts = await it.world.workspace.say(FIONA, OPS, "<@U0MAASBOT> status")
        await told(it.talk, FIONA, "other workspaces are not served", thread=ts)
        assert not [one for one in it.world.workspace.messages(OPS, OLGA, ts) if one.bot_id]


async def test_a_refusal_names_the_role_and_nothing_is_planned(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        for user in (VICTOR, ANDREA):
            answer = await it.talk.ask("commission node-3", user)
            assert "needs the role operator" in said(answer)
            assert answer.ephemeral_to == user
        assert "no operation yet" in said(await it.talk.ask("ops"))
        root = await confirmed(it.talk, "commission node-3")
        await it.talk.reads(root, "Commissioning node-3")
        await it.talk.click(root, CANCEL, user=VICTOR)
        await told(it.talk, VICTOR, "needs the role operator")
        await it.talk.click(root, CANCEL, user=GUEST)
        await told(it.talk, GUEST, "guests of this workspace are not served")
        await it.talk.click(root, CANCEL, user=FIONA)
        await told(it.talk, FIONA, "other workspaces are not served")
        await it.talk.reads(root, "Commissioned node-3", "1 Ready")


async def test_what_somebody_is_now_decides_at_the_click(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        adam = await it.talk.ask("commission node-3", ADAM)
        it.world.workspace.users[ADAM].is_restricted = True
        await it.talk.click(adam, CONFIRM, user=ADAM)
        await told(it.talk, ADAM, "guests of this workspace are not served")
        assert asked(it, "node-3") == 0


async def test_groups_give_a_role_and_are_asked_again(tmp_path: Path) -> None:
    async with running(tmp_path, settings={"MAASBOT_OPERATORS": "S0APPROVE"}) as it:
        text = said(await it.talk.ask("whoami", ANDREA))
        assert "operator (user group S0APPROVE in MAASBOT_OPERATORS)" in text
        plan = await it.talk.ask("commission node-3", ANDREA)
        assert "Commission node-3?" in said(plan)
        assert "needs the role operator" in said(await it.talk.ask("commission node-3", OLGA))
        # Out of the group between the plan and the click: the right is looked up at the click.
        it.world.workspace.usergroups["S0APPROVE"].users.remove(ANDREA)
        await it.talk.click(plan, CONFIRM, user=ANDREA)
        await told(it.talk, ANDREA, "needs the role operator")
        assert asked(it, "node-3") == 0


async def test_groups_on_a_free_plan_fail_closed_and_say_so(tmp_path: Path) -> None:
    async with running(tmp_path, settings={"MAASBOT_OPERATORS": "S0APPROVE,U0OLGA"}) as it:
        it.world.workspace.faults.set("paid-teams-only")
        text = said(await it.talk.ask("commission node-3", ADAM))
        assert "needs the role operator" in text and "S0APPROVE" in text
        assert "paid_teams_only" in text or "plan" in text
        assert "Slack did not say" in said(await it.talk.ask("whoami", ADAM))
        assert "Commission node-3?" in said(await it.talk.ask("commission node-3", OLGA)), "a named person still may"


async def test_a_channel_that_is_not_listed_is_not_answered(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        for words in ("status", "commission node-3", "whoami"):
            answer = await it.talk.ask(words, OLGA, RANDOM)
            assert "this channel is not in MAASBOT_CHANNELS" in said(answer)
            assert "/maas whoami" not in said(answer), "it would be refused as well"
            assert answer.ephemeral_to == OLGA


async def test_without_channels_everything_is_read_only(tmp_path: Path) -> None:
    async with running(tmp_path, settings={"MAASBOT_CHANNELS": ""}) as it:
        assert "MAAS 3.4.10 is up" in said(await it.talk.ask("status", OLGA, RANDOM))
        text = said(await it.talk.ask("commission node-3"))
        assert "MAASBOT_CHANNELS is empty" in text
        assert "commission" not in said(await it.talk.ask("help"))


async def test_where_the_bot_is_not_a_member_it_says_how_to_invite_it(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.world.workspace.faults.set("bot-removed", channel=OPS)
        assert "MAAS 3.4.10 is up" in said(await it.talk.ask("status")), "answers to one person need no membership"
        text = said(await it.talk.ask("commission node-3"))
        assert "/invite @maas" in text
        assert "Nothing was started" in text
        it.world.workspace.faults.clear()
        assert asked(it, "node-3") == 0
        assert "withdrawn" in said(await it.talk.ask("ops"))
