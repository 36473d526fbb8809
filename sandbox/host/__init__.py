"""A stand-in for the host of a region: SSH on a real socket, the helper's protocol, and a small model of the host."""

from sandbox.host.faults import HostFaults
from sandbox.host.server import HostStandIn

__all__ = ["HostFaults", "HostStandIn"]
