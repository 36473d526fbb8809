"""The network in front of the host: passes bytes on, or does to them what networks do."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from sandbox.host.faults import HostFaults


class Gate:
    """Listens where the bot connects, and leads to the SSH server behind."""

    def __init__(self, faults: HostFaults) -> None:
        self._faults = faults
        self._server: asyncio.Server | None = None
        self._behind = 0
        self._address = ("127.0.0.1", 0)
        self._passages: set[asyncio.Task[None]] = set()
        self._open = asyncio.Event()
        faults.on_change(self._changed)

    async def start(self, host: str, port: int, behind: int) -> int:
        """Listens in front of the port `behind`, and returns its own."""
        self._behind = behind
        self._open.set()
        await self._listen(host, port)
        return self._address[1]

    async def stop(self) -> None:
        await self._shut()

    def drop(self) -> None:
        """Ends every connection at once."""
        for task in list(self._passages):
            task.cancel()

    async def off(self) -> None:
        """Nothing listens any more, and no connection is left."""
        await self._shut()

    async def on(self) -> None:
        if self._server is None:
            await self._listen(*self._address)

    async def _listen(self, host: str, port: int) -> None:
        self._server = await asyncio.start_server(self._accept, host, port)
        self._address = (host, int(self._server.sockets[0].getsockname()[1]))

    async def _shut(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        tasks = list(self._passages)
        self.drop()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passages.add(task)
        try:
            await self._pass(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._passages.discard(task)
            writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._faults.is_active("silent"):
            await asyncio.Event().wait()
        if self._faults.is_active("not-ssh"):
            writer.write(b"HTTP/1.0 400 Bad Request\r\nServer: nginx\r\n\r\n")
            await writer.drain()
            writer.write_eof()
            await reader.read()
            return
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._behind)
        try:
            ways = [
                asyncio.ensure_future(self._carry(reader, inner_writer)),
                asyncio.ensure_future(self._carry(inner_reader, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            inner_writer.transport.abort()

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            await self._open.wait()  # a line that is cut loses nothing at once: TCP sends again
            sink.write(data)
            await sink.drain()
        with suppress(OSError):
            await sink.drain()

    def _changed(self) -> None:
        if self._faults.is_active("link-down"):
            self._open.clear()
        else:
            self._open.set()
