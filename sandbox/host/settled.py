"""A host on which MAAS was installed by hand before anybody looked."""

from __future__ import annotations

from sandbox.host.model import TEST_DATABASE, TEST_ROLE, VERSIONS, Database, HostModel, Maas, Role, Server, Snap
from sandbox.maas import RegionStandIn


def settle_in(model: HostModel, region: RegionStandIn) -> None:
    """Put MAAS and its test database there, of the region's version."""
    channel = f"{'.'.join(region.version.split('.')[:2])}/stable"
    version = VERSIONS[channel.partition("/")[0]]
    model.snaps = {"maas": Snap(channel, *version), "maas-test-db": Snap(channel, "12.20-30", "187")}
    if channel.startswith("2.9"):
        model.snaps["maas-cli"] = Snap(channel, version[0], "13")
    model.test_server = Server({TEST_ROLE: Role()}, {TEST_DATABASE: Database(TEST_ROLE, 112, 24_000_000)})
    model.maas = Maas("region+rack", "", "test", TEST_DATABASE, TEST_ROLE, "", "0640", running=True)
