"""What people read when the host is not as it should be: the cause, and what to do. docs/host-faults.md lists all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.host import errors
from tests.host.world import hosted, the_host
from tests.kinds.steps import agree, done, said
from tests.support.harness import ADAM, Running, until

#: By the fault of the host: what is read of it, and whose remedy.
AWAY: dict[str, tuple[str, type[errors.HostError]]] = {
    "off": ("refuses the connection: nothing listens there.", errors.ConnectionRefused),
    "not-ssh": ("ended the connection before the login was done.", errors.NotSsh),
    "key-refused": ("does not let maasbot in with the bot's key.", errors.KeyRefused),
    "too-many-keys": ("ended the login of maasbot: too many tries.", errors.TooManyKeys),
    "host-key": ("shows another key than the pinned one: SHA256:", errors.HostKeyChanged),
    "max-sessions": ("opens no further session on the connection", errors.TooManySessions),
    "bad-bytes": ("gave no answer that makes sense", errors.HelperBroken),
    "sudo-password": ("does not let the bot run its helper (sudo: a password is required", errors.SudoRefused),
    "sudo-no-tty": ("does not let the bot run its helper (sudo: a terminal is required", errors.SudoRefused),
    "sudo-missing": ("There is no sudo on the host.", errors.SudoMissing),
    "helper-missing": ("step is not on the host.", errors.HelperMissing),
    "helper-old": ("this bot speaks 1", errors.HelperVersion),
}


@pytest_asyncio.fixture
async def it(tmp_path: Path) -> AsyncIterator[Running]:
    async with hosted(tmp_path) as world:
        yield world


async def test_what_a_question_answers_when_the_host_is_away(it: Running) -> None:
    host = the_host(it)
    for fault, (words, kind) in AWAY.items():
        host.faults.set(fault)
        host.drop()
        text = said(await it.talk.ask("db list", user=ADAM))
        assert words in text, fault
        assert " ".join(kind.default_remedy.split()) in " ".join(text.split()), (fault, text)
        host.faults.clear()
        await asyncio.sleep(0.05)
    assert "1 database in PostgreSQL" in said(await it.talk.ask("db list", user=ADAM)), "it recovers by itself"
    assert not host.model.done


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("drop", "ended before the answer was there. Looking again"),
        ("drop-before", "ended before the answer was there. Looking again"),
        ("killed", "was ended by the signal KILL. Looking again"),
        ("off", "nothing listens there. Looking again"),
        ("max-sessions", "opens no further session on the connection"),
        ("busy", "runs on this host. Waiting for it to end."),
    ],
)
async def test_what_the_thread_says_when_the_connection_ends(it: Running, fault: str, words: str) -> None:
    """It says so while it lasts, goes on in the same thread, and what was begun is done once."""
    host, talk = the_host(it), it.talk
    root = await talk.ask("host restart")
    if fault in {"drop", "drop-before", "killed"}:
        host.faults.set(fault, verb="run")
        await agree(talk, root)
    else:
        host.faults.set("slow", verb="run", seconds=0.5, count=1)
        await agree(talk, root)
        await until(lambda: not host.faults.is_active("slow"), what="the order to arrive")
        host.faults.set(fault)
        host.drop()
    await talk.reads(root, words)
    host.faults.clear()
    await done(talk, root, "Restarted MAAS on the host")
    assert host.model.done == ["snap restart maas"]


@pytest.mark.parametrize("cause", ["store_unreachable", "dpkg_lock", "snapd_down", "mirror_down"])
async def test_what_passes_is_told_while_it_is_waited_for(it: Running, cause: str) -> None:
    host, talk = the_host(it), it.talk
    root = await talk.ask("host restart")
    host.faults.set("step-fails", step="maas-restart", cause=cause)
    await agree(talk, root)
    await talk.reads(root, cause, "Trying again in 0.2 s.")
    host.faults.clear()
    await done(talk, root, "Restarted MAAS on the host")
    assert host.model.done == ["snap restart maas"]


async def test_no_route_and_no_name(tmp_path: Path) -> None:
    """`.invalid` has no address anywhere, and no connection leads to a broadcast address."""
    for name, words in (("no-such-host.invalid", "has no address."), ("255.255.255.255", "There is no way to 255.")):
        async with hosted(tmp_path / name, settings={"MAAS_HOST": name}) as it:
            known = tmp_path / name / "ssh" / "known_hosts"
            known.write_text(known.read_text().replace("[127.0.0.1]", f"[{name}]"))
            text = said(await it.talk.ask("host status"))
            assert words in text
            assert "MAAS_HOST" in text or "a router is missing" in text


async def test_a_key_that_maas_does_not_take(it: Running) -> None:
    it.world.region.faults.set("unauthorized")
    text = said(await it.talk.ask("login check", user=ADAM))
    assert "does not take the bot's key: The region refused the API key (401)." in text
    assert "Check MAAS_API_KEY" in text
    assert it.world.region.api_key not in text
