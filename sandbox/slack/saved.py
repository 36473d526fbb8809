"""A workspace's memory between two runs: one JSON file."""

from __future__ import annotations

import base64
import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.slack.model import Channel, File, Message, User, Usergroup, Version, View

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace

_FORMAT = 1


def save(ws: Workspace, path: Path) -> None:
    """Write everything but open modals, trigger ids, response URLs and earlier
    versions of messages. The file is replaced in one step."""
    state: dict[str, Any] = {
        "format": _FORMAT,
        "last_micros": ws.ids.last_micros,
        "random": list(_random_state(ws)),
        "users": [dataclasses.asdict(user) for user in ws.users.values()],
        "usergroups": [dataclasses.asdict(group) for group in ws.usergroups.values()],
        "channels": [dataclasses.asdict(channel) for channel in ws.channels.values()],
        "messages": [_message(m) for channel in ws.store.by_channel.values() for m in channel.values()],
        "homes": [dataclasses.asdict(view) for view in ws.modals.homes.values()],
        "files": [
            {**dataclasses.asdict(file), "content": base64.b64encode(file.content).decode()}
            for file in ws.files.values()
            if file.uploaded
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(path.suffix + ".new")
    fresh.write_text(json.dumps(state))
    fresh.replace(path)


def load(ws: Workspace, path: Path) -> None:
    """Take over what `save` wrote; ids and timestamps go on where they ended.

    Raises:
        ValueError: the file is of another format, or not JSON.
    """
    state = json.loads(path.read_text())
    if state.get("format") != _FORMAT:
        raise ValueError(f"{path.name} has format {state.get('format')!r}, this version reads {_FORMAT}")
    ws.ids.last_micros = state["last_micros"]
    version, internal, gauss = state["random"]
    ws.ids.random.setstate((version, tuple(internal), gauss))
    ws.users = {entry["id"]: User(**entry) for entry in state["users"]}
    ws.usergroups = {entry["id"]: Usergroup(**entry) for entry in state["usergroups"]}
    ws.channels = {entry["id"]: Channel(**entry) for entry in state["channels"]}
    for entry in state["messages"]:
        versions = [Version(**version) for version in entry.pop("versions")]
        message = Message(**entry, versions=versions)
        ws.store.by_channel.setdefault(message.channel_id, {})[message.ts] = message
    ws.modals.homes = {entry["user_id"]: View(**entry) for entry in state["homes"]}
    for entry in state["files"]:
        entry["content"] = base64.b64decode(entry["content"])
        ws.files[entry["id"]] = File(**entry)


def _message(message: Message) -> dict[str, Any]:
    """Its fields, with the newest version alone: earlier ones are for tests within one run."""
    body = {field.name: getattr(message, field.name) for field in dataclasses.fields(message)}
    newest = message.versions[-1]
    body["versions"] = [{"at": newest.at, "text": newest.text, "blocks": newest.blocks}]
    return body


def _random_state(ws: Workspace) -> tuple[Any, ...]:
    return ws.ids.random.getstate()
