"""Words that fit nothing, or only nearly: each answer says which word, and what would fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.endtoend.steps import asked, said, told
from tests.support.harness import OLGA, OPS, Running, running

#: What is typed, and what the answer must hold.
UNCLEAR = [
    ("frobnicate", ["frobnicate", "is no command", "/maas help"]),
    ("comission node-3", ["comission", "is no command", "Did you mean", "commission"]),
    ("--help", ["is no command", "help"]),
    ("--region", ["--region", "needs the name of a region", "The regions are: default."]),
    ("images doctor --region", ["--region", "needs the name of a region", "The regions are: default."]),
    ("machine nod-3", ["nod-3", "matches no machine", "Did you mean", "node-3"]),
    ("machine zzz", ["zzz", "matches no machine"]),
    ("commission node-3 node-99", ["node-99", "matches no machine", "Did you mean", "node-9"]),
    ("commission", ["Which machines?", "status:new"]),
    ("commission node-3 --enable-shh", ["--enable-shh", "no option of commission", "--enable-ssh", "Usage:"]),
    ("commission node-3 --at-once many", ["many", "--at-once", "whole number"]),
    ("commission node-3 --at-once 0", ["--at-once", "from 1 up"]),
    ("commission node-3 --parameters sda", ["sda", "NAME=VALUE"]),
    ("machines status:fialed", ["status:fialed", "Did you mean", "status:failed"]),
    ("machines tag:nope", ["tag:nope", "matches no machine"]),
    ("machines --page", ["--page", "needs a value"]),
    ("commission status:retired", ["status:retired", "holds for no machine now"]),
    ("op", ["op needs an operation", "/maas op"]),
    ("op op-zzzz", ["no operation", "op-zzzz", "/maas ops"]),
    ("cancel op-zzzz", ["no operation", "op-zzzz"]),
    ("approve op-zzzz", ["no operation", "op-zzzz", "/maas ops"]),
    ("deny op-zzzz no", ["no operation", "op-zzzz", "/maas ops"]),
    ("withdraw op-zzzz", ["no operation", "op-zzzz", "/maas ops"]),
    ("status now", ["status", "does not know what to do with", "now"]),
    ("status --region lab", ["no region", "lab", "default"]),
    ("machine node-*", ["matches 12 machines", "node-1", "node-10", "/maas machines node-*"]),
]

#: What MAAS would refuse, with its reason.
WRONG_STATE = [
    ("node-1", ["node-1", "can't be commissioned now", "Deployed by admin", "New, Ready, failed or Broken"]),
    ("node-5", ["node-5", "locked", "unlock it first"]),
    ("node-12", ["node-12", "Allocated by operator"]),
    ("node-1 node-12", ["None of these 2 machines", "Deployed by admin", "Allocated by operator"]),
]

#: The same machine as phones, copying and Slack spell it.
SPELLINGS = [
    "commission “node-3”",
    "commission ‘node-3’",
    "Commission NODE-3",
    "commission  node-3 ",
    "commission node-3\u200b",
    "commission node-3, ",
    "commission node-3 —skip-networking",
    "commission node-3 –skip_networking",
]


async def test_what_is_unclear_is_answered_with_what_would_fit(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        for words, parts in [*UNCLEAR, *((f"commission {names}", parts) for names, parts in WRONG_STATE)]:
            answer = await it.talk.ask(words)
            text = said(answer)
            assert all(part in text for part in parts), (words, text)
            assert answer.ephemeral_to == OLGA, "a mistake is nobody else's business"
        assert not it.world.region.effects


async def test_every_spelling_of_phones_means_the_same_machine(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        for words in SPELLINGS:
            text = said(await it.talk.ask(words))
            assert "Commission node-3?" in text, (words, text)
            assert ("Kept as configured: network" in text) == ("skip" in words), (words, text)
        for name in ("node-3.maas", "NODE-3.MAAS"):
            assert "node-3 is New" in said(await it.talk.ask(f"machine {name}")), name


@pytest.mark.parametrize("link", ["<http://node-3|node-3>", "<http://node-3.maas|node-3.maas>", "node-3&amp;"])
async def test_links_and_escapes_are_read_as_they_were_typed(tmp_path: Path, link: str) -> None:
    async with running(tmp_path) as it:
        text = await _as_slack_sends(it, f"machine {link}")
        assert "node-3 is New" in text or "node-3& matches no machine" in text.replace("&amp;", "&"), text


async def test_two_machines_of_one_name_are_told_apart(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        world = it.world.region.world
        twins = [world.machine("node-3"), world.machine("node-7")]
        twins[1].hostname = "node-3"
        world.node_event(twins[1], "INFO", "Ready")
        region = it.bot.regions["default"]
        await region.fleet.refresh([one.system_id for one in twins])
        text = said(await it.talk.ask("commission node-3"))
        assert "could be any of" in text
        assert all(f"id:{one.system_id}" in text for one in twins)
        text = said(await it.talk.ask(f"commission id:{twins[1].system_id}"))
        assert "Commission node-3?" in text
        assert not asked(it, "node-3")


async def test_a_pattern_shows_what_it_matched(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        plan = await it.talk.ask("commission node-1*")
        text = said(plan)
        assert "Commission node-10?" in text
        assert "Left out" in text
        assert all(name in text for name in ("node-11", "node-12", "Deployed by", "Allocated by"))
        many = said(await it.talk.ask("machines node-1?"))
        assert "3 machines" in many
        assert "node-10" in many and "node-12" in many and "node-2" not in many


async def test_a_page_of_nonsense_is_answered_in_one_readable_message(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        words = " ".join(f"<!channel>x{number}" for number in range(400))
        text = said(await it.talk.ask(f"commission {words}"))
        assert "matches no machine" in text
        assert len(text) < 12_000
        text = said(await it.talk.ask("x" * 3000))
        assert "is no command" in text
        assert len(text) < 1_500, "the nonsense is not thrown back at length"


async def _as_slack_sends(it: Running, text: str) -> str:
    """Deliver a command whose text was written by Slack's client, not typed."""
    workspace = it.world.workspace
    ticket = workspace.tickets.response(OLGA, OPS, kind="commands")
    form = {
        "team_id": workspace.team_id,
        "user_id": OLGA,
        "user_name": "olga",
        "channel_id": OPS,
        "channel_name": "ops",
        "command": "/maas",
        "text": text,
        "response_url": workspace.base_url + ticket.path,
        "trigger_id": workspace.tickets.trigger(OLGA),
    }
    ack = await workspace.courier.deliver("slash_commands", form)
    assert ack.ok
    return await told(it.talk, OLGA, "node-3")
