"""What people ask of the host: is it fit, what runs, how is it set up, what do its logs say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from bot.host.facts import Mirror
from bot.host.mirror import look_at_mirror, told
from sandbox.host.server import PROGRAM
from tests.host.world import ask_privately, carried_out, hosted, lone_host, the_host
from tests.kinds.steps import said
from tests.support.harness import ADAM, OLGA, Running, running, until


@pytest_asyncio.fixture
async def it(tmp_path: Path) -> AsyncIterator[Running]:
    async with hosted(tmp_path) as world:
        yield world


async def test_all_looks_of_a_host_that_is_well(it: Running) -> None:
    for words, parts in {
        "host check": ("fit for MAAS", "the key is pinned", "60.0 of 100 GB free", "it answers 200"),
        "host status": ("all well, its API answers", "rest until they are needed: dhcpd, dhcpd6"),
        "host config": ("region+rack", "maasdb (test), role maas", "0640"),
        "host ports": ("tcp 5240", "regiond"),
        "network check": ("1 to mend", "ens19", "no link", "router 10.99.0.1 – host (ens18 10.99.0.2/24)"),
        "login check": ("takes the bot's key: MAAS 3.4.10, user admin, an administrator",),
        "db list": ("1 database in PostgreSQL", "maasdb", "24.0 MB"),
        "db tables": ("maasserver_event",),
        "db roles": ("1 role", "maas"),
        "db size": ("maasdb (test) is 24.0 MB",),
        "logs": ("regiond", "postgresql"),
        "backup list": ("There is no backup yet",),
        "host enrol": ("its key is pinned already: SHA256:",),
    }.items():
        answer = said(await it.talk.ask(words, user=ADAM))
        for part in parts:
            assert part in answer, f"{words}: {answer}"
    assert set(the_host(it).commands) == {PROGRAM}


async def test_what_is_wrong_comes_first_with_its_remedy(it: Running) -> None:
    faults = the_host(it).faults
    for name in ("clock", "disk-full", "snapd-down", "mirror-dns"):
        faults.set(name)
    answer = await it.talk.ask("host check")
    assert "4 to mend" in answer.text
    text = said(answer)
    for part in ("timedatectl set-ntp true", "systemctl restart snapd", "Make room", "its name has no address"):
        assert part in text
    assert text.index("Mirror") < text.index("Memory")
    faults.set("service-dead", service="regiond")
    text = said(await it.talk.ask("host status"))
    assert "not well" in text
    assert "should run and is STOPPED" in text
    assert "/maas logs regiond" in text
    faults.set("key-refused")
    the_host(it).drop()
    text = said(await it.talk.ask("host check"))
    assert "does not let maasbot in" in text
    assert "authorized_keys" in text
    assert "The host: " in said(await it.talk.ask("host status"))


async def test_logs_are_narrowed_and_long_ones_come_as_a_file(it: Running) -> None:
    host = the_host(it)
    host.model.log = ["2026-11-27 00:00:00 x: a [b] $(c) `d`"]
    assert "1 line of regiond" in (await it.talk.ask("logs regiond --grep '$(c) `d`'")).text
    assert "of regiond" in (await it.talk.ask("logs regiond --grep '/line 39[78]/' --lines 5")).text
    assert "No line" in (await it.talk.ask("logs regiond --grep nowhere")).text
    for words, why in {
        "logs ../../etc/shadow": "is no name of a log",
        "logs -- -rf": "",
        "logs regiond --grep /[/": "is no regular expression",
        "logs regiond --lines 0": "from 1 to 5000",
        "logs regiond --since 40d": "31 days at most",
        "logs regiond --since soon": "write a number with its unit",
        "logs nothere": "There is no log nothere",
    }.items():
        assert why in await ask_privately(it, words, OLGA)
    root = await it.talk.mention("logs regiond --lines 200")
    assert "The last 200 lines of regiond" in root.text
    files = await until(lambda: list(it.world.workspace.files.values()), what="the file")
    assert any(one.name == "regiond.log" for one in files)


HOSTILE = [
    "install --channel '3.4/stable; reboot'",
    "install --channel ../../etc",
    "install --admin '$(id)'",
    "install --admin '-rf'",
    "install --url 'http://x/MAAS;id'",
    "install --url 'http://user:pw@x:5240/MAAS'",
    "upgrade --channel `id`",
    "restore ../../etc/passwd",
    "restore 'a\u202eb'",
    "admin create 'a b'",
    "admin create --help",
    "apikey '\"; drop table'",
    "db tables --database 'maas\";--'",
    "db tables --database pg_shadow",
    "db size --database `id`",
    "install --channel '3.4/stable\nreboot'",
    "install --admin 'olga\x00; id'",
    "install --admin -oProxyCommand=id",
    "install --url '-oProxyCommand=id'",
    "install --url 'http://x:5240/MAAS\nid'",
    "upgrade --channel 'ｓｔａｂｌｅ'",
    "admin create '`id`'",
    "admin create 'olga\nid'",
    "apikey -oProxyCommand=id",
    "restore '$(id)'",
    "restore --file",
    "logs '$(id)'",
    "logs 'regiond\nid'",
]


async def test_what_is_typed_never_reaches_a_command_line(it: Running) -> None:
    before = list(the_host(it).helper.requests)
    for words in HOSTILE:
        assert (await it.talk.ask(words, user=ADAM)).ephemeral_to == ADAM, words
    sent = [one for one in the_host(it).helper.requests[len(before) :] if one[0] in {"run", "secret"}]
    assert not sent
    assert set(the_host(it).commands) <= {PROGRAM}
    assert not the_host(it).model.done


async def test_reads_of_secrets(it: Running) -> None:
    key = the_host(it).link.region.api_key
    assert "is for admins" in await ask_privately(it, "apikey admin", OLGA)
    assert key in await ask_privately(it, "apikey admin", ADAM)
    assert "User does not exist" in await ask_privately(it, "apikey nobody", ADAM)
    everything = [said(one) for one in it.world.workspace.messages("C0OPS", OLGA)]
    assert not any(key in text for text in everything)


async def test_without_a_host_every_command_says_how_to_set_it_up(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        for words in ("host check", "install", "reset", "logs regiond", "db list", "backup", "apikey admin"):
            text = await ask_privately(it, words, ADAM)
            assert "The host of region default is not set up" in text
            assert "MAAS_HOST, MAAS_SSH_USER, MAAS_SSH_KEY_FILE, MAAS_SSH_KNOWN_HOSTS" in text
            assert "maasbot host-helper install-script" in text


async def test_the_log_of_what_runs_at_a_click(tmp_path: Path) -> None:
    async with hosted(tmp_path, bare=True, speed=6.0) as it:
        plan = await it.talk.ask("install")
        await it.talk.click(plan, "operation.confirm")
        await it.talk.reads(plan, "Download snap")
        await it.talk.click(plan, "operation.log", user="U0VICTOR")
        await until(
            lambda: any(
                "automatic snapd restart" in said(one)
                for one in it.world.workspace.messages("C0OPS", "U0VICTOR")
                if one.ephemeral_to == "U0VICTOR"
            ),
            what="the log, for who asked alone",
        )
        await it.talk.click(plan, "operation.cancel")
        text = await it.talk.reads(plan, "was cancelled", timeout=40)
        assert "Not begun" in text


async def test_care_of_a_host(it: Running) -> None:
    host = the_host(it)
    await carried_out(it, "backup", "Backed up the host 127.0.0.1")
    backup = host.model.backups[0].backup
    assert backup in said(await it.talk.ask("backup list"))
    machines = dict(host.link.region.world.machines)
    host.link.region.world.machines.pop(next(iter(machines)))
    await carried_out(it, f"restore {backup}", "Restored the host 127.0.0.1")
    assert set(host.link.region.world.machines) == set(machines)
    assert host.model.backups[0].backup.endswith("-before")
    await carried_out(it, "host restart", "Restarted MAAS on the host 127.0.0.1", "8 run, the API answers")
    assert host.model.done.count("snap restart maas") == 1
    assert "no backup nothere" in said(await it.talk.ask("restore nothere"))
    await carried_out(it, "upgrade --channel 3.7/stable --no-backup", "Upgraded the host 127.0.0.1")
    assert host.model.snaps["maas"].channel == "3.7/stable"
    assert "journal" in said(await it.talk.ask("logs regiond --lines 2"))
    assert "can't go back to 3.4/stable" in said(await it.talk.ask("upgrade --channel 3.4/stable"))
    assert "is on 3.7/stable already" in said(await it.talk.ask("upgrade --channel 3.7/stable"))
    await carried_out(it, "admin create olga", "Made an administrator on the host")
    assert "there is such an administrator already" in said(await it.talk.ask("admin create olga"))


async def test_mirrors(tmp_path: Path) -> None:
    async with lone_host(tmp_path) as (stand_in, host):
        url = "http://images.maas.io/ephemeral-v3/stable/"
        for fault, word in {"mirror-dns": "no address", "mirror-tcp": "port", "mirror-http": "answers 503"}.items():
            stand_in.faults.set(fault)
            found = await look_at_mirror(host.helper, url)
            assert not found.well
            assert word in found.found
            assert found.remedy
            stand_in.faults.clear()
        assert (await look_at_mirror(host.helper, url)).well
        for wrong in ("ftp://x/", "http://u:p@x/", "http://x/?q", "nothing", "http://x/`id`"):
            assert "no URL of a mirror" in (await look_at_mirror(host.helper, wrong)).found
    assert not told(Mirror(url=url, name=True, port=True, status=None, said="self-signed certificate")).well
