"""The page's routes: the page, its static files, and what its script asks for under /client/."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web

from sandbox.page.fault_routes import FaultRoutes
from sandbox.page.faults import FaultPanel
from sandbox.page.messages import MessageRenderer, is_picture
from sandbox.page.render import make_environment
from sandbox.page.requests import BadRequestError, Said, container, json_body, refusals, text_of, values_of
from sandbox.page.seat import Place, Seat
from sandbox.slack.errors import NothingThereError
from sandbox.slack.feed import Subscription
from sandbox.slack.model import SLACKBOT, File
from sandbox.slack.workspace import Workspace

#: Seconds between signs of life on a stream that has nothing to say.
HEARTBEAT = 15.0

_STATIC = Path(__file__).parent / "static"
_SHEETS = ("page.css", "blocks.css")
# Nothing in a message can run or load script: the browser refuses whatever the escaping might let through.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' http: https:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def mount(
    app: web.Application,
    workspace: Workspace,
    *,
    faults: Mapping[str, FaultPanel],
    title: str = "Metal",
    hints: Mapping[str, str] | None = None,
) -> None:
    """Adds the page of a workspace to an application.

    Args:
        app: where `GET /`, `/static/…` and `/client/…` go.
        workspace: what the page shows and acts on.
        faults: by name ("Slack", "MAAS"), what its fault panel offers.
        title: the workspace's name on the page.
        hints: user id to a word or two under that person's name ("operator").
    """
    page = Page(workspace, title, hints or {})
    app.router.add_get("/", page.show)
    app.router.add_static("/static/", _STATIC)
    app.router.add_get("/client/stream", page.stream)
    app.router.add_get("/client/files/{file}", page.file)
    app.router.add_post("/client/send", page.send)
    app.router.add_post("/client/click", page.click)
    app.router.add_post("/client/options", page.options)
    app.router.add_post("/client/view/submit", page.submit_view)
    app.router.add_post("/client/view/close", page.close_view)
    app.router.add_post("/client/home", page.open_home)
    FaultRoutes(faults, page.renderer.renderer(None)).add_to(app.router)
    app.on_shutdown.append(page.end_streams)


class Page:
    """Handlers over one workspace. Who acts is in each request (`as`): the page is a stage, not a door."""

    def __init__(self, workspace: Workspace, title: str, hints: Mapping[str, str]) -> None:
        self._workspace = workspace
        self._title = title
        self._hints = hints
        self.renderer = MessageRenderer(workspace, make_environment())
        self._streams: set[Subscription] = set()

    async def show(self, request: web.Request) -> web.Response:
        """The page itself; without a valid person in the address, sends on to one."""
        place = self._place(request.query)
        wanted = request.query.get("channel") or None
        if request.query.get("as") != place.viewer or (wanted is not None and wanted != place.channel):
            raise web.HTTPFound(place.url())
        seat = self._seat(place)
        html = self.renderer.renderer(place.viewer).template(
            "page.html",
            title=self._title,
            sheets=_SHEETS,
            viewer=place.viewer,
            channel=place.channel,
            thread=place.thread,
            tab=place.tab,
            pane="list" if request.query.get("pane") == "list" else "centre",
            heading=seat.heading(),
            topic=seat.topic(),
            sidebar=seat.sidebar(),
            commands={"commands": self._commands(), "people": self._mentions()},
        )
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
        return web.Response(text=str(html), content_type="text/html", headers=headers)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Server-Sent Events: a snapshot of the place first, then each change as ready HTML.

        A browser that lost the connection opens it again by itself; the new snapshot brings what it missed.
        """
        seat = self._seat(self._place(request.query))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        subscription = self._workspace.subscribe(seat.place.viewer)
        self._streams.add(subscription)
        try:
            await response.write(b"retry: 1000\n\n" + _event(seat.snapshot()))
            while True:
                try:
                    async with asyncio.timeout(HEARTBEAT):
                        event = await anext(subscription)
                except TimeoutError:
                    await response.write(_event({"type": "ping"}))
                    continue
                for change in seat.changes(event):
                    await response.write(_event(change))
        except (ConnectionResetError, StopAsyncIteration):
            pass
        finally:
            self._streams.discard(subscription)
            subscription.close()
        return response

    async def end_streams(self, _app: web.Application) -> None:
        """At shutdown: streams would otherwise hold the server until its time-out."""
        for subscription in list(self._streams):
            subscription.close()

    async def send(self, request: web.Request) -> web.Response:
        """What was typed into a message box: a message, or a slash command."""
        said = await self._said(request)
        channel, text = text_of(said.body, "channel"), text_of(said.body, "text")
        thread = said.body.get("thread") or None
        if text.startswith("/"):
            return await self._slash(said, channel, text, thread)
        with refusals():
            ts = await self._workspace.say(said.viewer, channel, text, thread)
        return web.json_response({"ts": ts})

    async def _slash(self, said: Said, channel: str, text: str, thread: str | None) -> web.Response:
        command, *rest = text.split(maxsplit=1)
        if thread is not None:
            notice = f"{command} is not supported in threads."
            if handle := self._workspace.app.name:
                notice += f" Mention @{handle} here instead."
            self._workspace.store.post(channel, SLACKBOT, notice, ephemeral_to=said.viewer, thread_ts=thread)
            return web.json_response({})
        with refusals():
            outcome = await self._workspace.slash(said.viewer, channel, rest[0] if rest else "", command)
        return web.json_response({"error": outcome.error})

    async def click(self, request: web.Request) -> web.Response:
        """A button pressed or a choice made; the other inputs of the same surface go along."""
        said = await self._said(request)
        where, action = container(said.body), text_of(said.body, "action")
        block = text_of(said.body, "block") or None
        selected = said.body.get("selected")
        pressed, picked = (selected, None) if said.body.get("button") else (None, selected)
        for block_id, actions in values_of(said.body).items():
            for action_id, value in actions.items():
                # An input may be gone by an edit that this person's page has not drawn yet.
                with suppress(NothingThereError):
                    if (block_id, action_id) != (block, action):
                        self._workspace.fill(said.viewer, where, block_id, action_id, value)
        with refusals():
            try:
                outcome = await self._workspace.click(said.viewer, where, action, block, pressed, picked)
            except NothingThereError:
                # An edit gives blocks new ids: what was pressed may still be there under another.
                outcome = await self._workspace.click(said.viewer, where, action, None, pressed, picked)
        return web.json_response({"error": outcome.error})

    async def options(self, request: web.Request) -> web.Response:
        """The app's options for what was typed into an external select."""
        said = await self._said(request)
        where, action = container(said.body), text_of(said.body, "action")
        block = text_of(said.body, "block") or None
        query = str(said.body.get("query") or "")
        with refusals():
            found = await self._workspace.options(said.viewer, where, action, block, query)
        return web.json_response({"options": found})

    async def submit_view(self, request: web.Request) -> web.Response:
        """Submit of a modal: its errors by block, or what went wrong as text."""
        said = await self._said(request)
        with refusals():
            outcome = await self._workspace.submit_view(said.viewer, text_of(said.body, "view"), values_of(said.body))
        error = "We had some trouble connecting. Try again?" if outcome.result == "failed" else None
        return web.json_response({"errors": dict(outcome.errors) or None, "error": error})

    async def close_view(self, request: web.Request) -> web.Response:
        """Cancel, Close or Escape in a modal."""
        said = await self._said(request)
        with refusals():
            await self._workspace.close_view(said.viewer, text_of(said.body, "view"))
        return web.json_response({})

    async def open_home(self, request: web.Request) -> web.Response:
        """The person opens the app's home tab."""
        said = await self._said(request)
        with refusals():
            await self._workspace.open_home(said.viewer)
        return web.json_response({})

    async def file(self, request: web.Request) -> web.Response:
        """An uploaded file, to those who can see a channel that it was shared in."""
        viewer = self._viewer(request.query.get("as"))
        file = self._workspace.files.get(request.match_info["file"])
        if viewer is None or file is None or not self._may_read(viewer, file):
            raise web.HTTPNotFound(text="There is no such file for you.")
        picture = is_picture(file)
        manner = "inline" if picture else "attachment"
        headers = {
            "Content-Type": file.mimetype if picture else "application/octet-stream",
            "Content-Disposition": f"{manner}; filename*=UTF-8''{quote(file.name)}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        }
        return web.Response(body=file.content, headers=headers)

    async def _said(self, request: web.Request) -> Said:
        body = await json_body(request)
        viewer = self._viewer(body.get("as"))
        if viewer is None:
            raise BadRequestError("Nobody here is called that. Choose a person in the sidebar.")
        return Said(viewer, body)

    def _viewer(self, user_id: object) -> str | None:
        user = self._workspace.users.get(user_id) if isinstance(user_id, str) else None
        return user.id if user and not user.is_bot and not user.deleted else None

    def _place(self, query: Mapping[str, str]) -> Place:
        """The place that an address names, corrected to one that the person can be in."""
        people = (user.id for user in self._workspace.users.values() if not user.is_bot and not user.deleted)
        viewer = self._viewer(query.get("as")) or next(people)
        channels = [channel.id for channel in self._workspace.channels_of(viewer)]
        channel = query.get("channel", "")
        if channel not in channels:
            channel = channels[0] if channels else ""
        tab = "home" if query.get("tab") == "home" else "messages"
        return Place(viewer, channel or None, query.get("thread") or None, tab)

    def _seat(self, place: Place) -> Seat:
        return Seat(self._workspace, self.renderer, place, self._hints)

    def _may_read(self, viewer: str, file: File) -> bool:
        known = [channel for channel in file.channels if channel in self._workspace.channels]
        return file.uploaded and any(self._workspace.may_see(viewer, channel) for channel in known)

    def _commands(self) -> list[Mapping[str, str]]:
        return [
            {"command": one.command, "hint": one.usage_hint, "description": one.description}
            for one in self._workspace.app.commands.values()
        ]

    def _mentions(self) -> list[Mapping[str, str]]:
        users = sorted(self._workspace.users.values(), key=lambda user: not user.is_bot)
        return [{"name": user.name, "label": user.real_name} for user in users if not user.deleted]


def _event(change: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(change, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()
