"""What network, dhcp, ranges, dns, routes, discovery and reserved tell, on both versions of MAAS."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kinds.steps import BOTH, refused, said
from tests.support.harness import VICTOR, running

#: What anybody may type, and what the answer holds.
ANSWERS = [
    (
        "network",
        ["2 fabrics, 2 VLANs, 2 subnets", "lab-net (10.98.0.0/16)", "lab untagged", "on: maas-region", "10.98.0.1"],
    ),
    ("network lab-net", ["10.98.200.1 - 10.98.200.200", "PXE", "Largest free", "node-1", "Racks there", "maas-region"]),
    ("network 10.99.0.0/24", ["off", "10.99.0.77 (Brother)", "10.99.0.1 (router)", "unknown to MAAS"]),
    ("network 10.98.4.4", ["lab-net (10.98.0.0/16)"]),
    (
        "dhcp",
        [
            "DHCP is on for 1 VLAN",
            "lab untagged",
            "by maas-region",
            "10.98.200.1 - 10.98.200.200",
            "Off",
            "10.99.0.0/24",
            "reached by maas-region",
        ],
    ),
    ("ranges", ["1 range", "10.98.200.1 - 10.98.200.200", "dynamic", "200", "PXE"]),
    ("ranges 10.99.0.0/24", ["There is no range in 10.99.0.0/24", "/maas ranges add"]),
    ("dns", ["1 domain", "registry.maas", "10.98.0.5", "--all-names"]),
    ("dns node-1", ["node-1.maas", "A"]),
    ("routes", ["1 static route", "10.98.0.0/16", "10.99.0.0/24", "10.98.0.1", "100"]),
    ("discovery", ["2 devices seen, unknown to MAAS", "10.99.0.77", "Brother", "router", "by maas-region"]),
]

REFUSALS = [
    ("reserved", ["MAAS 3.6"]),
    ("network lab-nett", ["There is no subnet lab-nett", "did you mean lab-net", "10.99.0.0/24 on fabric-0 untagged"]),
    ("dhcp enable 10.1.2.3", ["There is no subnet 10.1.2.3", "lab-net (10.98.0.0/16) on lab untagged"]),
]


@pytest.mark.parametrize("version", BOTH)
async def test_each_is_told(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        for words, parts in ANSWERS:
            text = said(await it.talk.ask(words, user=VICTOR))
            for part in parts:
                assert part in text, (words, part, text)
        for words, parts in REFUSALS:
            text = await refused(it.talk, words)
            for part in parts:
                assert part in text, (words, part, text)


async def test_what_is_wrong_with_dhcp_is_said(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        network = it.world.region.world.network
        vlan = next(one for one in network.vlans.values() if one.dhcp_on)
        vlan.external_dhcp = "10.98.0.66"
        network.ranges.clear()
        network.changed()
        for words in ("network", "dhcp"):
            text = said(await it.talk.ask(words))
            assert "no dynamic range to give addresses from" in text
            assert "another DHCP server, 10.98.0.66, answers there" in text
        it.world.region.faults.set("dead-rack")
        assert "its DHCP server is dead" in said(await it.talk.ask("dhcp"))


async def test_two_subnets_of_one_name_and_none_at_all(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        network = it.world.region.world.network
        network.add_subnet("10.97.0.0/24", 1, "lab-net")
        text = await refused(it.talk, "network lab-net")
        assert "Several subnets fit lab-net: lab-net (10.98.0.0/16) on lab untagged, lab-net (10.97.0.0/24)" in text
        assert "Write the CIDR" in text
        network.subnets.clear()
        network.ranges.clear()
        network.changed()
        it.world.region.world.rack_addresses = []
        text = said(await it.talk.ask("network"))
        assert "no subnets" in text and "Without a subnet: fabric-0 untagged (rack maas-region), lab" in text
        assert "MAAS knows no subnet yet" in await refused(it.talk, "dhcp enable lab-net")
