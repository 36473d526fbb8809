"""files.*: the three-step upload, and looking a file up."""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING

from sandbox.slack.arguments import wrong
from sandbox.slack.call import Call, Method
from sandbox.slack.errors import SlackError
from sandbox.slack.model import Channel, File, Payload, WorkspaceEvent
from sandbox.slack.payloads import file_object
from sandbox.slack.rates import Tier
from sandbox.slack.text import normalise_from_app

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace

#: Larger uploads are refused.
MAX_BYTES = 1_073_741_824


def get_upload_url(call: Call) -> Payload:
    name, length = call.args.needed("filename"), call.args.number("length", 0)
    if length <= 0:
        raise wrong("length must be the file's size in bytes")
    if length > MAX_BYTES:
        raise SlackError("file_upload_size_restricted")
    mimetype = mimetypes.guess_type(name)[0] or (
        "text/plain" if name.endswith((".log", ".conf")) else "application/octet-stream"
    )
    filetype = name.rpartition(".")[2].lower() if "." in name else "text"
    file = File(
        call.ws.ids.new("F", 11),
        name,
        name,
        mimetype,
        filetype,
        call.ws.app.bot_user_id,
        int(call.ws.clock()),
        length,
        alt_txt=call.args.text("alt_txt"),
    )
    call.ws.files[file.id] = file
    return {"upload_url": f"{call.ws.base_url}/upload/v1/{file.id}", "file_id": file.id}


def complete_upload(call: Call) -> Payload:
    entries = call.args.parsed("files")
    if not isinstance(entries, list) or not entries:
        raise wrong("missing required field: files")
    files: list[File] = []
    for entry in entries:
        file = call.ws.files.get(str(entry.get("id"))) if isinstance(entry, dict) else None
        if file is None or not file.uploaded:
            raise SlackError("file_not_found")
        if file.shared:
            raise SlackError("file_already_shared")
        files.append(file)
    channels = [_channel(call, channel_id) for channel_id in _channel_ids(call)]
    thread_ts = call.args.text("thread_ts") or None
    if thread_ts and any(call.ws.store.find(channel.id, thread_ts) is None for channel in channels):
        raise SlackError("invalid_thread_ts")
    for file, entry in zip(files, entries, strict=True):
        file.title = str(entry.get("title") or file.name)
        file.processed_at = call.ws.clock() + call.ws.timing.file_processing
        file.thread_ts = thread_ts
    for channel in channels:
        _share(call, channel, files, thread_ts)
    return {"files": [{**file_object(call.ws, file), "title": file.title} for file in files]}


def share(ws: Workspace, user_id: str, channel_id: str, name: str, content: bytes) -> File:
    """A file that a person attached to a message."""
    mimetype = mimetypes.guess_type(name)[0] or "text/plain"
    filetype = name.rpartition(".")[2].lower() if "." in name else "text"
    file = File(ws.ids.new("F", 11), name, name, mimetype, filetype, user_id, int(ws.clock()), len(content))
    file.content, file.uploaded, file.shared = content, True, True
    file.channels.append(channel_id)
    ws.files[file.id] = file
    return file


def files_info(call: Call) -> Payload:
    file = call.ws.files.get(call.args.needed("file"))
    if file is None or not file.uploaded:
        raise SlackError("file_not_found")
    shown = {**file_object(call.ws, file), "shares": _shares(call.ws, file)}
    return {"file": shown, "comments": [], "response_metadata": {"next_cursor": ""}}


def files_list(call: Call) -> Payload:
    """The files that were shared where the app is, newest first; where exactly, only files.info tells."""
    channel = call.args.text("channel")
    found = [one for one in call.ws.files.values() if one.uploaded and (not channel or channel in one.channels)]
    found.reverse()
    found.sort(key=lambda one: -one.created)
    count = call.args.number("count", 100)
    paging = {"count": count, "total": len(found), "page": 1, "pages": max(1, -(-len(found) // max(count, 1)))}
    return {"files": [file_object(call.ws, one) for one in found[:count]], "paging": paging}


def _shares(ws: Workspace, file: File) -> Payload:
    """Which messages hold the file, by channel."""
    shares: dict[str, dict[str, list[Payload]]] = {}
    for channel_id in file.channels:
        kind = "private" if ws.channels[channel_id].is_private else "public"
        for message in ws.store.by_channel.get(channel_id, {}).values():
            if file.id in message.files:
                thread = {"thread_ts": message.thread_ts} if message.thread_ts else {}
                shares.setdefault(kind, {}).setdefault(channel_id, []).append({"ts": message.ts, **thread})
    return shares


def _share(call: Call, channel: Channel, files: list[File], thread_ts: str | None) -> None:
    for file in files:
        file.shared = True
        file.channels.append(channel.id)
    message = call.ws.store.post(
        channel.id,
        call.ws.app.bot_user_id,
        normalise_from_app(call.args.text("initial_comment")),
        bot_id=call.ws.app.bot_id,
        app_id=call.ws.app.app_id,
        subtype="file_share",
        thread_ts=thread_ts,
        files=[file.id for file in files],
    )
    call.ws.feed.emit(WorkspaceEvent("file", call.ws.clock(), channel.id, None, message.ts, thread_ts))


def _channel_ids(call: Call) -> list[str]:
    one, several = call.args.text("channel_id"), call.args.text("channels")
    return [one] if one else [name for name in several.split(",") if name]


def _channel(call: Call, channel_id: str) -> Channel:
    channel = call.ws.channels.get(channel_id)
    if channel is None:
        raise SlackError("channel_not_found")
    if not call.ws.bot_is_in(channel):
        raise SlackError("not_in_channel")
    if call.ws.is_archived(channel):
        raise SlackError("is_archived")
    return channel


METHODS = (
    Method("files.getUploadURLExternal", get_upload_url, Tier.FOUR, ("files:write",)),
    Method("files.completeUploadExternal", complete_upload, Tier.FOUR, ("files:write",)),
    Method("files.info", files_info, Tier.FOUR, ("files:read",)),
    Method("files.list", files_list, Tier.THREE, ("files:read",)),
)
