"""MAAS 3.7.3: daily work on a region of that version, and what it alone has."""

from __future__ import annotations

from pathlib import Path

from tests.endtoend.steps import confirmed
from tests.kinds.steps import agree, done, effects, machine, refused, said
from tests.support.harness import OLGA, VICTOR, Running, running, until

MAC = "52:54:00:aa:00:01"


def reserved(it: Running) -> list[tuple[str, str, str]]:
    """What the region keeps: address, MAC address, comment."""
    return [(one.ip, one.mac_address, one.comment) for one in it.world.region.world.network.reserved.values()]


async def test_a_day_of_a_machine(tmp_path: Path) -> None:
    async with running(tmp_path, version="3.7.3") as it:
        assert "MAAS 3.7.3 is up" in said(await it.talk.ask("status"))
        root = await confirmed(it.talk, "commission node-3")
        await done(it.talk, root, "Commissioned node-3", "(1 Ready)")
        plan = await it.talk.ask("deploy node-3 --in-memory --series jammy")
        assert "memory" in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, "Deployed node-3", "(1 Deployed)")
        one = machine(it.world, "node-3")
        assert (one.ephemeral_deploy, one.distro_series) == (True, "jammy")
        plan = await it.talk.ask("release node-3")
        await agree(it.talk, plan)
        await done(it.talk, plan, "Released node-3", "(1 Ready)")
        assert effects(it.world, "node-3") == {"commission": 1, "deploy": 1, "release": 1}
        assert one.owner is None and not one.ephemeral_deploy


async def test_images_are_told_and_imported(tmp_path: Path) -> None:
    async with running(tmp_path, version="3.7.3") as it:
        text = said(await it.talk.ask("images"))
        for release in ("focal", "jammy", "noble"):
            assert f"ubuntu/{release}" in text
        it.world.region.world.images.mirror_version = "20261120"
        root = await confirmed(it.talk, "images import")
        await it.talk.reads(root, "Imported", timeout=30)
        assert {one.version for one in it.world.region.world.images.resources.values()} == {"20261120"}


async def test_an_address_is_kept_for_a_machine_and_given_back(tmp_path: Path) -> None:
    async with running(tmp_path, version="3.7.3") as it:
        assert "No address is reserved" in said(await it.talk.ask("reserved", user=VICTOR))
        root = await confirmed(it.talk, f"reserved add 10.98.201.5 {MAC.upper()} --comment 'the printer'")
        await done(it.talk, root, "Reserved 10.98.201.5 for")
        assert reserved(it) == [("10.98.201.5", MAC, "the printer")]
        text = said(await it.talk.ask("reserved", user=VICTOR))
        assert "1 reserved address" in text and MAC in text and "the printer" in text and "lab-net" in text
        assert "reserved already" in await refused(it.talk, "reserved add 10.98.201.5 52:54:00:aa:00:02")
        assert "has 10.98.201.5 reserved already" in await refused(it.talk, f"reserved add 10.98.201.6 {MAC}")

        root = await confirmed(it.talk, "reserved remove 10.98.201.5")
        await done(it.talk, root, "Gave back 10.98.201.5")
        assert reserved(it) == []
        assert "is not reserved" in await refused(it.talk, "reserved remove 10.98.201.5")
        assert dict(it.world.region.effects) == {("reserve", "10.98.201.5"): 1, ("give_back", "10.98.201.5"): 1}


async def test_addresses_that_maas_would_not_keep_are_refused_before_it_asks(tmp_path: Path) -> None:
    async with running(tmp_path, version="3.7.3") as it:
        it.world.region.world.network.add_range("dynamic", "10.98.230.1", "10.98.230.9", 2)
        for ip, why in (
            ("10.98.230.5", "inside the dynamic range 10.98.230.1 - 10.98.230.9"),
            ("10.98.255.255", "no machine can have it"),
            ("10.98.0.1", "it is the gateway of lab-net"),
            ("172.16.0.9", "there is no subnet"),
        ):
            assert why in await refused(it.talk, f"reserved add {ip} {MAC}"), ip
        assert not it.world.region.effects


async def test_the_kept_address_is_what_its_machine_is_deployed_with(tmp_path: Path) -> None:
    async with running(tmp_path, version="3.7.3") as it:
        mac = machine(it.world, "node-2").macs[0]
        root = await confirmed(it.talk, f"reserved add 10.98.201.7 {mac}")
        await done(it.talk, root, "Reserved 10.98.201.7")
        plan = await it.talk.ask("deploy node-2 --series jammy", user=OLGA)
        await agree(it.talk, plan)
        await done(it.talk, plan, "Deployed node-2")
        assert machine(it.world, "node-2").ip == "10.98.201.7"
        assert "10.98.201.7" in said(await it.talk.ask("machine node-2"))


async def test_an_older_region_says_that_it_keeps_no_addresses(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        assert "came with MAAS 3.6" in await refused(it.talk, f"reserved add 10.98.201.5 {MAC}")
        await until(lambda: not it.world.region.effects)
