"""Settings, SSH keys, notices and racks: read, changed by a plan, and what each bad wish is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kinds.steps import BOTH, CONFIRM, done, refused, said
from tests.support.harness import VICTOR, Running, running, until

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx3Yh7mPcT8n6mGm0y0N5mIkzj4mCqS1c5Jx8mQk7Qe bot@test"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC893NR3iCuA924tilDvZRjieTt6nLcaf2FYl01YWgaS olga@laptop"


async def carried_out(it: Running, words: str, *parts: str) -> str:
    plan = await it.talk.ask(words)
    await it.talk.click(plan, CONFIRM)
    text = await done(it.talk, plan, *parts)
    return " ".join([text, *(it.talk.read(one) for one in it.talk.replies(plan))])


@pytest.mark.parametrize("version", BOTH)
async def test_settings_are_read_and_set(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        world = it.world.region.world
        assert "maas_name: maas-region." in (await it.talk.ask("config get maas_name", user=VICTOR)).text
        text = said(await it.talk.ask("config get upstream-dns completed_intro vcenter_password kernel_opts"))
        for part in ("10.99.0.1", "yes", "not set"):
            assert part in text
        world.settings["vcenter_password"] = "tops3cret"
        world.settings["http_proxy"] = "http://olga:tops3cret@proxy:8080/"
        text = said(await it.talk.ask("config get vcenter_password http_proxy"))
        assert "set (a secret, not shown)" in text and "http://***@proxy:8080/" in text and "tops3cret" not in text
        listed = said(await it.talk.ask("config get"))
        assert "maas_auto_ipmi_user" in listed and "upstream_dns" in listed, "the whole list, however long"

        plan = await it.talk.ask("config set upstream_dns 8.8.8.8 1.1.1.1")
        assert "upstream_dns : 10.99.0.1 → 8.8.8.8 1.1.1.1" in " ".join(said(plan).split())
        await it.talk.click(plan, CONFIRM)
        await done(it.talk, plan, "Set upstream_dns")
        assert world.settings["upstream_dns"] == "8.8.8.8 1.1.1.1"
        assert "already" in await refused(it.talk, "config set upstream_dns 8.8.8.8,1.1.1.1")
        await carried_out(it, "config set completed_intro no", "Set completed_intro", "completed_intro: no")
        assert world.settings["completed_intro"] is False
        await carried_out(it, 'config set upstream_dns ""', "not set")
        await carried_out(it, "config set kernel_opts console=ttyS0,115200 quiet", "console=ttyS0,115200 quiet")
        text = await carried_out(it, "config set upstream_dns not-an-ip", "Setting upstream_dns failed")
        assert "Invalid IP address: not-an-ip; provide a list of space-separated IP addresses" in text
        assert "addresses. The setting is as it was" in text
        for words, part in (
            ("config get upstrem_dns", "Did you mean upstream_dns"),
            ("config set nope 1", "There is no setting nope"),
            ("config set upstream_dns", "needs a value"),
            ("config set completed_intro banana", "is yes or no, and banana is neither"),
            ("config set maas_proxy_port many", "is a whole number, and many is none"),
            ("config set vcenter_password hunter2", "is a secret"),
            ("config set http_proxy http://a:b@proxy/", "holds a password"),
        ):
            text = " ".join((await refused(it.talk, words)).split())
            assert part in text and "hunter2" not in text, (words, text)


@pytest.mark.parametrize("version", BOTH)
async def test_keys_come_and_go(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        world = it.world.region.world
        assert "admin has no SSH key" in said(await it.talk.ask("sshkeys list"))
        plan = await it.talk.ask(f"sshkeys add {ED25519}")
        assert "SHA256:" in said(plan) and "can log in on machines that admin deploys" in said(plan)
        await it.talk.click(plan, CONFIRM)
        await done(it.talk, plan, "Added SSH key")
        assert [row["key"] for row in world.sshkeys] == [ED25519]
        # the same key under another comment is the same key
        assert "MAAS has it already" in await refused(it.talk, f"sshkeys add {ED25519.replace('bot@test', 'me')}")
        assert "bot@test" in said(await it.talk.ask("sshkeys list", user=VICTOR))

        text = await carried_out(it, "sshkeys import lp:olga", "failed")
        assert "The region has no way to launchpad.net" in text and "sshkeys add KEY" in text
        world.key_sources = {"lp:olga": [OTHER], "gh:nobody": []}
        await carried_out(it, "sshkeys import lp:olga", "Imported SSH keys of olga on Launchpad", "1 imported")
        assert "there already" in await refused(it.talk, "sshkeys import lp:olga")
        assert "user olga doesn't exist" in await carried_out(it, "sshkeys import gh:olga", "failed")

        plan = await it.talk.ask("sshkeys remove olga@laptop")
        assert "those that run keep it" in said(plan)
        await it.talk.click(plan, CONFIRM)
        await done(it.talk, plan, "Removed SSH key")
        assert "the last one" in said(await it.talk.ask("sshkeys remove 1"))
        for words, part in (
            ("sshkeys add garbage", "That is no public key"),
            ("sshkeys add ssh-rsa garbage", "that ssh-rsa key is cut off or mistyped"),
            ("sshkeys add -----BEGIN OPENSSH PRIVATE KEY----- b3BlbnNzaC1rZXk", "that is a private key"),
            ("sshkeys import olga", "write lp:NAME or gh:NAME"),
            ("sshkeys import lp:../../x", "write lp:NAME or gh:NAME"),
            ("sshkeys remove 99", "is no key of MAAS. There are 1: ssh-ed25519"),
        ):
            text = " ".join((await refused(it.talk, words)).split())
            assert part.lower() in text.lower(), (words, text)
            assert "b3BlbnNzaC1rZXk" not in text


async def test_notices_and_racks(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        world = it.world.region.world
        assert "A newer release of MAAS is available" in said(await it.talk.ask("notifications", user=VICTOR))
        world.notifications.append({**world.notifications[0], "id": 7, "category": "error", "dismissable": False})
        text = said(await it.talk.ask("notifications"))
        assert text.index("stays until its cause is gone") < text.index(" 1 "), "errors first"
        assert "does not let it be dismissed" in await refused(it.talk, "notifications dismiss 7")
        assert "it is not shown" in await refused(it.talk, "notifications dismiss 99")
        assert "Which notices?" in await refused(it.talk, "notifications dismiss soon")
        await carried_out(it, "notifications dismiss all", "Dismissed notice 1")
        assert "no notice that can be dismissed" in await refused(it.talk, "notifications dismiss all")

        text = said(await it.talk.ask("racks", user=VICTOR))
        assert "1 rack controller, all well" in text and "connected" in text and "tftp" in text and "10.99.0.2" in text
        it.world.region.faults.set("dead-rack")
        text = said(await it.talk.ask("racks"))
        assert "1 in trouble" in text and "can't boot or change power" in text and "dead: " in text
        await until(lambda: it.world.region.faults.is_active("dead-rack"))


async def test_a_key_without_rights_is_told_before_anything_is_done(tmp_path: Path) -> None:
    """Of what takes an administrator MAAS would carry out the first half: a range, and then no DHCP."""
    async with running(tmp_path) as it:
        for user in it.world.region.world.users:
            user.is_superuser = user.username == "operator"
        for words in ("config set maas_name lab", "dhcp enable 10.99.0.0/24", "dhcp disable lab-net"):
            text = await refused(it.talk, words)
            assert "my MAAS user admin is no administrator" in text and "MAAS_API_KEY" in text, (words, text)
        assert "takes the API key of a MAAS administrator" in await refused(it.talk, "setup")
        assert len(it.world.region.world.network.ranges) == 1
