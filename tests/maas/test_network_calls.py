"""The calls about network and settings, against regions that act and against answers of MAAS 3.7.3."""

from __future__ import annotations

import base64

import pytest

from bot.maas.errors import BadRequest, NotFound
from bot.maas.network_picture import SubnetUnclear, given_away, read_network, vlan_name
from bot.maas.region import Region
from tests.maas.recordings import recorded
from tests.maas.wire import Reply, Wire, transport_to


async def test_reading_the_network(live, standin):
    picture = await read_network(live)
    lab = picture.subnet("lab-net")
    assert picture.subnet("10.98.0.0/16") == picture.subnet("10.98.3.4") == picture.subnet("lab") == lab
    vlan = picture.vlan(lab.vlan.id)
    assert vlan_name(vlan) == "lab untagged" and vlan.dhcp_on
    assert [rack.system_id for rack in picture.racks_on(vlan)] == [standin.world.rack_id] == [vlan.primary_rack]
    assert [one.start_ip for one in picture.dynamic_on(vlan)] == ["10.98.200.1"]
    with pytest.raises(SubnetUnclear, match="there is no subnet nope"):
        picture.subnet("nope")
    taken = given_away(await live.taken_addresses(lab.id), await live.addresses_in_use(lab.id))
    told = {str(one): one.what for one in taken}
    assert told["10.98.0.1"] == "the gateway" and told["10.98.200.1 - 10.98.200.200"] == "dynamic range"
    assert any(what.startswith("assigned to node-") for what in told.values())
    assert (await live.subnet_usage(lab.id)).total_addresses == 65534
    assert await live.reserved_ips() is None, "before 3.6 there are none"


async def test_changing_the_network(live, standin):
    made = await live.create_ip_range("reserved", "10.99.0.10", "10.99.0.20", 1, "printers")
    assert (made.start_ip, made.comment, made.subnet_id) == ("10.99.0.10", "printers", 1)
    with pytest.raises(BadRequest, match="conflicts with an existing"):
        await live.create_ip_range("dynamic", "10.99.0.15", "10.99.0.30", 1)
    await live.delete_ip_range(made.id)
    with pytest.raises(NotFound):
        await live.delete_ip_range(made.id)
    office = (await read_network(live)).subnet("10.99.0.0/24").vlan
    with pytest.raises(BadRequest, match="dynamic IP range"):
        await live.set_dhcp(office.fabric_id, office.vid, on=True, rack=standin.world.rack_id)
    await live.create_ip_range("dynamic", "10.99.0.30", "10.99.0.40", 1)
    assert (await live.set_dhcp(office.fabric_id, office.vid, on=True, rack=standin.world.rack_id)).dhcp_on
    assert not (await live.set_dhcp(office.fabric_id, office.vid, on=False)).dhcp_on
    assert not (await live.vlan(office.fabric_id, office.vid)).dhcp_on


async def test_archives_and_a_form_that_keeps_the_rest(live):
    main = next(one for one in await live.package_repositories() if one.name == "main_archive")
    await live.set_archive(main.id, "http://mirror.example/ubuntu")
    again = next(one for one in await live.package_repositories() if one.name == "main_archive")
    assert (again.url, again.arches) == ("http://mirror.example/ubuntu", main.arches)
    with pytest.raises(BadRequest, match="valid repository URL"):
        await live.set_archive(main.id, "banana")


async def test_reserved_addresses_of_maas_3_7():
    wire = Wire("3.7.3")
    wire.on("GET", "reservedips/", recorded("3.7.3", "reservedips_list"))
    wire.on("POST", "reservedips/", recorded("3.7.3", "reservedip_create"))
    wire.on("DELETE", "reservedips/1/", Reply(204, b"", "text/plain"))
    async with wire.running() as url, transport_to(url) as transport:
        region = Region(transport)
        found = await region.reserved_ips()
        assert found is not None
        assert [(one.id, one.ip, one.mac_address, one.subnet) for one in found] == [
            (1, "10.98.201.5", "52:54:00:aa:00:01", "lab-net")
        ]
        made = await region.reserve_ip("10.98.201.5", "52:54:00:aa:00:01", "printer")
        assert (made.id, made.comment) == (1, "printer")
        await region.delete_reserved_ip(made.id)
    assert base64.b64encode(b"10.98.201.5") in wire.calls("reservedips/", "POST")[0].body
