"""A small app on slack-bolt that does what the page must show: answers, edits, threads, modals, silence."""

from __future__ import annotations

import asyncio
from typing import Any

from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.server import SlackServer

MACHINES = [f"node-{number}" for number in range(1, 40)]

#: Markup that must stay text wherever it appears.
HOSTILE = "<script>window.hit=1</script><img src=x onerror=window.hit=1>\"'><svg onload=window.hit=1>"


def _text(words: str, kind: str = "mrkdwn") -> dict[str, Any]:
    return {"type": kind, "text": words}


def _escaped(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def status(count: int) -> list[dict[str, Any]]:
    """A status card with a button that redraws it."""
    refresh = {
        "type": "button",
        "action_id": "refresh",
        "value": str(count),
        "text": _text("Refresh", "plain_text"),
    }
    dead = {"type": "button", "action_id": "dead", "text": _text("Dead", "plain_text")}
    confirm = {
        "title": _text("Release node-3?", "plain_text"),
        "text": _text("Its disks are erased.", "plain_text"),
        "confirm": _text("Release", "plain_text"),
        "deny": _text("Keep it", "plain_text"),
    }
    release = {**refresh, "action_id": "release", "text": _text("Release", "plain_text"), "confirm": confirm}
    rows: list[list[Any]] = [["Name", "Cores"], *([f"node-{number}", number] for number in range(1, 13))]
    table = {
        "type": "data_table",
        "caption": "Machines",
        "rows": [
            [
                {"type": "raw_number", "value": cell, "text": str(cell)}
                if isinstance(cell, int)
                else {"type": "raw_text", "text": cell}
                for cell in row
            ]
            for row in rows
        ],
    }
    return [
        {"type": "section", "text": _text(f"Region is *up*, seen {count} times")},
        table,
        {"type": "actions", "elements": [refresh, release, dead]},
    ]


def form() -> dict[str, Any]:
    """A modal with typeahead and a reason that must be a sentence."""
    machine = {
        "type": "external_select",
        "action_id": "machine",
        "min_query_length": 1,
        "placeholder": _text("Find a machine", "plain_text"),
    }
    reason = {"type": "plain_text_input", "action_id": "reason"}
    return {
        "type": "modal",
        "callback_id": "commission",
        "title": _text("Commission", "plain_text"),
        "submit": _text("Commission", "plain_text"),
        "close": _text("Cancel", "plain_text"),
        "private_metadata": "",
        "blocks": [
            {
                "type": "input",
                "block_id": "machine",
                "label": _text("Machine", "plain_text"),
                "element": machine,
            },
            {
                "type": "input",
                "block_id": "reason",
                "label": _text("Reason", "plain_text"),
                "element": reason,
            },
        ],
    }


def plan(*states: str) -> list[dict[str, Any]]:
    """A plan with one task a state."""
    tasks = [
        {"type": "task_card", "task_id": f"node-{index}", "title": f"node-{index}", "status": state}
        for index, state in enumerate(states, 1)
    ]
    return [{"type": "plan", "title": "Commissioning", "tasks": tasks}]


def hostile() -> list[dict[str, Any]]:
    """Markup and script addresses wherever text goes, even those that Slack itself refuses."""
    words = _escaped(HOSTILE)
    return [
        {"type": "header", "text": _text(HOSTILE[:150], "plain_text")},
        {"type": "section", "text": _text(f"*{words}* `{words}` <javascript:alert(1)|link> ```{words}```")},
        {"type": "markdown", "text": f"{HOSTILE} [link](javascript:window.hit=1) `{HOSTILE}`"},
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_section",
                    "elements": [
                        {"type": "text", "text": HOSTILE},
                        {"type": "link", "url": "javascript:window.hit=1", "text": "rich link"},
                    ],
                }
            ],
        },
        {"type": "table", "rows": [[{"type": "raw_text", "text": HOSTILE}]]},
        {
            "type": "actions",
            "elements": [
                {
                    "type": "button",
                    "action_id": "x",
                    "value": HOSTILE,
                    "text": _text(HOSTILE[:75], "plain_text"),
                },
                {
                    "type": "static_select",
                    "action_id": "y",
                    "options": [{"text": _text(HOSTILE[:75], "plain_text"), "value": HOSTILE[:75]}],
                },
            ],
        },
        {
            "type": "task_card",
            "task_id": "t",
            "title": HOSTILE,
            "status": "complete",
            "sources": [{"type": "url", "url": "javascript:window.hit=1", "text": HOSTILE}],
        },
    ]


class TinyApp:
    """The app, connected over Socket Mode to a stand-in. Set `gate` to let a commissioning go on."""

    def __init__(self, server: SlackServer) -> None:
        app = server.workspace.app
        client = AsyncWebClient(token=app.bot_token, base_url=server.api_url)
        self.bolt = AsyncApp(client=client, signing_secret="unused", process_before_response=False)
        self.gate = asyncio.Event()
        self._handler = AsyncSocketModeHandler(
            self.bolt, app_token=app.app_token, web_client=AsyncWebClient(base_url=server.api_url)
        )
        self.bolt.command("/maas")(self._command)
        self.bolt.action("refresh")(self._refresh)
        self.bolt.action("release")(self._refresh)
        self.bolt.options("machine")(self._machines)
        self.bolt.view("commission")(self._submitted)
        self.bolt.event("app_mention")(self._mentioned)
        self.bolt.event("app_home_opened")(self._home)

    async def start(self) -> None:
        await self._handler.connect_async()  # type: ignore[no-untyped-call]

    async def stop(self) -> None:
        await self._handler.close_async()  # type: ignore[no-untyped-call]

    async def _command(self, ack: Any, command: dict[str, Any], client: AsyncWebClient, respond: Any) -> None:
        words = command["text"].split()
        match words[0] if words else "":
            case "status":
                await ack()
                await client.chat_postMessage(channel=command["channel_id"], text="Region is up", blocks=status(1))
            case "whoami":
                await ack(f"You are <@{command['user_id']}>")
            case "commission":
                await ack()
                await self._commission(command["channel_id"], client)
            case "silent":
                await asyncio.sleep(30)
            case _:
                await ack()
                await client.views_open(trigger_id=command["trigger_id"], view=form())

    async def _commission(self, channel: str, client: AsyncWebClient) -> None:
        root = await client.chat_postMessage(
            channel=channel, text="Commissioning", blocks=plan("in_progress", "pending")
        )
        await self.gate.wait()
        await client.chat_postMessage(channel=channel, thread_ts=root["ts"], text="node-1 is testing")
        await client.chat_update(
            channel=channel, ts=root["ts"], text="Commissioning", blocks=plan("complete", "in_progress")
        )

    async def _refresh(self, ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        count = int(body["actions"][0]["value"]) + 1
        where = body["container"]
        await client.chat_update(
            channel=where["channel_id"], ts=where["message_ts"], text="Region is up", blocks=status(count)
        )

    async def _machines(self, ack: Any, payload: dict[str, Any]) -> None:
        found = [name for name in MACHINES if payload["value"] in name]
        await ack(options=[{"text": _text(name, "plain_text"), "value": name} for name in found])

    async def _submitted(self, ack: Any, view: dict[str, Any], body: dict[str, Any], client: AsyncWebClient) -> None:
        values = view["state"]["values"]
        reason = values["reason"]["reason"]["value"]
        if " " not in reason:
            await ack(response_action="errors", errors={"reason": "Say it in a sentence."})
            return
        await ack()
        machine = values["machine"]["machine"]["selected_option"]["value"]
        await client.chat_postMessage(channel="C0OPS", text=f"<@{body['user']['id']}> commissions {machine}: {reason}")

    async def _mentioned(self, event: dict[str, Any], client: AsyncWebClient) -> None:
        thread = event.get("thread_ts") or event["ts"]
        await client.chat_postMessage(channel=event["channel"], thread_ts=thread, text=f"I heard: {event['text']}")

    async def _home(self, event: dict[str, Any], client: AsyncWebClient) -> None:
        blocks = [{"type": "header", "text": _text(f"Home of {event['user']}", "plain_text")}]
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})
