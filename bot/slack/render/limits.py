"""Slack's limits on blocks, in one place.

Sources: Slack's Block Kit reference pages for the single blocks; `TOTAL` is not documented: bolt-js#2509
measured `msg_blocks_too_long` at about 13,200 characters over all blocks, the blocks' own frames included.
"""

from __future__ import annotations

from typing import Final

MESSAGE_BLOCKS: Final = 50
VIEW_BLOCKS: Final = 100
TOTAL: Final = 13_000
#: What each object with a type is reckoned to add to the total beside its texts.
OBJECT: Final = 16
#: What a block with a title and one body adds so.
FRAME: Final = 5 * OBJECT
TEXT: Final = 3_000
#: chat.update refuses a longer `text` than 4,000, entities counted letter by letter.
UPDATE_TEXT: Final = 3_900
HEADER: Final = 150
FIELDS: Final = 10
FIELD: Final = 2_000
BUTTONS: Final = 25
LABEL: Final = 75
VALUE: Final = 2_000
ACTION_ID: Final = 255
URL: Final = 3_000
TABLE_ROWS: Final = 200
TABLE_COLUMNS: Final = 20
TABLE_PAGE: Final = 15
CHARTS: Final = 2
CHART_TITLE: Final = 50
CHART_LABEL: Final = 20
CHART_SERIES: Final = 12
CHART_POINTS: Final = 20
TASKS: Final = 50
#: Slack names no limit for a task's title and details; longer ones are not readable in a plan anyway.
TASK_TITLE: Final = 150
TASK_DETAIL: Final = 300
#: The widest monospaced line that a desktop client shows unbroken beside an open thread.
MONOSPACE_COLUMNS: Final = 72
