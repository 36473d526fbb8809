"""`/maas audit` over the running bot, and how a broken chain shows."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp

from bot.audit import Audit, Rhythm
from bot.storage import Database
from sandbox.slack import Message
from tests.audit.kit import entry, force
from tests.audit.test_program import maasbot
from tests.support import harness
from tests.support.harness import OLGA, Running, running, until

QUICK = replace(harness.QUICK, audit=Rhythm(look=0.05, hurry=0.01, verify=0.1))


def own_database(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'bot' / 'maasbot.sqlite'}")


def read(it: Running, message: Message) -> str:
    """All its words, with single blanks."""
    return " ".join(it.talk.read(message).split())


async def commissioned(it: Running) -> tuple[Message, str]:
    """A machine, commissioned from the words to the outcome."""
    name = it.machine("New")
    plan = await it.talk.ask(f"commission {name}")
    await it.talk.click(plan, "operation.confirm")
    await it.talk.reads(plan, "Commissioned")
    return plan, name


async def test_the_whole_story_of_a_machine(tmp_path: Path) -> None:
    mirror = tmp_path / "audit.jsonl"
    async with running(tmp_path, settings={"MAASBOT_AUDIT_FILE": str(mirror)}) as it:
        plan, name = await commissioned(it)
        operation = next(word for word in read(it, plan).split() if word.startswith("op-"))
        for words in (name, operation, f"{name} --since 1h", f"{name} since 1h"):
            text = read(it, await it.talk.ask(f"audit {words}"))
            assert f'olga asked for "commission {name}"' in text, words
            assert "olga confirmed" in text
            assert f"the bot worked on {name}: done, Ready" in text
            assert f"the bot ended, done: 1 of 1 done (1 Ready) ({name})" in text
            assert "checked just now: whole" in text
            assert operation in text
        mine = read(it, await it.talk.ask("audit <@U0OLGA|olga>"))
        assert "confirmed" in mine
        assert "ended" not in mine, "the bot's own doing is not the person's"
        assert "no record of" in read(it, await it.talk.ask("audit node-none"))
        assert "--since" in read(it, await it.talk.ask("audit --since yesterday"))
        records = await it.talk.ask("audit")
        assert "records" in read(it, records)
        await until(lambda: mirror.exists() and '"kind":"operation.ended"' in mirror.read_text())
    said = [json.loads(line) for line in mirror.read_text().splitlines()]
    planned = next(one for one in said if one["kind"] == "operation.planned")
    assert (planned["person_id"], planned["channel"], planned["words"]) == (OLGA, "C0OPS", f"commission {name}")
    assert planned["details"]["fingerprint"]
    # The plan's message is there only after its record: the next one names it, and so does every later one.
    link = f"https://{it.world.workspace.team_domain}.slack.com/archives/C0OPS/p{plan.ts.replace('.', '')}"
    mine = [one for one in said if one["operation_id"] == operation]
    assert [one["kind"] for one in mine[:3]] == ["operation.planned", "operation.posted", "operation.confirmed"]
    assert {one["link"] for one in mine[1:]} == {link}
    assert link in str(it.talk.now(records).blocks)
    exported = await asyncio.to_thread(maasbot, "audit", "export", url="sqlite", state=tmp_path / "bot")
    assert [json.loads(line) for line in exported.stdout.splitlines()] == said, "the export has the links as well"


async def test_pages_turn(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        database = own_database(tmp_path)
        service = Audit(database)
        for number in range(40):
            await service.append(entry(words=f"status {number:02}", subjects=("no de",)))
        first = await it.talk.ask("audit 'no de'")
        text = read(it, first)
        assert "page 1 of 3" in text
        assert "status 39" in text
        assert "status 24" not in text
        seen = {message.ts for message in it.world.workspace.messages("C0OPS", OLGA)}
        await it.talk.click(first, "page.next")
        second: Any = await until(
            lambda: [one for one in it.world.workspace.messages("C0OPS", OLGA) if one.ts not in seen]
        )
        text = read(it, second[0])
        assert "page 2 of 3" in text
        assert "status 24" in text
        assert "status 25" not in text
        assert "page 3 of 3" in read(it, await it.talk.ask("audit --page 99"))
        database.close()


async def test_a_broken_chain_shows_everywhere(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(harness, "QUICK", QUICK)
    async with running(tmp_path) as it:
        _, name = await commissioned(it)
        assert "audit" not in read(it, await it.talk.ask("status"))
        database = own_database(tmp_path)
        await force(database, "UPDATE audit_records SET record = replace(record, 'U0OLGA', 'U0ADAM') WHERE seq = 2")
        assert it.bot.web is not None
        async with aiohttp.ClientSession() as session:

            async def figures() -> str:
                async with session.get(f"http://127.0.0.1:{it.bot.web.port}/metrics") as answer:
                    return await answer.text()

            async with asyncio.timeout(20):
                while "maasbot_audit_broken 1.0" not in await figures():
                    await asyncio.sleep(0.05)
        text = read(it, await it.talk.ask("status"))
        assert "The audit is broken at record 2: record 2 was changed" in text
        text = read(it, await it.talk.ask(f"audit {name}"))
        assert "The chain does not hold here: record 2 was changed" in text
        done = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "from bot.cli import main; main()", "doctor", "--json",
            env={**os.environ, **it.world.environment()}, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, _ = await asyncio.wait_for(done.communicate(), 60)
        finding = next(one for one in json.loads(said) if one["what"] == "audit")
        assert (done.returncode, finding["well"]) == (1, False)
        assert finding["found"] == "broken at record 2: record 2 was changed"
        assert "maasbot audit export" in finding["remedy"]
        database.close()


async def test_text_that_looks_like_markup_stays_text(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        database = own_database(tmp_path)
        evil = "<!channel> <https://evil.example|click> *bold* \x1b[31m\x00"
        await Audit(database).append(
            entry(words=evil, person_name="<!here>", subjects=("node<@U0ADAM>",), link="javascript:alert(1)")
        )
        await Audit(database).append(entry("operation.denied", details={"reason": evil}, subjects=("node<@U0ADAM>",)))
        message = await it.talk.ask("audit")
        blocks = str(it.talk.now(message).blocks)
        assert "click" in blocks
        assert "javascript:" not in blocks
        assert "'type': 'broadcast'" not in blocks
        assert "<!channel>" not in it.talk.now(message).text
        assert "'url': 'https://evil.example'" not in blocks
        database.close()
