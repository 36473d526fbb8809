"""users/."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.maas.answers import (
    BARE_TEXT,
    HTML,
    Answer,
    Refusal,
    json_answer,
    no_content,
    refuse,
    text_answer,
)
from sandbox.maas.context import Context
from sandbox.maas.request import ApiRequest
from sandbox.maas.routing import Route
from sandbox.maas.users import Token, User

CONFLICT = (
    '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"'
    ' "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n'
    '<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">\n  <head>\n'
    "    <title>Error: Conflict Error</title>\n  </head>\n  <body>\n"
    '    <h2 class="p-heading--four">\n'
    "      Conflict error. Try your request again, as it will most likely succeed.\n"
    "    </h2>\n  </body>\n</html>\n"
)


class UsersApi:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._world = context.world

    def routes(self) -> Iterable[Route]:
        yield Route("users/", "GET", None, lambda _: json_answer([u.as_json() for u in self._world.users]))
        yield Route("users/", "GET", "whoami", lambda r: json_answer(r.caller.as_json()))
        yield Route("users/", "POST", None, self._create, admin=True)
        yield Route("users/{username}/", "GET", None, lambda r: json_answer(self._find(r).as_json()))
        yield Route("users/{username}/", "DELETE", None, self._delete, admin=True)

    def _find(self, request: ApiRequest) -> User:
        name = request.parts["username"]
        found = next((u for u in self._world.users if u.username == name), None)
        if found is None:
            raise Refusal(text_answer(self._context.missing("User"), 404, BARE_TEXT))
        return found

    def _create(self, request: ApiRequest) -> Answer:
        form = request.form
        for name in ("username", "email", "password", "is_superuser"):
            if name not in form:
                raise refuse(400, f"No provided {name}!")
        if any(u.username == form["username"] for u in self._world.users):
            # found by the database only, after the region retried for a while
            raise Refusal(text_answer(CONFLICT, 409, HTML))
        user = User(form["username"], form["email"], form.flag("is_superuser"), [Token.make(self._world.rng)])
        user.id = self._world.take_id("user", 10)
        self._world.users.append(user)
        self._world.audit(request.caller, "Authorisation", f"Created user '{user.username}'.")
        return json_answer(user.as_json())

    def _delete(self, request: ApiRequest) -> Answer:
        user = self._find(request)
        if user is request.caller:
            raise refuse(400, "An administrator cannot self-delete.")
        self._world.users.remove(user)
        return no_content()
