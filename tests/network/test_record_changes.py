"""Static routes and names in MAAS's DNS, made and removed as people do it, and all that is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kinds.steps import agree, done, refused, said
from tests.support.harness import running

ROUTE = "routes add 10.99.0.0/24 lab-net 10.99.0.1"
MAKES = "10.99.0.0/24 to 10.98.0.0/16"


async def test_routes_and_names_come_and_go(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        world = it.world.region.world
        plan = await it.talk.ask(f"{ROUTE} --metric 50")
        assert f"Add route {MAKES}?" in said(plan) and "at their next deployment" in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, f"Added route {MAKES}", "by 10.99.0.1, metric 50")
        made = world.routes[-1]
        assert (made["source"], made["destination"], made["metric"]) == (1, 2, 50)
        assert str(made["id"]) in said(await it.talk.ask("routes"))
        assert "it is there already" in await refused(it.talk, ROUTE)
        plan = await it.talk.ask(f"routes remove {made['id']}")
        assert "Deployed ones keep theirs" in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, f"Removed route {MAKES}")
        assert made not in world.routes

        plan = await it.talk.ask("dns add Mirror.maas. 10.98.0.6")
        await agree(it.talk, plan)
        await done(it.talk, plan, "Added mirror.maas", "points to 10.98.0.6")
        assert "10.98.0.6" in said(await it.talk.ask("dns mirror"))
        assert "it points to 10.98.0.6 already" in await refused(it.talk, "dns add mirror.maas 10.98.0.7")
        plan = await it.talk.ask("dns remove mirror.maas --reason 'moved'")
        assert "no longer reaches 10.98.0.6 by it" in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, "Removed mirror.maas")
        assert [one["fqdn"] for one in world.dns_names] == ["registry.maas"]


async def test_what_is_refused_has_its_words_and_changes_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        for words, part in {
            "routes add nowhere lab-net 10.99.0.1": "There is no subnet nowhere",
            "routes add 10.99.0.0/24 lab-net 10.98.0.1": "the gateway 10.98.0.1 is not in 10.99.0.0/24",
            "routes add lab-net lab-net 10.98.0.1": "both ends are the same subnet",
            "routes add 10.99.0.0/24 lab-net gateway": "gateway is no IP address",
            f"{ROUTE} --metric -1": "-1 is no metric",
            "routes remove 99": "There is no route 99; there are 1: 10.98.0.0/16 to 10.99.0.0/24 by 10.98.0.1",
            "dns add mirror 10.98.0.6": "is no whole name",
            "dns add mirror.example 10.98.0.6": "MAAS has no such domain; it has maas",
            "dns add mirror.maas 10.98.0.666": "is no IP address",
            "dns add node-1.maas 10.98.0.6": "already; remove it first",
            "dns add a.b.maas 10.98.0.6": "MAAS has no domain b.maas",
            "dns add mirror.maas": "Write the name and one address",
            "dns add mirror.maas 10.98.0.6 10.98.0.7": "Write the name and one address",
            "dns add mirror.maas mail.maas --type MX": "MX is written as PREFERENCE NAME",
            "dns add mirror.maas 70000 mail.maas --type MX": "70000 is no number from 0 to 65535",
            "dns add mirror.maas 10.98.0.6 --type CNAME": "10.98.0.6 is no name",
            "dns add mirror.maas 'a b' --type NS": "a b is no name",
            "dns add mirror.maas mail.maas --type PTR": "PTR",
            "dns add mirror.maas 1 1 xyz --type SSHFP": "xyz is no fingerprint",
            "dns add mirror.maas 0 5 389 ldap.maas --type SRV": "begins with _SERVICE._PROTOCOL",
            "dns add maas mail.maas --type CNAME": "it is the name of a whole domain",
            "dns add www.example mail.maas --type CNAME": "MAAS has no such domain; it has maas",
            "dns add registry.maas mail.maas --type CNAME": "has nothing else, and it has 10.98.0.5",
            "dns remove node-1.maas": "is MAAS's own name for a machine",
            "dns remove gone.maas": "There is no name gone.maas; people made registry.maas",
        }.items():
            text = await refused(it.talk, words)
            assert part in text, (words, text)
        assert not [call for call in it.world.region.log if call.method in {"POST", "DELETE"} and (
            "static-routes" in call.path or "dnsresource" in call.path)]  # fmt: skip


async def test_records_of_other_types(tmp_path: Path) -> None:
    """A whole name of the same domain is given without the domain, any other with a dot: MAAS writes it as it is."""
    async with running(tmp_path) as it:
        world = it.world.region.world
        for words, kept in {
            "www.maas registry.maas --type CNAME": "CNAME registry",
            "docs.maas maas.io --type CNAME": "CNAME maas.io.",
            "maas 10 mail.maas --type MX": "MX 10 mail",
            "registry.maas 'v=spf1 -all' --type TXT": 'TXT "v=spf1 -all"',
            "_ldap._tcp.maas 0 5 389 registry --type SRV": "SRV 0 5 389 registry",
            "registry.maas 4 2 AB12CD34EF56AB12CD34 --type SSHFP": "SSHFP 4 2 ab12cd34ef56ab12cd34",
            "lab.maas ns1.lab.maas --type NS": "NS ns1.lab",
        }.items():
            name = words.split()[0]
            plan = await it.talk.ask(f"dns add {words}")
            await agree(it.talk, plan)
            await done(it.talk, plan, f"Added {name}", kept)
            assert f"it has {kept} already" in await refused(it.talk, f"dns add {words}")
        assert "a name with a CNAME has nothing else" in await refused(it.talk, "dns add www.maas hello --type TXT")
        told = said(await it.talk.ask("dns registry"))
        assert 'TXT "v=spf1 -all"' in told and "SSHFP" in told and "10.98.0.5" in told
        plan = await it.talk.ask("dns remove registry.maas --reason 'moved'")
        assert '10.98.0.5, TXT "v=spf1 -all"' in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, "Removed registry.maas")
        assert "registry.maas" not in [one["fqdn"] for one in world.dns_names]


@pytest.mark.parametrize("fault", ["reset", "reset-before"])
async def test_a_lost_answer_or_request_leaves_one_of_each(tmp_path: Path, fault: str) -> None:
    async with running(tmp_path) as it:
        world = it.world.region.world
        for words, path, end in (
            (ROUTE, "static-routes/", f"Added route {MAKES}"),
            ("dns add mirror.maas 10.98.0.6", "dnsresources/", "Added mirror.maas"),
            ("dns add www.maas mirror.maas --type CNAME", "dnsresourcerecords/", "Added www.maas"),
        ):
            plan = await it.talk.ask(words)
            it.world.region.faults.set(fault, path=path, method="POST", count=1)
            await agree(it.talk, plan)
            await done(it.talk, plan, end)
        assert (len(world.routes), len(world.dns_names)) == (2, 3)
        assert len(world.dns_names[-1]["records"]) == 1


async def test_what_went_between_plan_and_yes_voids_the_plan(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        plan = await it.talk.ask("routes remove 1")
        it.world.region.world.routes.clear()
        await agree(it.talk, plan)
        await it.talk.reads(plan, "is void", "it is no longer in MAAS")
