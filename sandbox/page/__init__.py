"""The demo's web page: a stand-in workspace as its people see it, in a browser."""

from sandbox.page.faults import FaultPanel
from sandbox.page.routes import mount

__all__ = ["FaultPanel", "mount"]
