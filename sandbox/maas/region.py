"""A MAAS region that runs on a real socket and behaves like a recorded one."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from pathlib import Path
from typing import Any

from aiohttp import web

from sandbox.maas import apis, fleetmaker
from sandbox.maas.commissioning import Commissioning
from sandbox.maas.context import Context
from sandbox.maas.controllers import Controllers
from sandbox.maas.data_files import load as load_data
from sandbox.maas.deployment import Deployment
from sandbox.maas.enlisting import Enlisting
from sandbox.maas.faults import Faults
from sandbox.maas.freshregion import make_fresh_region
from sandbox.maas.image_import import ImageImport
from sandbox.maas.lifecycle import LifeCycle
from sandbox.maas.listener import Listener
from sandbox.maas.oauth import OAuthCheck
from sandbox.maas.power import Power
from sandbox.maas.render import MachineRenderer
from sandbox.maas.rescue import Rescue
from sandbox.maas.routing import Table
from sandbox.maas.server import Call, Server
from sandbox.maas.state import dump_world, load_world
from sandbox.maas.timers import Timers
from sandbox.maas.world import World


class RegionStandIn:
    """Emulates MAAS `version` with a fleet of `machines`; durations are divided by `speed`.

    With a `state_file` the state is read from it if it exists, and written to it by `stop`; timers go on
    where they were. A `fresh` one is as after its installation: no machines, no images, DHCP off.
    `latency_per_machine` (seconds) is what a machine list costs for each machine returned.
    """

    def __init__(
        self,
        *,
        version: str = "3.4.10",
        machines: int = 12,
        seed: int = 1,
        speed: float = 1.0,
        state_file: Path | None = None,
        fresh: bool = False,
    ) -> None:
        self.version = version
        self.world = World(version, seed)
        self.faults = Faults()
        self.timers = Timers(speed)
        self._state_file = state_file
        self._port = 0
        self._host = "127.0.0.1"
        power = Power(self.world, self.timers, self.faults)
        commissioning = Commissioning(self.world, self.timers, self.faults, power)
        deployment = Deployment(self.world, self.timers, power, commissioning)
        self.lifecycle = LifeCycle(self.world, self.timers, power, commissioning, deployment)
        self.imports = ImageImport(self.world, self.timers, self.faults)
        Enlisting(self.world, self.timers, self.faults)
        self._context = Context(
            world=self.world,
            timers=self.timers,
            faults=self.faults,
            power=power,
            lifecycle=self.lifecycle,
            deployment=deployment,
            rescue=Rescue(self.world, self.timers, power),
            imports=self.imports,
            renderer=MachineRenderer(self.world, load_data(version, "machine")),
            controllers=Controllers(self.world, self.faults),
        )
        table = Table(apis.all_apis(self._context, lambda: self.url))
        self._server = Server(version, table, OAuthCheck(lambda: self.world.users), self.faults)
        self._listener: Listener | None = None
        if state_file is not None and state_file.exists():
            self._load(json.loads(state_file.read_text(encoding="utf-8")))
        elif fresh:
            make_fresh_region(self.world)
        else:
            fleetmaker.make_region(self.world, machines)

    @property
    def url(self) -> str:
        """What MAAS_URL is set to."""
        return f"http://{self._host}:{self._port}/MAAS"

    @property
    def api_key(self) -> str:
        """The key of the administrator "admin"."""
        return self._key_of("admin")

    @property
    def operator_api_key(self) -> str:
        """The key of "operator", who is no administrator."""
        return self._key_of("operator")

    @property
    def log(self) -> deque[Call]:
        return self._server.log

    @property
    def counts(self) -> Counter[tuple[str, str, str | None]]:
        """How many calls there were, by (method, path pattern, op)."""
        return self._server.counts

    @property
    def effects(self) -> Counter[tuple[str, str]]:
        """How often an order was accepted, by (op, system id)."""
        return self.world.effects

    @property
    def latency_per_machine(self) -> float:
        return self._context.latency_per_machine

    @latency_per_machine.setter
    def latency_per_machine(self, seconds: float) -> None:
        self._context.latency_per_machine = seconds

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listens; port 0 takes a free one."""
        self._host = host
        self._server.open()
        self._listener = Listener(web.Server(self._server.handle), self.faults)
        self._port = await self._listener.start(host, port)
        self.timers.start()

    async def stop(self) -> None:
        """Drops all connections, stops the clock and writes the state file."""
        self.timers.stop()
        if self._listener is not None:
            self._server.close()
            await self._listener.stop()
            self._listener = None
        await self.save()

    async def save(self) -> None:
        """Writes the state file, if there is to be one."""
        if self._state_file is not None:
            text = json.dumps({"world": dump_world(self.world), "timers": self.timers.dump()})
            await asyncio.to_thread(_write, self._state_file, text)

    def _key_of(self, name: str) -> str:
        return next(u for u in self.world.users if u.username == name).tokens[0].api_key

    def _load(self, rows: dict[str, Any]) -> None:
        if rows["world"]["version"] != self.version:
            raise ValueError(f"the state file is of MAAS {rows['world']['version']}, not {self.version}")
        load_world(self.world, rows["world"])
        self.timers.load(rows["timers"])


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
