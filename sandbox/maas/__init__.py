"""A stand-in for a MAAS region: speaks API 2.0 on a real socket, as MAAS 2.9.3, 3.4.10 or 3.7.3 does."""

from sandbox.maas.faults import Faults
from sandbox.maas.machine import Machine, Manners
from sandbox.maas.region import RegionStandIn
from sandbox.maas.server import Call
from sandbox.maas.world import World

__all__ = ["Call", "Faults", "Machine", "Manners", "RegionStandIn", "World"]
