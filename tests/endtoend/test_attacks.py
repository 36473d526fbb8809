"""What somebody would try who wants a thing done without the second person; docs/security.md names each test."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from slack_sdk.signature import SignatureVerifier

from sandbox.slack import Message, MessageRef, payloads
from tests.endtoend.approving import APPROVE, ASK, CARDS, DENY, GLASS, asked, effects, fill_in, open_form, with_policy
from tests.endtoend.forging import late_click
from tests.endtoend.steps import CANCEL, CONFIRM, WITHDRAW, buttons, operation_id, rows, said, told
from tests.endtoend.test_hostile_text import HOSTILE, harmless
from tests.endtoend.test_http_mode import over_http
from tests.support.harness import ADAM, ANDREA, FIONA, GUEST, OLGA, OPS, VICTOR, Running, running, until

GLASS_FOR_OLGA = '[policy.break_glass]\nwho = ["U0OLGA"]\nfor = "30m"\n'


# -- requests that are not Slack's, or not of now ------------------------------------------------------------------


async def posted(it: Running, base: str, payload: dict[str, Any], *, at: float, secret: str = "") -> int:
    """Send a click as Slack sends it, signed for that time; returns the status."""
    body = urlencode({"payload": json.dumps(payload)})
    signer = SignatureVerifier(secret or it.world.workspace.app.signing_secret)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": str(int(at)),
        "X-Slack-Signature": signer.generate_signature(timestamp=str(int(at)), body=body) or "",
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{base}/slack/events", data=body, headers=headers) as answer,
    ):
        return answer.status


def click_of(it: Running, user: str, card: Message) -> dict[str, Any]:
    """What Slack sends when this person presses Approve."""
    workspace = it.world.workspace
    current = workspace.message(MessageRef(card.channel_id, card.ts), user)
    payload = payloads.interaction(workspace, "block_actions", workspace.users[user], workspace.tickets.trigger(user))
    payload.update(payloads.in_message(current, workspace.channels[card.channel_id], workspace))
    payload["response_url"] = (
        workspace.base_url + workspace.tickets.response(user, card.channel_id, kind="actions").path
    )
    payload["actions"] = [{**buttons(current.blocks)[APPROVE], "type": "button", "action_ts": "1.0"}]
    return payload


def command_of(it: Running, user: str, words: str) -> dict[str, Any]:
    """What Slack sends when this person types `/maas …`."""
    workspace = it.world.workspace
    form = payloads.slash_form(workspace, workspace.users[user], workspace.channels[OPS], "/maas", words)
    form["trigger_id"] = workspace.tickets.trigger(user)
    form["response_url"] = workspace.base_url + workspace.tickets.response(user, OPS, kind="commands").path
    return form


async def test_an_approval_that_is_forged_or_replayed(tmp_path: Path) -> None:
    async with over_http(tmp_path) as (it, base):
        root, card = await asked(it, "release node-1")
        click = click_of(it, ANDREA, card)
        now = time.time()
        assert await posted(it, base, click, at=now, secret="not-the-secret") == 401
        assert await posted(it, base, click, at=now - 301) == 401, "rightly signed, and recorded six minutes ago"
        assert await posted(it, base, click, at=now + 301) == 401
        assert "Waiting for approval" in it.talk.read(root)
        assert not it.world.region.effects
        assert await posted(it, base, click, at=now) == 200
        await it.talk.reads(root, "Released node-1")
        for _ in range(3):  # within the five minutes the signature still fits
            assert await posted(it, base, click, at=now) == 200
        await told(it.talk, ANDREA, "waits for no approval", channel=CARDS)
        assert effects(it, "release", "node-1") == 1
        assert len(rows(tmp_path, "select 1 from audit_records where kind = 'operation.approved'")) == 1


async def test_requests_that_nobody_can_read(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    body = "command=%2Fmaas&text=words-of-a-stranger"
    async with over_http(tmp_path) as (it, base):
        signer = SignatureVerifier(it.world.workspace.app.signing_secret)
        now = str(int(time.time()))

        async def status(body: str, stamp: str, signature: str | None = None, kind: str = "json") -> int:
            headers = {
                "Content-Type": f"application/{kind}",
                "X-Slack-Request-Timestamp": stamp,
                "X-Slack-Signature": signature or signer.generate_signature(timestamp=stamp, body=body) or "",
            }
            async with (
                aiohttp.ClientSession() as session,
                session.post(f"{base}/slack/events", data=body, headers=headers) as answer,
            ):
                return answer.status

        calls = len(it.world.workspace.calls)
        for stamp in ("", "abc", "inf", "nan", "1e10", f"{now}.5", f"-{now}", f"+{now}", "9" * 40, "١٢٣"):
            signature = "v0=" + "0" * 64
            assert await status(body, stamp, signature, "x-www-form-urlencoded") == 401, stamp
        assert await status(body, now, "v0=é", "x-www-form-urlencoded") == 401
        for garbage in ("{not json", "[1, 2]", '"text"', "payload=nope"):
            kind = "x-www-form-urlencoded" if garbage.startswith("payload") else "json"
            assert await status(garbage, now, "v0=forged", kind) == 401, "nothing of a stranger's is read"
            assert await status(garbage, now, None, kind) == 400, garbage
        assert len(it.world.workspace.calls) == calls
    log = capfd.readouterr().err
    assert "Traceback" not in log
    assert "words-of-a-stranger" not in log


@pytest.mark.parametrize("mode", ["http", "socket"])
async def test_what_is_delivered_again_is_done_once(tmp_path: Path, mode: str) -> None:
    async with running(tmp_path) if mode == "socket" else over_http(tmp_path) as both:
        it: Running = both if isinstance(both, Running) else both[0]
        form = command_of(it, OLGA, "commission node-3")
        for retry in range(3):
            assert (await it.world.workspace.courier.deliver("slash_commands", form, retry)).ok
        last = command_of(it, OLGA, "commission node-7")
        assert (await it.world.workspace.courier.deliver("slash_commands", last)).ok

        def planned() -> list[str]:
            return [title for (title,) in rows(tmp_path, "select words from operations order by created_at")]

        await until(lambda: "commission node-7" in planned())
        assert planned().count("commission node-3") == 1, "one plan, however often its command came"
        again = command_of(it, OLGA, "commission node-3")
        assert (await it.world.workspace.courier.deliver("slash_commands", again)).ok
        await until(lambda: planned().count("commission node-3") == 2, 10)


async def test_a_payload_that_names_another_workspace(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        form = {**command_of(it, OLGA, "status"), "team_id": "T0OTHERS"}
        assert (await it.world.workspace.courier.deliver("slash_commands", form)).ok
        await told(it.talk, OLGA, "people of other workspaces are not served")


# -- oneself as the second person ----------------------------------------------------------------------------------


async def test_nobody_approves_their_own_by_any_door(tmp_path: Path) -> None:
    """Though olga is an approver herself, by id and through the group."""
    settings = {"MAASBOT_APPROVERS": f"{OLGA},{ANDREA},S0APPROVE"}
    async with running(tmp_path, settings=settings) as it:
        it.world.workspace.usergroups["S0APPROVE"].users.append(OLGA)
        root, card = await asked(it, "release node-1")
        its_id = operation_id(root)
        assert OLGA not in str([one for one in it.talk.now(card, ANDREA).blocks if "For " in str(one)][-1:])
        await it.talk.click(card, APPROVE, user=OLGA)
        await told(it.talk, OLGA, "another person has to decide", channel=CARDS)
        for words in (f"approve {its_id}", f"approve {its_id.upper()}", f"approve {its_id[3:]}"):
            assert "another person" in said(await it.talk.ask(words))
        assert "another person" in said(await it.talk.mention(f"approve {its_id}"))
        await it.world.workspace.open_home(OLGA)
        await until(lambda: it.world.workspace.home(OLGA), what="her home")
        assert APPROVE not in str(it.world.workspace.home(OLGA).blocks)  # type: ignore[union-attr]
        # The same person, as another workspace of the organisation sees her.
        it.world.workspace.users[OLGA].team_id = "T0OTHER"
        await it.talk.click(card, APPROVE, user=OLGA)
        await until(lambda: len([one for one in alone(it, OLGA) if "decide" in one or "not served" in one]) >= 2)
        it.world.workspace.users[OLGA].team_id = "T0MAAS"
        assert "Waiting for approval" in it.talk.read(root)
        assert not it.world.region.effects


def alone(it: Running, user: str) -> list[str]:
    """What only this person sees where the cards are."""
    return [said(one) for one in it.world.workspace.messages(CARDS, user) if one.ephemeral_to == user]


# -- buttons that are not what they were ---------------------------------------------------------------------------


async def test_swapped_ids_and_stale_nonces_decide_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        root, card = await asked(it, "release node-1")
        _other, second = await asked(it, "release node-11", reason="another one")
        mine, theirs = (buttons(one.blocks)[APPROVE] for one in (card, second))
        (one_id, one_nonce), (two_id, two_nonce) = (str(one["value"]).split(":") for one in (mine, theirs))
        planned = await it.talk.ask("commission node-3")
        third = buttons(planned.blocks)[CONFIRM]["value"]
        swapped = [f"{one_id}:{two_nonce}", f"{two_id}:{one_nonce}", one_id, f"{one_id}:", f":{one_nonce}", third]
        for number, value in enumerate(swapped, 1):
            await late_click(it.world.workspace, ANDREA, card, {**mine, "value": value})
            await until(lambda number=number: len(alone(it, ANDREA)) == number, what=f"a refusal of {value}")
        await late_click(it.world.workspace, OLGA, root, {**mine, "action_id": CONFIRM})
        await told(it.talk, OLGA, "it is awaiting approval")
        deleting = await it.talk.ask("delete node-3")
        await late_click(it.world.workspace, OLGA, deleting, {**buttons(deleting.blocks)[ASK], "action_id": CONFIRM})
        await told(it.talk, OLGA, "another person has to approve it")
        assert not it.world.region.effects
        assert "Waiting for approval" in it.talk.read(root)


@pytest.mark.parametrize("user", [VICTOR, GUEST, FIONA])
async def test_others_press_every_button_in_vain(tmp_path: Path, user: str) -> None:
    async with running(tmp_path, settings=with_policy(tmp_path, GLASS_FOR_OLGA)) as it:
        workspace = it.world.workspace
        for channel in (OPS, CARDS):
            if user not in workspace.channels[channel].members:
                workspace.channels[channel].members.append(user)
        root, card = await asked(it, "release node-1")
        planned = await it.talk.ask("commission node-3")
        working = await it.talk.ask("commission node-7", user=ADAM)
        for message, action in ((card, APPROVE), (root, WITHDRAW), (planned, CONFIRM), (planned, WITHDRAW)):
            await it.talk.click(message, action, user=user)
        await late_click(workspace, user, working, {**buttons(working.blocks)[CONFIRM], "action_id": CANCEL})
        for message, action in ((card, DENY), (root, GLASS)):
            form = await open_form(it, message, action, user=user)
            typed = "node-1" if action == GLASS else None
            assert not await fill_in(it, form, "let me in", typed, user=user)
        await until(lambda: len([one for c in (OPS, CARDS) for one in shown(it, user, c)]) >= 7, what="seven refusals")
        assert not it.world.region.effects
        assert "Waiting for approval" in it.talk.read(root)
        assert {CONFIRM, WITHDRAW} <= set(buttons(it.talk.now(planned).blocks))
        assert rows(tmp_path, "select count(*) from audit_records where person_id = ?", user) == [(0,)]


def shown(it: Running, user: str, channel: str) -> list[str]:
    return [said(one) for one in it.world.workspace.messages(channel, user) if one.ephemeral_to == user]


# -- words that look like something else ---------------------------------------------------------------------------


async def test_whatever_people_and_machines_are_called_it_stays_text(tmp_path: Path) -> None:
    """Names, owners, tags, systems, reasons, denials: on cards, in threads, at home, in the audit."""
    bad = " ".join(HOSTILE[:4])
    settings = with_policy(tmp_path, GLASS_FOR_OLGA)
    async with running(tmp_path, settings=settings) as it:
        workspace = it.world.workspace
        for user in (OLGA, ANDREA):
            workspace.users[user].real_name = workspace.users[user].name = f"{user} {bad}"[:80]
        for name in ("node-1", "node-11"):
            it.world.region.world.alter(name, owner=bad[:30], tags=[bad[:40]], distro_series="<!here>")
        root, card = await asked(it, f'release node-1 --comment "{bad}"', reason=bad)
        for message in (root, card):
            harmless(it.talk.now(message, ANDREA).blocks)
        await workspace.open_home(ANDREA)
        await until(lambda: APPROVE in str(getattr(workspace.home(ANDREA), "blocks", "")), what="the card at home")
        harmless(workspace.home(ANDREA).blocks)  # type: ignore[union-attr]
        await fill_in(it, await open_form(it, card, DENY, user=ANDREA), bad, user=ANDREA)
        await it.talk.reads(root, "was denied")
        second = await it.talk.ask("release node-11")
        await fill_in(it, await open_form(it, second, GLASS), bad, "node-11")
        await it.talk.reads(second, "Released")
        everything = [one for channel in list(workspace.channels) for one in workspace.messages(channel, ANDREA)]
        everything += [reply for one in (root, card, second) for reply in it.talk.replies(one, ANDREA)]
        everything += [await it.talk.ask(words) for words in ("audit node-1", "ops", "approvals", "machine node-1")]
        assert len(everything) > 10
        for message in everything:
            if message.bot_id:
                harmless(message.blocks)
                assert "<!" not in message.text


async def test_a_hostname_that_cannot_be_typed_is_typed_as_it_is_shown(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.world.region.world.alter("node-1", hostname="no\x07de\u200b-1")
        fleet = it.bot.regions["default"].fleet
        system_id = it.world.region.world.machine("no\x07de\u200b-1").system_id
        fleet.bump(system_id)
        await until(lambda: fleet.get(system_id).hostname != "node-1", what="the new name")  # type: ignore[union-attr]
        root = await it.talk.ask(f"release {system_id} --erase")
        form = await open_form(it, root, ASK)
        label = next(one["label"]["text"] for one in form.blocks if one.get("block_id") == "typed")
        assert label.isprintable(), label
        assert "typed" in await fill_in(it, form, "scrapped", "node-2")
        assert not await fill_in(it, form, "scrapped", label.removeprefix("Type "))
        await it.talk.reads(root, "Waiting for approval")
