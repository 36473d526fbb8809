"""MAAS restarted in the middle of each order about the network, settings, keys, notices and sources of images.

With its answer lost, and with the order lost: each is done once, and the operation comes to its end. The steps of
`setup` have theirs in test_setup.py, the import of images in tests/images/test_restarts.py.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.kinds.steps import agree, done
from tests.support.harness import Running, running, until

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx3Yh7mPcT8n6mGm0y0N5mIkzj4mCqS1c5Jx8mQk7Qe bot@test"
MAC = "52:54:00:aa:00:01"
#: What is typed, the order that it comes to, and how it ends.
ORDERS = [
    ("dhcp enable 10.99.0.0/24 --range 10.99.0.120-10.99.0.130", "PUT fabrics/*", "Enabled DHCP on fabric-0 untagged"),
    ("ranges add lab-net 10.98.10.1-10.98.10.9", "POST ipranges/", "Added reserved range"),
    ("ranges remove 10.98.10.1-10.98.10.9", "DELETE ipranges/*", "Removed range 10.98.10.1"),
    ("dhcp disable 10.99.0.0/24 --reason later", "PUT fabrics/*", "Disabled DHCP on fabric-0 untagged"),
    ("reserved add 10.98.0.9 52:54:00:aa:00:01", "POST reservedips/", "Reserved 10.98.0.9"),
    ("reserved remove 10.98.0.9", "DELETE reservedips/*", "Gave back"),
    ("routes add 10.99.0.0/24 lab-net 10.99.0.1", "POST static-routes/", "Added route"),
    ("routes remove {route}", "DELETE static-routes/*", "Removed route"),
    ("dns add mirror.maas 10.98.0.6", "POST dnsresources/", "Added mirror.maas"),
    ("dns add mirror.maas hello --type TXT", "POST dnsresourcerecords/", "Added mirror.maas"),
    ("dns remove mirror.maas --reason moved", "DELETE dnsresources/*", "Removed mirror.maas"),
    ("config set upstream_dns 8.8.8.8", "POST maas/", "upstream_dns"),
    (f"sshkeys add {KEY}", "POST account/prefs/sshkeys/", "Added SSH key"),
    ("sshkeys remove bot@test", "DELETE account/prefs/sshkeys/*", "Removed SSH key"),
    ("sshkeys import lp:olga", "POST account/prefs/sshkeys/", "Imported SSH keys of olga"),
    ("sshkeys remove bot@olga", "DELETE account/prefs/sshkeys/*", "Removed SSH key"),
    ("notifications dismiss 1", "POST notifications/*", "Dismissed notice 1"),
    ("images remove focal", "DELETE boot-sources/*", "Removed ubuntu/focal amd64"),
    ("images source add http://mirror.lan/maas --keyring /etc/mirror.gpg", "POST boot-sources/", "mirror.lan"),
    ("images source remove 2 --reason gone", "DELETE boot-sources/*", "deleted, with what was selected of it"),
    ("images source reset --snap", "PUT boot-sources/*", "Set the source of images"),
]


async def _restarted(it: Running, fault: str, order: str) -> None:
    """The region goes down as the order arrives, and comes back."""
    region = it.world.region
    await until(lambda: not region.faults.is_active(fault), 20, f"{fault} at {order}")
    region.faults.set("down")
    await asyncio.sleep(0.3)
    region.faults.clear("down")


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", ["reset", "reset-before"])
async def test_maas_is_restarted_as_an_order_arrives(tmp_path: Path, fault: str) -> None:
    async with running(tmp_path, version="3.7.3") as it:
        region, world = it.world.region, it.world.region.world
        world.key_sources = {"lp:olga": [KEY.replace("bot@test", "bot@olga")]}
        before = (len(world.network.ranges), len(world.routes), len(world.dns_names), len(world.sshkeys))
        for words, order, end in ORDERS:
            method, path = order.split()
            plan = await it.talk.ask(words.format(route=max((one["id"] for one in world.routes), default=0)))
            region.faults.set(fault, method=method, path=path, count=1)
            await agree(it.talk, plan)
            await _restarted(it, fault, order)
            await done(it.talk, plan, end)
        # What dhcp enable made is the one thing that nothing above takes back.
        assert len(world.network.ranges) == before[0] + 1
        assert (len(world.routes), len(world.dns_names), len(world.sshkeys)) == before[1:]
        assert world.settings["upstream_dns"] == "8.8.8.8"
        assert not world.network.reserved
        assert not world.images.of("focal", "amd64")
        assert len(world.images.sources) == 1
