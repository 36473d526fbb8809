"""notifications/."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sandbox.maas.answers import BARE_TEXT, Answer, Refusal, json_answer, no_content, refuse, text_answer
from sandbox.maas.context import Context
from sandbox.maas.request import ApiRequest
from sandbox.maas.routing import Route
from sandbox.maas.users import API

NO_RACK = (
    "One rack controller is not yet connected to the region. Visit the"
    ' <a href="/MAAS/l/controllers">rack controllers page</a> for more information.'
)


class NotificationsApi:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._world = context.world

    def routes(self) -> Iterable[Route]:
        one = "notifications/{id}/"
        yield Route("notifications/", "GET", None, self._list)
        yield Route("notifications/", "POST", None, self._create, admin=True)
        yield Route(one, "GET", None, lambda r: json_answer(self._find(r)))
        yield Route(one, "PUT", None, self._update, admin=True)
        yield Route(one, "DELETE", None, self._delete, admin=True)
        yield Route(one, "POST", "dismiss", self._dismiss)

    def _list(self, request: ApiRequest) -> Answer:
        rows = [n for n in self._world.notifications if not n.get("dismissed_by") and self._is_for(request, n)]
        if not self._context.controllers.rack_alive and request.is_admin:
            rows = [*rows, _row(9000, "clusters", NO_RACK, "error", users=False, admins=True)]
        return json_answer([{k: v for k, v in n.items() if k != "dismissed_by"} for n in rows])

    def _is_for(self, request: ApiRequest, row: dict[str, Any]) -> bool:
        return bool(row["users"] or (row["admins"] and request.is_admin))

    def _find(self, request: ApiRequest) -> dict[str, Any]:
        number = int(request.parts["id"])
        found = next((n for n in self._world.notifications if n["id"] == number), None)
        if found is None:
            raise Refusal(text_answer(self._context.missing("Notification"), 404, BARE_TEXT))
        return found

    def _create(self, request: ApiRequest) -> Answer:
        form = request.form
        made = _row(
            self._world.take_id("notification"),
            form.get("ident"),
            form.text("message"),
            form.text("category", "info"),
            users=form.flag("users"),
            admins=form.flag("admins"),
        )
        made["context"] = json.loads(form.text("context") or "{}")
        made["dismissable"] = form.flag("dismissable", default=True)
        self._world.notifications.append(made)
        return json_answer(made)

    def _update(self, request: ApiRequest) -> Answer:
        found, form = self._find(request), request.form
        for name in ("message", "category", "ident"):
            found[name] = form.get(name, found[name])
        # a form without the field clears the box, in MAAS too
        found["dismissable"] = form.flag("dismissable")
        return json_answer(found)

    def _delete(self, request: ApiRequest) -> Answer:
        self._world.notifications.remove(self._find(request))
        return no_content()

    def _dismiss(self, request: ApiRequest) -> Answer:
        found = self._find(request)
        if not found["dismissable"]:
            raise refuse(500, "Notification is not dismissable")
        found["dismissed_by"] = request.caller.username
        return json_answer(None)


def _row(number: int, ident: str | None, message: str, category: str, *, users: bool, admins: bool) -> dict[str, Any]:
    return {
        "ident": ident,
        "user": None,
        "users": users,
        "admins": admins,
        "message": message,
        "context": {},
        "category": category,
        "dismissable": True,
        "id": number,
        "resource_uri": f"{API}/notifications/{number}/",
    }
