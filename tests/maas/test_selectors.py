"""What people type, and which machines it stands for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.maas.models import Machine, MachineStatus
from bot.maas.selection import natural_key, sort_machines
from bot.maas.selectors import filter_machines, select


def machine(system_id, hostname, status=MachineStatus.READY, **more):
    names = {MachineStatus.FAILED_COMMISSIONING: "Failed commissioning"}
    name = names.get(status, status.name.replace("_", " ").capitalize())
    return Machine(
        system_id=system_id,
        hostname=hostname,
        fqdn=f"{hostname}.maas",
        status=status,
        status_name=name,
        **more,
    )


FLEET = {
    one.system_id: one
    for one in [
        machine("aaaaaa", "node-1", tags=("gpu", "SSD"), pool="ci", zone="rack-a", owner="admin"),
        machine("bbbbbb", "node-2", tags=("gpu",), pool="default", architecture="amd64/generic"),
        machine("cccccc", "node-10", MachineStatus.NEW, pool="ci", architecture="arm64/generic"),
        machine("dddddd", "node-3", MachineStatus.FAILED_COMMISSIONING, boot_mac="52:54:00:00:00:01"),
        machine("eeeeee", "twin", domain="maas"),
        Machine(
            system_id="ffffff",
            hostname="twin",
            fqdn="twin.lab",
            status=MachineStatus.READY,
            status_name="Ready",
        ),
        machine("gggggg", "aaaaaa"),
        Machine(system_id="hhhhhh"),
    ]
}


def names(selection):
    return [one.name for one in selection.machines]


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (["node-2"], ["node-2"]),
        (["NODE-2.MAAS"], ["node-2"]),
        (["bbbbbb"], ["node-2"]),
        (["id:bbbbbb"], ["node-2"]),
        (["node-*"], ["node-1", "node-2", "node-3", "node-10"]),
        (["node-[12]"], ["node-1", "node-2"]),
        (["node-?"], ["node-1", "node-2", "node-3"]),
        (["node-10", "node-2", "node-2"], ["node-2", "node-10"]),
        (["node-10,node-2", "node-1"], ["node-1", "node-2", "node-10"]),
        (["tag:gpu"], ["node-1", "node-2"]),
        (["tag:ssd"], ["node-1"]),
        (["tag:g*"], ["node-1", "node-2"]),
        (["pool:ci"], ["node-1", "node-10"]),
        (["pool=ci"], ["node-1", "node-10"]),
        (["zone:rack-a"], ["node-1"]),
        (["owner:admin"], ["node-1"]),
        (["arch:arm64"], ["node-10"]),
        (["arch:amd64/generic"], ["node-2"]),
        (["mac:52:54:00:00:00:01"], ["node-3"]),
        (["status:new"], ["node-10"]),
        (["STATUS:New"], ["node-10"]),
        (["status:failed-commissioning"], ["node-3"]),
        (["status:failed_commissioning"], ["node-3"]),
        (['status:"Failed commissioning"'], ["node-3"]),
        (["status:Failed commissioning"], ["node-3"]),
        (["status:failed"], ["node-3"]),
        (["tag:gpu+pool:ci"], ["node-1"]),
        (["tag:gpu+pool:ci,status:new"], ["node-1", "node-10"]),
        (["node-*+tag:gpu", "status:new"], ["node-1", "node-2", "node-10"]),
        (["twin.lab"], ["twin"]),
        (["hhhhhh"], ["hhhhhh"]),
        (["name:aaaaaa"], ["aaaaaa"]),
        (["id:aaaaaa"], ["node-1"]),
        ([" ", ",", ",,"], []),
    ],
)
def test_terms(terms, expected):
    selection = select(FLEET, terms)
    assert names(selection) == expected
    assert not selection.problems


def test_ids_have_a_case_and_names_have_none():
    assert names(select(FLEET, ["Node-1"])) == ["node-1"]
    assert select(FLEET, ["id:BBBBBB"]).unknown


def test_unknown_names_come_with_suggestions():
    selection = select(FLEET, ["nod-2", "node-2"])
    assert names(selection) == ["node-2"]
    assert selection.unknown[0].term == "nod-2"
    assert "node-2" in selection.unknown[0].suggestions
    assert "Did you mean" in selection.problems[0]


@pytest.mark.parametrize(
    ("term", "suggestion"),
    [("tag:gpo", "tag:gpu"), ("pool:cii", "pool:ci"), ("status:reday", "status:ready"), ("tagg:gpu", "tag:")],
)
def test_unknown_values_come_with_suggestions(term, suggestion):
    assert suggestion in select(FLEET, [term]).unknown[0].suggestions


def test_a_right_term_that_holds_for_nothing_is_not_unknown():
    selection = select(FLEET, ["status:deployed", "tag:gpu+status:new"])
    assert selection.empty == ("status:deployed", "tag:gpu+status:new")
    assert not selection.unknown
    assert len(selection.problems) == 2


@pytest.mark.parametrize(("term", "ids"), [("twin", {"eeeeee", "ffffff"}), ("aaaaaa", {"aaaaaa", "gggggg"})])
def test_a_name_of_two_machines_is_refused_and_both_are_named(term, ids):
    selection = select(FLEET, [term])
    assert not selection.machines
    assert {one.system_id for one in selection.ambiguous[0].machines} == ids
    assert all(one in selection.problems[0] for one in ids)


def test_what_each_term_brought():
    selection = select(FLEET, ["tag:gpu", "node-1"])
    assert {term: len(found) for term, found in selection.per_term.items()} == {"tag:gpu": 2, "node-1": 1}


def test_filters_narrow():
    assert names(filter_machines(FLEET, ["tag:gpu", "pool:ci"])) == ["node-1"]
    assert names(filter_machines(FLEET, ["status:new,failed-commissioning"])) == ["node-3", "node-10"]
    assert names(filter_machines(FLEET, ["status=ready", "node-*"])) == ["node-1", "node-2"]
    assert names(filter_machines(FLEET, ["twin"])) == ["twin", "twin"]
    assert len(filter_machines(FLEET, []).machines) == len(FLEET)
    assert not filter_machines(FLEET, ["pool:nope"]).machines
    assert filter_machines(FLEET, ["pool:nope"]).unknown


def test_natural_order():
    assert sorted(["n10", "n9", "n1b", "N2", "n01", "a"], key=natural_key) == [
        "a",
        "n01",
        "n1b",
        "N2",
        "n9",
        "n10",
    ]
    assert natural_key("9" * 5000) > natural_key("8" * 5000)
    assert [one.name for one in sort_machines(FLEET.values())][:2] == ["aaaaaa", "hhhhhh"]


@given(st.lists(st.text(max_size=30), max_size=5))
def test_any_text_is_answered(terms):
    selection = select(FLEET, terms)
    assert {one.system_id for one in selection.machines} <= FLEET.keys()
    filter_machines(FLEET, terms)


@given(st.text(alphabet="node-123*?[]!\"'+,:= tagstupolid\u202e\x00", max_size=40))
def test_text_near_the_grammar_is_answered(term):
    selection = select(FLEET, [term])
    known = {one.system_id for found in selection.per_term.values() for one in found}
    assert known == {one.system_id for one in selection.machines}


@given(st.sampled_from(sorted(FLEET)))
def test_every_machine_can_be_named_by_its_id(system_id):
    assert [one.system_id for one in select(FLEET, [f"id:{system_id}"]).machines] == [system_id]


def test_very_long_terms_are_no_names():
    assert select(FLEET, ["x" * 5000, "*" * 5000]).unknown[0].term.endswith("…")
