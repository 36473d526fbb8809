"""Arithmetic of ranges: what holds for every subnet, and what each bad range is told."""

from __future__ import annotations

import itertools
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.maas.addresses import Block, RangeFault, block, check_range, free_blocks, parse_range, propose, usable

SUBNET = ip_network("10.0.0.0/24")
TAKEN = [block("10.0.0.1", "10.0.0.1", "gateway"), block("10.0.0.100", "10.0.0.120", "dynamic range")]


@st.composite
def subnets(draw):
    """A subnet of either version, and blocks that take parts of it and of what lies around it."""
    version = draw(st.sampled_from((4, 6)))
    bits = 32 if version == 4 else 128
    prefix = draw(st.integers(bits - 12, bits))
    make = IPv4Address if version == 4 else IPv6Address
    start = draw(st.integers(2**16, 2**31)) >> (bits - prefix) << (bits - prefix)
    network = ip_network((make(start), prefix))
    low, high = max(0, start - 8), int(network.broadcast_address) + 8
    ends = st.integers(low, high)
    pairs = draw(st.lists(st.tuples(ends, ends), max_size=6))
    return network, [Block(make(min(pair)), make(max(pair))) for pair in pairs]


@settings(deadline=None)
@given(subnets())
def test_free_and_taken_make_up_the_subnet(given_subnet) -> None:
    network, taken = given_subnet
    free = free_blocks(network, taken)
    assert not [one for one in free for other in taken if one.meets(other)]
    for one, after in itertools.pairwise(free):
        assert int(one.last) + 1 < int(after.first), "in order, and never two where one would do"
    whole = usable(network)
    if whole is None:
        assert free == []
        return
    held = sum(one.size for one in free)
    numbers = range(int(whole.first), int(whole.last) + 1)
    gone = {n for one in taken for n in range(max(int(one.first), numbers[0]), min(int(one.last), numbers[-1]) + 1)}
    assert held == whole.size - len(gone)


@settings(deadline=None)
@given(subnets())
def test_what_is_proposed_can_be_had(given_subnet) -> None:
    network, taken = given_subnet
    found = propose(network, taken)
    if found is None:
        assert max((one.size for one in free_blocks(network, taken)), default=0) < 4
        return
    check_range(found, network, "", taken)
    assert 4 <= found.size <= 200
    # at most a quarter, save in subnets so small that a quarter is of no use
    assert found.size <= max(4, network.num_addresses // 4)
    assert parse_range(f"{found.first}-{found.last}") == found


@given(st.text(max_size=40))
def test_no_words_break_it(text: str) -> None:
    try:
        found = parse_range(text)
    except RangeFault as fault:
        assert str(fault) and not str(fault).endswith(".")
    else:
        assert int(found.first) <= int(found.last)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("10.0.0.10-10.0.0.20", "10.0.0.10", "10.0.0.20"),
        ("10.0.0.10-20", "10.0.0.10", "10.0.0.20"),
        (" 10.0.0.10 \u2013 10.0.0.20", "10.0.0.10", "10.0.0.20"),
        ("2001:db8::10-2001:db8::20", "2001:db8::10", "2001:db8::20"),
    ],
)
def test_ranges_as_people_write_them(text: str, first: str, last: str) -> None:
    assert parse_range(text) == Block(ip_address(first), ip_address(last))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("10.0.0.10", "10.0.0.10 is no range; write its two ends like"),
        ("10.0.0.10-banana", "banana is no IP address"),
        ("10.0.0.300-10.0.0.310", "10.0.0.300 is no IP address"),
        ("10.0.0.20-10.0.0.10", "10.0.0.20 comes after 10.0.0.10; write 10.0.0.10-10.0.0.20 if that"),
        ("10.0.0.20-2001:db8::1", "10.0.0.20 is IPv4 and 2001:db8::1 is IPv6"),
        ("-", "- is no range"),
    ],
)
def test_words_that_are_no_range(text: str, told: str) -> None:
    with pytest.raises(RangeFault, match=r".") as fault:
        parse_range(text)
    assert told in str(fault.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("10.0.0.130-10.0.1.20", "10.0.1.20 is outside of 10.0.0.0/24"),
        ("10.9.0.1-10.9.0.2", "10.9.0.1 and 10.9.0.2 are outside of 10.0.0.0/24"),
        ("10.0.0.0-10.0.0.20", "holds the network address of 10.0.0.0/24; usable are 10.0.0.1 - 10.0.0.254"),
        ("10.0.0.250-10.0.0.255", "holds the broadcast address"),
        ("10.0.0.1-10.0.0.20", "10.0.0.1 - 10.0.0.20 holds the gateway 10.0.0.1"),
        ("10.0.0.110-10.0.0.130", "collides with 10.0.0.100 - 10.0.0.120 (dynamic range)"),
        ("2001:db8::10-2001:db8::20", "2001:db8::10 - 2001:db8::20 is IPv6, and 10.0.0.0/24 is IPv4"),
    ],
)
def test_ranges_that_are_not_to_be_had(text: str, told: str) -> None:
    with pytest.raises(RangeFault, match=r".") as fault:
        check_range(parse_range(text), SUBNET, "10.0.0.1", TAKEN)
    assert told in str(fault.value)


def test_a_range_beside_the_others_is_fine() -> None:
    check_range(parse_range("10.0.0.121-10.0.0.254"), SUBNET, "10.0.0.1", TAKEN)


def test_subnets_too_small_to_hand_anything_out() -> None:
    assert propose(ip_network("10.0.0.0/32"), []) is None
    assert propose(ip_network("10.0.0.0/30"), []) is None
    assert propose(SUBNET, [block("10.0.0.0", "10.0.0.255")]) is None
