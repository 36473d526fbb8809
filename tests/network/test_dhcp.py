"""DHCP on and off, ranges and their guard: the plan, what MAAS is told, what each bad wish is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.kinds.steps import ASK, BOTH, CONFIRM, agree, done, has, refused, said
from tests.support.harness import QUICK, Running, running, until


def network_of(it: Running):
    return it.world.region.world.network


def vlan_of(it: Running, cidr: str):
    network = network_of(it)
    subnet = next(one for one in network.subnets.values() if one.cidr == cidr)
    return network.vlans[subnet.vlan]


@pytest.mark.parametrize("version", BOTH)
async def test_enabled_with_a_proposed_range_and_disabled_again(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        office = vlan_of(it, "10.99.0.0/24")
        plan = await it.talk.ask("dhcp enable 10.99.0.0/24")
        text = said(plan)
        # the largest free block ends at the top; a neighbour at .77 and the rack at .2 stay outside
        for part in (
            "Enable DHCP for 10.99.0.0/24?",
            "Dynamic range : none → 10.99.0.191 - 10.99.0.254 (64 addresses)",
            "DHCP on fabric-0 untagged : off → on, served by maas-region",
            "boot over the network",
        ):
            assert part in " ".join(text.split()), text
        await it.talk.click(plan, CONFIRM)
        await done(it.talk, plan, "Enabled DHCP on fabric-0 untagged", "on, served by maas-region", "all 2 steps done")
        assert office.dhcp_on and office.primary_rack == it.world.region.world.rack_id
        assert [(one.start_ip, one.end_ip) for one in network_of(it).ranges.values() if one.subnet == 1] == [
            ("10.99.0.191", "10.99.0.254")
        ]
        assert "it is on, served by maas-region" in await refused(it.talk, "dhcp enable 10.99.0.0/24")

        plan = await it.talk.ask("dhcp disable 10.99.0.0/24")
        await agree(it.talk, plan)
        await done(it.talk, plan, "Disabled DHCP on fabric-0 untagged")
        assert not office.dhcp_on
        assert "off already" in await refused(it.talk, "dhcp disable 10.99.0.0/24")
        # the range stayed: enabling again needs one step
        plan = await it.talk.ask("dhcp enable 10.99.0.0/24")
        assert "Dynamic range" not in said(plan)


async def test_disabling_says_who_loses_an_address_and_another_person_approves(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        for name in ("node-2", "node-3"):
            it.world.region.world.alter(name, power_state="on")
        plan = await it.talk.ask("dhcp disable lab-net")
        text = said(plan)
        assert "node-2 (10.98.200." in text and "node-3 (10.98.200." in text
        assert "end with their lease" in text and "Nothing new on this network can boot" in text
        assert has(plan, ASK) and not has(plan, CONFIRM)
        await agree(it.talk, plan)
        await done(it.talk, plan, "Disabled DHCP on lab untagged")


#: Wishes that can't be: what is typed, and what the answer holds.
BAD = [
    ("dhcp enable 10.99.0.0/24 --range 10.99.0.50", ["10.99.0.50 is no range"]),
    ("dhcp enable 10.99.0.0/24 --range 10.99.0.60-10.99.0.50", ["comes after", "10.99.0.50-10.99.0.60"]),
    ("dhcp enable 10.99.0.0/24 --range 10.98.0.50-10.98.0.60", ["outside of 10.99.0.0/24"]),
    ("dhcp enable 10.99.0.0/24 --range 10.99.0.250-10.99.1.5", ["10.99.1.5 is outside of 10.99.0.0/24"]),
    ("dhcp enable 10.99.0.0/24 --range fe80::1-fe80::9", ["fe80::1 - fe80::9 is IPv6, and 10.99.0.0/24 is IPv4"]),
    ("dhcp enable 10.99.0.0/24 --range 10.99.0.1-10.99.0.9", ["10.99.0.2 (assigned)"]),
    ("dhcp enable lab-net --range 10.98.0.1-10.98.0.9", ["holds the gateway 10.98.0.1"]),
    (
        "dhcp enable lab-net --range 10.98.200.100-10.98.201.9",
        ["collides with 10.98.200.1 - 10.98.200.200 (dynamic range)"],
    ),
    ("dhcp enable lab-net --range 10.98.0.11-10.98.0.12", ["(assigned to node-"]),
    (
        "dhcp enable 10.97.0.0/24",
        ["no rack has an interface on attic untagged", "racks reach fabric-0 untagged, lab untagged"],
    ),
    ("dhcp enable fd00:97::/64", ["is IPv6, and machines boot over IPv4"]),
    ("dhcp enable 10.96.0.0/24", ["relays DHCP to lab untagged"]),
    ("dhcp enable 10.99.0.0/24 --rack nowhere", ["there is no rack nowhere; the racks are maas-region"]),
    ("dhcp enable 10.97.0.0/24 --rack maas-region", ["rack maas-region has no interface on attic untagged"]),
    ("dhcp enable", ["needs a subnet"]),
    ("ranges add 10.99.0.0/24 10.99.0.7", ["10.99.0.7 is no range"]),
    ("ranges add lab-net 10.98.0.1-10.98.0.9 --type dynamic", ["holds the gateway"]),
    ("ranges add lab-net 10.98.200.7-10.98.200.9", ["collides with", "dynamic range"]),
    ("ranges add lab-net 10.98.0.1-10.98.0.9 --type fast", ["fast", "one of reserved, dynamic"]),
    (
        "ranges remove 10.98.0.1-10.98.0.9",
        ["There is no range 10.98.0.1-10.98.0.9; there are 10.98.200.1-10.98.200.200"],
    ),
    (
        "ranges remove 10.98.200.1-10.98.200.200",
        ["DHCP on lab untagged gives addresses from it", "disable DHCP there first"],
    ),
    ("reserved add 10.98.0.9 52:54:00:aa:00:01", ["MAAS 3.6"]),
    ("reserved remove 10.98.0.9", ["MAAS 3.6", "this region runs 3.4.10"]),
    ("dhcp enable 10.99.0.0/24 --range 10.99.0.60 - 10.99.0.50", ["comes after", "10.99.0.50-10.99.0.60"]),
    ("reserved add 10.98.0.9 banana", ["banana is no MAC address"]),
    ("reserved add banana 52:54:00:aa:00:01", ["banana is no IP address"]),
]


async def test_each_bad_wish_has_its_words_and_changes_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        network = network_of(it)
        attic, relayed = network.add_fabric("attic"), network.add_fabric("relayed")
        network.add_subnet("10.97.0.0/24", network.untagged(attic.id).id)
        network.add_subnet("fd00:97::/64", network.untagged(attic.id).id)
        network.add_subnet("10.96.0.0/24", network.untagged(relayed.id).id)
        network.untagged(relayed.id).relay_vlan = vlan_of(it, "10.98.0.0/16").id
        before = network.dump()
        for words, parts in BAD:
            text = await refused(it.talk, words)
            for part in parts:
                assert part in text, (words, part, text)
        assert network.dump() == before


async def test_what_could_go_wrong_is_in_the_plan(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        network = network_of(it)
        office = vlan_of(it, "10.99.0.0/24")
        office.external_dhcp, office.vid = "10.99.0.66", 7
        network.changed()
        text = said(await it.talk.ask("dhcp enable 10.99.0.0/24 --range 10.99.0.70-10.99.0.90"))
        assert "Another DHCP server, 10.99.0.66, answers" in text
        assert "fabric-0 VLAN 7 (untagged) is tagged" in text
        assert "The racks saw 10.99.0.77 (Brother) inside 10.99.0.70 - 10.99.0.90" in text


async def test_ranges_come_and_go_and_the_last_one_under_dhcp_stays(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        network = network_of(it)
        plan = await it.talk.ask("ranges add lab-net 10.98.10.1-100 --comment printers")
        assert "MAAS gives no address from it to anybody" in said(plan)
        await it.talk.click(plan, CONFIRM)
        await done(it.talk, plan, "Added reserved range 10.98.10.1 - 10.98.10.100")
        assert "it is there already" in await refused(it.talk, "ranges add lab-net 10.98.10.1-100")
        plan = await it.talk.ask("ranges add lab-net 10.98.11.1-9 --type dynamic")
        assert "DHCP gives addresses from it at once" in said(plan)
        await it.talk.click(plan, CONFIRM)
        await done(it.talk, plan, "Added dynamic range")
        assert len(network.ranges) == 3

        # with two dynamic ranges either may go; between the plan and the yes somebody takes the other
        plan = await it.talk.ask("ranges remove 10.98.11.1-9")
        first = next(number for number, one in network.ranges.items() if one.start_ip == "10.98.200.1")
        kept = network.ranges.pop(first)
        await it.talk.click(plan, CONFIRM)
        await it.talk.reads(plan, "the plan no longer fits", "DHCP on lab untagged gives addresses from it")
        assert any(one.start_ip == "10.98.11.1" for one in network.ranges.values())
        network.ranges[first] = kept
        plan = await it.talk.ask("ranges remove 10.98.11.1-9")
        await it.talk.click(plan, CONFIRM)
        await done(it.talk, plan, "Removed range 10.98.11.1 - 10.98.11.9")
        plan = await it.talk.ask("ranges remove id:2")
        await it.talk.click(plan, CONFIRM)
        await done(it.talk, plan, "Removed range 10.98.10.1 - 10.98.10.100")
        assert [one.start_ip for one in network.ranges.values()] == ["10.98.200.1"]


async def test_the_world_changes_between_plan_and_yes(tmp_path: Path) -> None:
    """Somebody takes an address inside the proposed range: the plan is void and says what changed."""
    async with running(tmp_path) as it:
        plan = await it.talk.ask("dhcp enable 10.99.0.0/24")
        it.world.region.world.alter("node-2", ip="10.99.0.200")
        await it.talk.click(plan, CONFIRM)
        await it.talk.reads(plan, "Nothing was done", "collides with 10.99.0.200", "node-2")
        assert not vlan_of(it, "10.99.0.0/24").dhcp_on
        assert len(network_of(it).ranges) == 1


@pytest.mark.parametrize("fault", ["reset", "reset-before"])
@pytest.mark.parametrize(("method", "path"), [("POST", "ipranges/"), ("PUT", "fabrics/*")])
async def test_a_lost_answer_or_request_leaves_one_of_each(tmp_path: Path, fault: str, method: str, path: str) -> None:
    async with running(tmp_path) as it:
        plan = await it.talk.ask("dhcp enable 10.99.0.0/24")
        it.world.region.faults.set(fault, method=method, path=path, count=1)
        await it.talk.click(plan, CONFIRM)
        await done(it.talk, plan, "all 2 steps done")
        assert len(network_of(it).ranges) == 2
        assert vlan_of(it, "10.99.0.0/24").dhcp_on


async def test_a_server_that_does_not_come_up_is_told_and_dhcp_stays_on(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        plan = await it.talk.ask("dhcp enable 10.99.0.0/24")
        await it.talk.click(plan, CONFIRM)
        it.world.region.faults.set("dhcpd-fails")
        text = await done(it.talk, plan, "failed; 1 of 2 steps done", timeout=40)
        await until(lambda: "the DHCP server on rack maas-region is dead" in it.talk.read(it.talk.replies(plan)[0]))
        assert "DHCP on fabric-0 untagged failed" in text


async def test_who_asks_for_the_status_next_sees_it(tmp_path: Path) -> None:
    """The region is looked at when the work in steps ends, however long the next look is away."""
    async with running(tmp_path, pace=replace(QUICK, snapshot=600.0)) as it:
        plan = await it.talk.ask("dhcp enable 10.99.0.0/24")
        watcher = it.bot.regions["default"].watcher
        before = watcher.snapshot.vlans.at
        await agree(it.talk, plan)
        await done(it.talk, plan, "Enabled DHCP on fabric-0 untagged")
        await until(lambda: watcher.snapshot.vlans.at != before, what="another look")
        assert "on for fabric-0 untagged" in said(await it.talk.ask("status"))
