"""Every way in which a connection fails: its own error, its own words, and nothing sent where nothing may be."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import asyncssh
import pytest

from bot.host import errors
from bot.host.pinned import pin, shown_key
from bot.host.service import HostService
from tests.host.world import HOST_PACE, lone_host, settings_of

AWAY = {
    "off": (errors.ConnectionRefused, "nothing listens there"),
    "not-ssh": (errors.NotSsh, "before the login was done|does not speak SSH"),
    "key-refused": (errors.KeyRefused, "does not let maasbot in with the bot's key"),
    "too-many-keys": (errors.TooManyKeys, "too many tries"),
    "host-key": (errors.HostKeyChanged, "another key than the pinned one: SHA256:"),
    "max-sessions": (errors.TooManySessions, "no further session"),
    "drop-before": (errors.ConnectionLost, "ended before the answer was there"),
    "drop": (errors.ConnectionLost, "ended before the answer was there"),
    "killed": (errors.Killed, "ended by the signal KILL"),
    "bad-bytes": (errors.HelperBroken, "no answer that makes sense"),
    "sudo-password": (errors.SudoRefused, "sudo: a password is required"),
    "sudo-no-tty": (errors.SudoRefused, "a terminal is required"),
    "sudo-missing": (errors.SudoMissing, "There is no sudo"),
    "helper-missing": (errors.HelperMissing, "step is not on the host"),
    "helper-old": (errors.HelperVersion, "speaks protocol 99; this bot speaks 1"),
}


@pytest.mark.parametrize("fault", AWAY)
async def test_each_failure_is_its_own_error(tmp_path: Path, fault: str) -> None:
    kind, words = AWAY[fault]
    async with lone_host(tmp_path) as (stand_in, host):
        stand_in.faults.set(fault)
        await asyncio.sleep(0.05)
        with pytest.raises(kind, match=words) as caught:
            await host.helper.hello()
        assert type(caught.value) is kind
        assert caught.value.remedy
        if fault == "host-key":
            assert not stand_in.commands
            assert caught.value.fingerprint.startswith("SHA256:")
        assert caught.value.outcome_unknown is (kind in {errors.ConnectionLost, errors.Killed})
        stand_in.faults.clear()
        await asyncio.sleep(0.05)
        assert (await host.helper.hello()).hostname == "maas-host", "it recovers by itself"


async def test_a_silent_host_and_one_that_stalls(tmp_path: Path) -> None:
    async with lone_host(tmp_path) as (stand_in, host):
        quick = dataclasses.replace(HOST_PACE.connection, connect=0.2, login=0.2)
        silent = HostService.of(host.settings, tmp_path / "key", dataclasses.replace(HOST_PACE, connection=quick))
        stand_in.faults.set("silent")
        with pytest.raises(errors.HostSilent, match="did not answer in time"):
            await silent.helper.hello()
        stand_in.faults.clear()
        stand_in.faults.set("stall", count=1)
        with pytest.raises(errors.HostStalled, match=r"within 0\.2 s") as caught:
            await host.connection.run(_program(), b"{}", patience=0.2)
        assert caught.value.outcome_unknown
        assert (await host.helper.hello()).helper, "the connection itself was well, and is used on"
        await silent.close()


async def test_a_line_that_is_cut_is_noticed_by_keepalives(tmp_path: Path) -> None:
    async with lone_host(tmp_path) as (stand_in, host):
        await host.helper.hello()
        stand_in.faults.set("link-down")
        with pytest.raises(errors.ConnectionLost) as caught:
            await host.connection.run(_program(), b"{}", patience=30)
        assert caught.value.outcome_unknown
        stand_in.faults.clear()
        assert (await host.helper.hello()).helper


async def test_names_and_networks_that_do_not_exist(tmp_path: Path) -> None:
    async with lone_host(tmp_path) as (_, host):
        for name, kind in (("no-such-host.invalid", errors.NameUnknown), ("127.0.0.1", errors.HostKeyUnknown)):
            other = host.settings.model_copy(update={"host": name, "ssh_known_hosts": tmp_path / "none"})
            service = HostService.of(other, tmp_path / "key", HOST_PACE)
            with pytest.raises(kind):
                await service.helper.hello()


@pytest.mark.parametrize(
    ("setting", "content", "kind", "words"),
    [
        ("ssh_key_file", None, errors.KeyFileBad, "can't be used: No such file"),
        ("ssh_key_file", "no key at all", errors.KeyFileBad, "no private key"),
        ("ssh_key_file", "ENCRYPTED", errors.KeyFileBad, "encrypted"),
        ("ssh_known_hosts", "BYTES", errors.KnownHostsBad, "not in known_hosts format"),
        ("ssh_known_hosts", "", errors.HostKeyUnknown, "No key of 127.0.0.1 is pinned yet; it shows SHA256:"),
    ],
)
async def test_files_that_are_wrong(
    tmp_path: Path, setting: str, content: str | None, kind: type[errors.HostError], words: str
) -> None:
    async with lone_host(tmp_path) as (stand_in, host):
        file = tmp_path / "wrong"
        if content == "ENCRYPTED":
            key = asyncssh.generate_private_key("ssh-ed25519")
            content = key.export_private_key("pkcs8-pem", passphrase="secret").decode()
        if content == "BYTES":
            file.write_bytes(b"\xff\xfe\x00")
        elif content is not None:
            file.write_text(content)
        service = HostService.of(host.settings.model_copy(update={setting: file}), tmp_path / "key", HOST_PACE)
        with pytest.raises(kind, match=words):
            await service.helper.hello()
        assert not stand_in.commands


async def test_nothing_of_the_users_own_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither an agent nor ~/.ssh: a key that lies there opens nothing."""
    async with lone_host(tmp_path) as (stand_in, host):
        home = tmp_path / "home"
        (home / ".ssh").mkdir(parents=True)
        (home / ".ssh" / "id_ed25519").write_bytes(stand_in.client_key.export_private_key())
        (home / ".ssh" / "config").write_text("Host *\n  User root\n  StrictHostKeyChecking no\n")
        monkeypatch.setenv("HOME", str(home))
        other = tmp_path / "other"
        other.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
        service = HostService.of(host.settings.model_copy(update={"ssh_key_file": other}), tmp_path / "key", HOST_PACE)
        with pytest.raises(errors.KeyRefused):
            await service.helper.hello()


async def test_pinning_an_unknown_key_and_never_over_another(tmp_path: Path) -> None:
    async with lone_host(tmp_path) as (stand_in, host):
        known = tmp_path / "sub" / "known_hosts"
        fresh = host.settings.model_copy(update={"ssh_known_hosts": known})
        await pin(fresh, await shown_key(fresh, 5))
        await pin(fresh, await shown_key(fresh, 5))
        assert known.read_text().count("\n") == 1
        service = HostService.of(fresh, tmp_path / "key", HOST_PACE)
        assert (await service.helper.hello()).helper
        await service.close()
        stand_in.faults.set("host-key")
        with pytest.raises(errors.HostKeyChanged):
            await pin(fresh, await shown_key(fresh, 5))


async def test_a_host_with_several_keys_does_not_look_changed(tmp_path: Path) -> None:
    """Pinned is its RSA key; a client that asks for nothing special is shown the Ed25519 one."""
    rsa, other = asyncssh.generate_private_key("ssh-rsa"), asyncssh.generate_private_key("ssh-ed25519")
    async with lone_host(tmp_path) as (stand_in, host):
        server = await asyncssh.create_server(asyncssh.SSHServer, "127.0.0.1", 0, server_host_keys=[other, rsa])
        port = server.sockets[0].getsockname()[1]
        known = tmp_path / "known"
        known.write_bytes(f"[127.0.0.1]:{port} ".encode() + rsa.export_public_key())
        settings = settings_of(stand_in, tmp_path).model_copy(update={"ssh_port": port, "ssh_known_hosts": known})
        with pytest.raises(errors.KeyRefused):  # the key is the right one; this server lets nobody in
            await HostService.of(settings, host.key_file, HOST_PACE).helper.hello()
        server.close()


def _program() -> str:
    from bot.host.client import PROGRAM

    return PROGRAM
