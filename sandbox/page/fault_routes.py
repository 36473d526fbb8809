"""What the fault panel's script asks for."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from sandbox.page.faults import FaultPanel, count_active, render_faults, set_fault
from sandbox.page.render import Renderer
from sandbox.page.requests import BadRequestError, Body, json_body, text_of


class FaultRoutes:
    """Shows, sets and clears the faults of every stand-in."""

    def __init__(self, panels: Mapping[str, FaultPanel], renderer: Renderer) -> None:
        self._panels = panels
        self._renderer = renderer

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Adds the routes under /client/faults."""
        router.add_get("/client/faults", self.show)
        router.add_post("/client/faults/set", self.set)
        router.add_post("/client/faults/clear", self.clear)

    async def show(self, _request: web.Request) -> web.Response:
        """The panel's inside, and how many faults are on."""
        html = render_faults(self._renderer, self._panels)
        return web.json_response({"html": html, "active": count_active(self._panels)})

    async def set(self, request: web.Request) -> web.Response:
        """Switches a fault on."""
        body = await json_body(request)
        panel = self._panel(body)
        params = {str(key): str(value) for key, value in (body.get("params") or {}).items()}
        try:
            set_fault(panel, text_of(body, "fault"), params)
        except ValueError as wrong:
            raise BadRequestError(f"That fault can't be set: {wrong}.") from wrong
        return web.json_response({})

    async def clear(self, request: web.Request) -> web.Response:
        """Switches a fault off, or all of a panel."""
        body = await json_body(request)
        self._panel(body).clear(str(body["fault"]) if body.get("fault") else None)
        return web.json_response({})

    def _panel(self, body: Body) -> FaultPanel:
        panel = self._panels.get(text_of(body, "panel"))
        if panel is None:
            raise BadRequestError("There is no such fault panel.")
        return panel
