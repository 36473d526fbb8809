"""Block Kit snippets for tests."""

from typing import Any


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def section(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(action_id: str, value: str = "v", **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain(action_id), "action_id": action_id, "value": value, **more}


def actions(*elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements), **more}


def field(block_id: str, action_id: str = "value", **more: Any) -> dict[str, Any]:
    element = {"type": "plain_text_input", "action_id": action_id}
    return {"type": "input", "block_id": block_id, "label": plain(block_id), "element": element, **more}


def modal(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": "modal",
        "title": plain("Title"),
        "submit": plain("Go"),
        "blocks": list(blocks),
        **more,
    }


def rich(text: str) -> dict[str, Any]:
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [section]}


def cell(text: str) -> dict[str, Any]:
    return {"type": "raw_text", "text": text}


def data_table(rows: int = 3, columns: int = 2, text: str = "x") -> dict[str, Any]:
    return {
        "type": "data_table",
        "caption": "Machines",
        "rows": [[cell(text) for _ in range(columns)] for _ in range(rows)],
    }


def task(task_id: str, status: str = "pending", **more: Any) -> dict[str, Any]:
    return {"task_id": task_id, "title": f"task {task_id}", "status": status, **more}


def plan(*tasks: dict[str, Any]) -> dict[str, Any]:
    return {"type": "plan", "title": "Commission node-3", "tasks": list(tasks)}
