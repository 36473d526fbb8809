"""Modals and home tabs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.slack.choices import carried_over, initial_values
from sandbox.slack.elements import with_ids
from sandbox.slack.errors import SlackError
from sandbox.slack.ids import Ids
from sandbox.slack.model import View, WorkspaceEvent

#: A person can have this many modals on top of each other.
MAX_STACK = 3


class Views:
    """The modal stack and the home tab of each person. The definitions that come in are already validated."""

    def __init__(self, ids: Ids, clock: Callable[[], float], emit: Callable[[WorkspaceEvent], None]) -> None:
        self._ids = ids
        self._clock = clock
        self._emit = emit
        self.stacks: dict[str, list[View]] = {}
        self.homes: dict[str, View] = {}

    def open(self, user_id: str, definition: Mapping[str, Any]) -> View:
        """Show a modal. What the person had open is closed."""
        self._refuse_duplicate(definition)
        view = self._new(user_id, definition, "modal")
        view.root_view_id = view.id
        replaced, self.stacks[user_id] = self.stacks.get(user_id, []), [view]
        for gone in reversed(replaced):
            self._tell("view_closed", gone)
        self._tell("view_opened", view)
        return view

    def push(self, user_id: str, definition: Mapping[str, Any]) -> View:
        """Show a modal on top of the one that is open.

        Raises:
            SlackError: `push_limit_reached` with three open, `not_found` with none.
        """
        stack = self.stacks.get(user_id, [])
        if not stack:
            raise SlackError("not_found")
        if len(stack) >= MAX_STACK:
            raise SlackError("push_limit_reached")
        self._refuse_duplicate(definition)
        view = self._new(user_id, definition, "modal")
        view.root_view_id, view.previous_view_id = stack[0].id, stack[-1].id
        stack.append(view)
        self._tell("view_pushed", view)
        return view

    def update(self, view: View, definition: Mapping[str, Any], expected_hash: str | None = None) -> View:
        """Replace what a view shows. What was typed stays where block and action ids stay.

        Raises:
            SlackError: `hash_conflict` when the view changed since `expected_hash`.
        """
        if expected_hash and expected_hash != view.hash:
            raise SlackError("hash_conflict")
        fresh = self._new(view.user_id, definition, view.kind)
        view.values = carried_over(fresh.blocks, view.values)
        for name in (
            "blocks",
            "title",
            "submit",
            "close",
            "private_metadata",
            "callback_id",
            "clear_on_close",
            "notify_on_close",
            "hash",
        ):
            setattr(view, name, getattr(fresh, name))
        view.external_id = fresh.external_id or view.external_id
        view.errors = {}
        view.updates += 1
        self._tell("home" if view.kind == "home" else "view_updated", view)
        return view

    def publish(self, user_id: str, definition: Mapping[str, Any], expected_hash: str | None = None) -> View:
        """Show a home tab."""
        view = self.homes.get(user_id)
        if view is not None:
            return self.update(view, definition, expected_hash)
        view = self._new(user_id, definition, "home")
        view.root_view_id = view.id
        self.homes[user_id] = view
        self._tell("home", view)
        return view

    def close(self, view: View, *, everything: bool = False) -> None:
        """Take the view away, and with `everything` all those under it."""
        stack = self.stacks.get(view.user_id, [])
        if everything:
            closed, stack[:] = list(stack), []
        else:
            closed = stack[stack.index(view) :]
            del stack[stack.index(view) :]
        for gone in reversed(closed):
            self._tell("view_closed", gone)

    def find(self, view_id: str | None = None, external_id: str | None = None) -> View | None:
        """An open modal, or a home tab."""
        for view in (*(v for stack in self.stacks.values() for v in stack), *self.homes.values()):
            if (view_id and view.id == view_id) or (external_id and view.external_id == external_id):
                return view
        return None

    def complain(self, view: View, errors: dict[str, str]) -> None:
        """Show errors beneath inputs."""
        view.errors = errors
        self._tell("view_updated", view)

    def _refuse_duplicate(self, definition: Mapping[str, Any]) -> None:
        external_id = definition.get("external_id")
        if external_id and self.find(external_id=str(external_id)) is not None:
            raise SlackError("duplicate_external_id")

    def _new(self, user_id: str, definition: Mapping[str, Any], kind: Any) -> View:
        blocks = with_ids(list(definition.get("blocks", [])), self._ids)
        return View(
            id=self._ids.new("V", 11),
            user_id=user_id,
            kind=kind,
            blocks=blocks,
            title=definition.get("title") or {"type": "plain_text", "text": "View Title", "emoji": True},
            hash=f"{int(self._clock())}.{self._ids.short()}",
            submit=definition.get("submit"),
            close=definition.get("close"),
            private_metadata=definition.get("private_metadata") or "",
            callback_id=definition.get("callback_id") or "",
            external_id=definition.get("external_id") or "",
            clear_on_close=bool(definition.get("clear_on_close", False)),
            notify_on_close=bool(definition.get("notify_on_close", False)),
            values=initial_values(blocks),
        )

    def _tell(self, kind: Any, view: View) -> None:
        self._emit(WorkspaceEvent(kind, self._clock(), user_id=view.user_id, view_id=view.id))
