"""The listening socket: serves HTTP, or resets every connection while the region is "down"."""

from __future__ import annotations

import asyncio

from aiohttp import web

from sandbox.maas.faults import Faults


class Listener:
    """One socket. While the fault "down" is on, new connections are reset as soon as they come."""

    def __init__(self, http: web.Server, faults: Faults) -> None:
        self._http = http
        self._faults = faults
        self._server: asyncio.Server | None = None
        faults.on_change(self._faults_changed)

    async def start(self, host: str, port: int) -> int:
        """Listens and returns the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, host, port, backlog=512)
        name = self._server.sockets[0].getsockname()
        return int(name[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._drop_all()
            await asyncio.sleep(0)  # lets the handlers of dropped calls end
            # aiohttp takes 0 for no limit at all, and a hanging call would be waited for.
            await self._http.shutdown(0.05)
            self._server = None

    def _protocol(self) -> asyncio.BaseProtocol:
        if self._faults.is_active("down"):
            return _Reset()
        return self._http()

    def _drop_all(self) -> None:
        for handler in list(self._http.connections):
            if handler.transport is not None:
                handler.transport.abort()

    def _faults_changed(self) -> None:
        if self._faults.is_active("down"):
            self._drop_all()


class _Reset(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()
