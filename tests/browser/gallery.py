"""Every block and element type once, with content such as the bot posts, for rendering and for looking at."""

from __future__ import annotations

from typing import Any

Block = dict[str, Any]


def text(words: str, kind: str = "mrkdwn") -> dict[str, Any]:
    return {"type": kind, "text": words}


def rich(words: str, **style: bool) -> dict[str, Any]:
    leaf: dict[str, Any] = {"type": "text", "text": words}
    if style:
        leaf["style"] = style
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [leaf]}]}


def option(label: str, value: str, description: str | None = None) -> dict[str, Any]:
    made = {"text": text(label, "plain_text"), "value": value}
    return {**made, "description": text(description, "plain_text")} if description else made


def button(label: str, action: str, **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": text(label, "plain_text"), "action_id": action, **more}


CONFIRM = {
    "title": text("Release node-3?", "plain_text"),
    "text": text("Its disks are erased. This can't be undone.", "plain_text"),
    "confirm": text("Release", "plain_text"),
    "deny": text("Keep it", "plain_text"),
    "style": "danger",
}

STATUS: list[Block] = [
    {"type": "header", "text": text("Region default is up :large_green_circle:", "plain_text")},
    {
        "type": "section",
        "text": text("*MAAS 3.4.10* at `http://10.0.0.2:5240/MAAS`, asked by <@U0OLGA> in <#C0OPS>"),
        "fields": [
            text("*Machines*\n12 (2 need attention)"),
            text("*Racks*\n1 of 1 connected"),
            text("*Images*\nimporting, 62 %"),
            text("*DHCP*\non `10.10.0.0/24`"),
        ],
        "accessory": button("Refresh", "refresh"),
    },
    {
        "type": "context",
        "elements": [text("View is 4 s old. <!date^1763800000^{date_short_pretty} at {time}|then>")],
    },
    {"type": "divider"},
    {
        "type": "actions",
        "elements": [
            button("Commission", "commission", style="primary"),
            button("Release…", "release", style="danger", confirm=CONFIRM),
            button("Open MAAS", "open", url="https://maas.io/"),
            {
                "type": "static_select",
                "action_id": "pick",
                "placeholder": text("Filter by state", "plain_text"),
                "options": [option("Ready", "ready"), option("Deployed", "deployed")],
            },
            {
                "type": "overflow",
                "action_id": "more",
                "options": [option("Details", "details"), option("Power cycle", "cycle")],
            },
        ],
    },
]

MACHINES: list[Block] = [
    {
        "type": "data_table",
        "caption": "Machines",
        "page_size": 5,
        "rows": [
            [{"type": "raw_text", "text": name} for name in ("Name", "State", "Power", "Cores", "Memory", "Pool")],
            *(
                [
                    {"type": "raw_text", "text": f"node-{index}"},
                    rich(("Ready", "Deployed", "Failed testing", "New")[index % 4], bold=index % 4 == 2),
                    {"type": "raw_text", "text": ("on", "off")[index % 2]},
                    {"type": "raw_number", "value": 2 ** (1 + index % 5)},
                    {"type": "raw_number", "value": 8 * index, "text": f"{8 * index} GiB"},
                    {"type": "raw_text", "text": ("default", "gpu")[index % 2]},
                ]
                for index in range(1, 13)
            ),
        ],
    }
]

COMMISSION: list[Block] = [
    {"type": "section", "text": text(":hourglass_flowing_sand: *Commissioning 4 machines* · `op-4k2f`")},
    {
        "type": "plan",
        "title": "Commission node-1, node-2, node-3, node-4",
        "tasks": [
            {
                "type": "task_card",
                "task_id": "node-1",
                "title": "node-1: Ready",
                "status": "complete",
                "output": rich("Commissioned in 4 min 12 s; all tests passed"),
            },
            {
                "type": "task_card",
                "task_id": "node-2",
                "title": "node-2: Testing",
                "status": "in_progress",
                "details": rich("smartctl-validate is running, 3 of 5 scripts done"),
            },
            {
                "type": "task_card",
                "task_id": "node-3",
                "title": "node-3: Failed commissioning",
                "status": "error",
                "details": rich("50-maas-01-commissioning timed out"),
                "output": {
                    "type": "rich_text",
                    "elements": [
                        {
                            "type": "rich_text_preformatted",
                            "elements": [{"type": "text", "text": "lldpd: no such device\nexit status 1"}],
                        }
                    ],
                },
                "sources": [{"type": "url", "url": "https://maas.io/docs", "text": "Troubleshooting"}],
            },
            {"type": "task_card", "task_id": "node-4", "title": "node-4: waiting", "status": "pending"},
        ],
    },
    {"type": "actions", "elements": [button("Cancel", "cancel", style="danger")]},
]

RICH: list[Block] = [
    {
        "type": "rich_text",
        "elements": [
            {
                "type": "rich_text_section",
                "elements": [
                    {"type": "text", "text": "Bold", "style": {"bold": True}},
                    {"type": "text", "text": ", italic", "style": {"italic": True}},
                    {"type": "text", "text": ", struck", "style": {"strike": True}},
                    {"type": "text", "text": " and "},
                    {"type": "text", "text": "code", "style": {"code": True}},
                    {"type": "text", "text": " for "},
                    {"type": "user", "user_id": "U0ANDREA"},
                    {"type": "text", "text": " in "},
                    {"type": "channel", "channel_id": "C0APPROVE"},
                    {"type": "text", "text": " "},
                    {"type": "emoji", "name": "white_check_mark"},
                    {"type": "text", "text": " "},
                    {"type": "link", "url": "https://maas.io/docs", "text": "the docs"},
                    {"type": "text", "text": " at "},
                    {
                        "type": "date",
                        "timestamp": 1763800000,
                        "format": "{date_num} {time_secs}",
                        "fallback": "then",
                    },
                ],
            },
            {
                "type": "rich_text_list",
                "style": "bullet",
                "elements": [
                    {"type": "rich_text_section", "elements": [{"type": "text", "text": "one"}]},
                    {"type": "rich_text_section", "elements": [{"type": "text", "text": "two"}]},
                ],
            },
            {
                "type": "rich_text_list",
                "style": "ordered",
                "indent": 1,
                "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "nested"}]}],
            },
            {"type": "rich_text_quote", "elements": [{"type": "text", "text": "A quote\nof two lines"}]},
            {
                "type": "rich_text_preformatted",
                "elements": [{"type": "text", "text": "$ maas status\nregiond RUNNING"}],
            },
        ],
    },
    {
        "type": "section",
        "text": text(
            "*bold* _italic_ ~struck~ `code` <https://maas.io|link> <!subteam^S0APPROVE> :warning:\n"
            "&gt; quoted &lt;b&gt;\n```preformatted\n  text```"
        ),
    },
    {
        "type": "markdown",
        "text": "## A heading\nSome **bold**, *italic*, ~~struck~~ and `code`.\n\n"
        "- one\n- two\n  1. nested\n\n"
        "> quoted\n\n| name | state |\n|---|---|\n| node-1 | Ready |\n\n```\npre\n```\n[docs](https://maas.io/docs)",
    },
]

CHARTS: list[Block] = [
    {
        "type": "data_visualization",
        "title": "Machines by state",
        "chart": {
            "type": "pie",
            "segments": [
                {"label": "Ready", "value": 5},
                {"label": "Deployed", "value": 4},
                {"label": "Failed", "value": 2},
                {"label": "New", "value": 1},
            ],
        },
    },
    *(
        {
            "type": "data_visualization",
            "title": f"Import, {kind}",
            "chart": {
                "type": kind,
                "series": [
                    {
                        "name": name,
                        "data": [
                            {"label": day, "value": (place + 1) * (index + 2) * 120}
                            for index, day in enumerate(("Mon", "Tue", "Wed", "Thu", "Fri"))
                        ],
                    }
                    for place, name in enumerate(("jammy", "noble"))
                ],
                "axis_config": {
                    "categories": ["Mon", "Tue", "Wed", "Thu", "Fri"],
                    "x_label": "Day",
                    "y_label": "MB",
                },
            },
        }
        for kind in ("bar", "line", "area")
    ),
]

CARDS: list[Block] = [
    {
        "type": "carousel",
        "elements": [
            {
                "type": "card",
                "title": text(f"*node-{index}*"),
                "subtitle": text("Failed testing"),
                "body": text("smartctl: reallocated sectors 112"),
                "actions": [button("Test again", f"test-{index}"), button("Mark broken", f"broken-{index}")],
            }
            for index in range(1, 5)
        ],
    },
    {
        "type": "container",
        "title": text("Why it failed", "plain_text"),
        "subtitle": text("Three causes", "plain_text"),
        "is_collapsible": True,
        "child_blocks": [
            {"type": "section", "text": text("The BMC did not answer.")},
            {"type": "actions", "elements": [button("Check power", "check")]},
        ],
    },
    {"type": "task_card", "task_id": "lone", "title": "Reading the region's events", "status": "in_progress"},
    {
        "type": "table",
        "column_settings": [{"align": "left"}, {"align": "right"}, {"is_wrapped": True}],
        "rows": [
            [{"type": "raw_text", "text": name} for name in ("Image", "Size", "Remark")],
            [
                {"type": "raw_text", "text": "ubuntu/noble"},
                {"type": "raw_text", "text": "1.2 GB"},
                rich("complete, synced an hour ago from the default source"),
            ],
        ],
    },
    {
        "type": "image",
        "image_url": "/static/icon.svg",
        "alt_text": "The page's icon",
        "title": text("An image", "plain_text"),
    },
    {"type": "file", "external_id": "ABCD1", "source": "remote"},
    {"type": "never_heard_of"},
]

_INPUTS: list[tuple[str, dict[str, Any]]] = [
    (
        "Reason",
        {"type": "plain_text_input", "multiline": True, "placeholder": text("Why", "plain_text")},
    ),
    ("Name", {"type": "plain_text_input", "initial_value": "node-3"}),
    ("Machine", {"type": "external_select", "min_query_length": 1}),
    (
        "Release",
        {"type": "static_select", "options": [option("Noble", "noble"), option("Jammy", "jammy")]},
    ),
    (
        "Tests",
        {
            "type": "multi_static_select",
            "options": [option("CPU", "cpu"), option("Memory", "memory")],
        },
    ),
    ("Approver", {"type": "users_select", "initial_user": "U0ANDREA"}),
    ("Where", {"type": "conversations_select"}),
    (
        "Options",
        {
            "type": "checkboxes",
            "options": [
                option("Enable SSH", "ssh", "Log in while it commissions"),
                option("Skip BMC", "bmc"),
            ],
        },
    ),
    (
        "Erase",
        {"type": "radio_buttons", "options": [option("Quick", "quick"), option("Secure", "secure")]},
    ),
    ("Until", {"type": "datepicker", "initial_date": "2026-12-24"}),
    ("Log", {"type": "file_input", "filetypes": ["txt"]}),
]

FORM: list[Block] = [
    {"type": "alert", "level": level, "text": text(f"An alert of level *{level}*")}
    for level in ("default", "info", "success", "warning", "error")
] + [
    {
        "type": "input",
        "block_id": label.lower(),
        "label": text(label, "plain_text"),
        "optional": index % 2 == 1,
        "hint": text("A hint", "plain_text"),
        "element": {"action_id": label.lower(), **element},
    }
    for index, (label, element) in enumerate(_INPUTS)
]

MESSAGES: dict[str, list[Block]] = {
    "status": STATUS,
    "machines": MACHINES,
    "commission": COMMISSION,
    "rich": RICH,
    "charts": CHARTS,
    "cards": CARDS,
}
