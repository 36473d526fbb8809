"""Puts a workspace on the wire: Web API, Socket Mode, response URLs, file uploads and downloads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from aiohttp import WSMsgType, web

from sandbox.slack.errors import SlackError
from sandbox.slack.model import File, Payload
from sandbox.slack.workspace import Workspace


class SlackServer:
    """An aiohttp server around a workspace.

    `app` is an ordinary `web.Application`: further routes (the demo's page) can be added before `start`.
    After `start`, `api_url` is what goes into `SLACK_API_URL`, `base_url` the address without the path.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.app = web.Application(client_max_size=64 * 1024 * 1024)
        self.app.add_routes(
            [
                web.route("*", "/api/{method}", self._api),
                web.get("/link/", self._socket),
                web.post("/commands/{number}/{secret}", self._response_url),
                web.post("/actions/{number}/{secret}", self._response_url),
                web.post("/upload/v1/{file_id}", self._upload),
                web.get("/files-pri/{key}/{name}", self._download),
                web.get("/files-pri/{key}/download/{name}", self._download),
            ]
        )
        self.base_url = ""
        self._runner: web.AppRunner | None = None
        self._saver: asyncio.Task[None] | None = None
        self._sockets: set[_Socket] = set()

    @property
    def api_url(self) -> str:
        return f"{self.base_url}/api/"

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen. Port 0 takes a free one."""
        runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=0.2)
        self._runner = runner
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        self.base_url = f"http://{host}:{runner.addresses[0][1]}"
        self.workspace.base_url = self.base_url
        if self.workspace.state_file is not None:
            self._saver = asyncio.create_task(self._save_changes())

    async def stop(self) -> None:
        """Close everything; the workspace's state is saved. The server can be started again."""
        if self._saver is not None:
            self._saver.cancel()
            with suppress(asyncio.CancelledError):
                await self._saver
            self._saver = None
        await self.workspace.close()
        for socket in list(self._sockets):
            await socket.close(abrupt=True)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> SlackServer:
        if self._runner is None:
            await self.start()
        return self

    async def __aexit__(self, *_details: object) -> None:
        await self.stop()

    async def _api(self, request: web.Request) -> web.Response:
        try:
            args = await _arguments(request)
        except SlackError as refused:
            return web.json_response(refused.body())
        token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip() or None
        answer = await self.workspace.call(request.match_info["method"], args, token)
        if answer.dropped and request.transport is not None:
            request.transport.abort()
        if isinstance(answer.body, str):
            return web.Response(status=answer.status, text=answer.body, headers=dict(answer.headers))
        body = dict(answer.body)
        if request.content_type == "application/json" and request.charset is None and body.get("ok"):
            body["warning"] = "missing_charset"
            body.setdefault("response_metadata", {})["warnings"] = ["missing_charset"]
        return web.json_response(body, status=answer.status, headers=dict(answer.headers))

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        hub = self.workspace.courier.hub
        if not hub.admits(request.query.get("ticket", "")):
            return web.Response(status=401, text="invalid ticket")
        response = web.WebSocketResponse()
        await response.prepare(request)
        socket = _Socket(request, response)
        self._sockets.add(socket)
        try:
            if await hub.join(socket):
                async for message in response:
                    if message.type is WSMsgType.TEXT:
                        with suppress(ValueError):
                            hub.receive(json.loads(message.data))
            else:
                await response.close()
        finally:
            hub.leave(socket)
            self._sockets.discard(socket)
        return response

    async def _response_url(self, request: web.Request) -> web.Response:
        try:
            body = json.loads(await request.text())
        except ValueError:
            return web.Response(status=400, text="invalid_payload")
        if not isinstance(body, dict):
            return web.Response(status=400, text="invalid_payload")
        try:
            self.workspace.respond(request.path, body)
        except SlackError as refused:
            if refused.status == 404:
                return web.json_response(refused.body(), status=404)
            return web.Response(status=refused.status, text=refused.code)
        return web.Response(text="ok")

    async def _upload(self, request: web.Request) -> web.Response:
        file = self.workspace.files.get(request.match_info["file_id"])
        if file is None or file.uploaded:
            return web.Response(status=404, text="file not found")
        if request.content_type.startswith("multipart/"):
            form = await request.post()
            part = next(iter(form.values()), b"")
            content = part.file.read() if isinstance(part, web.FileField) else str(part).encode()
        else:
            content = await request.read()
        if len(content) != file.length:
            return web.Response(status=400, text=f"expected {file.length} bytes, got {len(content)}")
        file.content, file.uploaded = content, True
        return web.Response(text=f"OK - {len(content)}")

    async def _download(self, request: web.Request) -> web.Response:
        file = self._file(request.match_info["key"])
        if file is None:
            return web.Response(status=404)
        app = self.workspace.app
        if request.headers.get("Authorization") != f"Bearer {app.bot_token}" or "files:read" not in app.scopes:
            return web.Response(status=302, headers={"Location": f"{self.base_url}/signin"})
        return web.Response(body=file.content, content_type=file.mimetype)

    def _file(self, key: str) -> File | None:
        file = self.workspace.files.get(key.rpartition("-")[2])
        return file if file is not None and file.uploaded else None

    async def _save_changes(self) -> None:
        saved = -1
        while True:
            await asyncio.sleep(1)
            if self.workspace.feed.count != saved:
                saved = self.workspace.feed.count
                self.workspace.save()


class _Socket:
    """One WebSocket, as the hub uses it."""

    def __init__(self, request: web.Request, response: web.WebSocketResponse) -> None:
        self._request = request
        self._response = response

    async def send(self, message: Payload) -> None:
        await self._response.send_str(json.dumps(message))

    async def close(self, *, abrupt: bool = False) -> None:
        if abrupt and self._request.transport is not None:
            self._request.transport.abort()
        elif not self._response.closed:
            await self._response.close()


async def _arguments(request: web.Request) -> Mapping[str, Any]:
    """Query and body together. JSON bodies must be objects."""
    args: dict[str, Any] = dict(request.query)
    if request.method != "POST":
        return args
    if request.content_type == "application/json":
        text = await request.text()
        if not text:
            return args
        try:
            body = json.loads(text)
        except ValueError:
            raise SlackError("invalid_json") from None
        if not isinstance(body, dict):
            raise SlackError("json_not_object")
        # Slack ignores tokens in JSON bodies: they belong into the Authorization header.
        args.update({name: value for name, value in body.items() if name != "token"})
        return args
    if request.content_type in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        args.update({name: value for name, value in (await request.post()).items() if isinstance(value, str)})
        return args
    if await request.read():
        raise SlackError("invalid_post_type")
    return args
