"""What ties the host to the region stand-in: MAAS runs there while the host has it initialised and running."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from sandbox.maas import RegionStandIn
from sandbox.maas.freshregion import make_fresh_region
from sandbox.maas.state import dump_world, load_world
from sandbox.maas.users import Token, User
from sandbox.maas.world import World


class RegionLink:
    """Starts, stops and empties the region as the host's MAAS does. The world is what its database holds."""

    def __init__(self, region: RegionStandIn) -> None:
        self.region = region
        self._place: socket.socket | None = None
        self._port = 0
        self._host = "127.0.0.1"
        self.up = False
        self._changing = asyncio.Lock()

    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Take the port that MAAS will have, whether MAAS runs now or later."""
        # Bound and never listening: connections are refused while MAAS does not run, and nobody else gets the port.
        self._place = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._place.bind((host, port))
        self._host, self._port = host, int(self._place.getsockname()[1])
        await self.region.start(self._host, self._port)
        self.up = True

    def close(self) -> None:
        """Give the port back. A region that runs keeps it until it is stopped."""
        if self._place is not None:
            self._place.close()

    async def start(self) -> None:
        """MAAS answers from now on."""
        async with self._changing:
            if not self.up:
                await self.region.start(self._host, self._port)
                self.up = True

    async def stop(self) -> None:
        """MAAS does not run: its port refuses connections."""
        async with self._changing:
            if self.up:
                self.up = False
                # An import does not outlive the process that makes it: what is half there stays so.
                self.region.imports.kill_region()
                await self.region.stop()

    def wipe(self) -> None:
        """A database that was just migrated: no machines, no administrator."""
        world = self.region.world
        fresh = World(world.version, seed=world.rng.randrange(1_000_000))
        make_fresh_region(fresh)
        fresh.users = [user for user in fresh.users if user.username in {"MAAS", "maas-init-node"}]
        load_world(world, dump_world(fresh))

    def user(self, name: str) -> User | None:
        return next((user for user in self.region.world.users if user.username == name), None)

    def add_admin(self, name: str, email: str) -> None:
        users = self.region.world.users
        users.append(User(name, email, True, [], max((user.id for user in users), default=0) + 1))

    def mint(self, user: User) -> str:
        """A further API key of this user."""
        user.tokens.append(Token.make(self.region.world.rng))
        return user.tokens[-1].api_key

    def dump(self) -> dict[str, Any]:
        """What a backup holds."""
        return dump_world(self.region.world)

    def load(self, rows: dict[str, Any]) -> None:
        load_world(self.region.world, rows)
