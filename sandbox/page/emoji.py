"""The :shortcodes: that the page knows, by Slack's names. Others stay as text, as in Slack."""

from __future__ import annotations

import re
from typing import Final

EMOJI: Final[dict[str, str]] = {
    "+1": "👍", "-1": "👎", "thumbsup": "👍", "thumbsdown": "👎", "wave": "👋", "eyes": "👀",
    "pray": "🙏", "raised_hand": "✋", "point_right": "👉", "clap": "👏", "muscle": "💪",
    "thinking_face": "🤔", "slightly_smiling_face": "🙂", "smile": "😄", "tada": "🎉", "rocket": "🚀",
    "fire": "🔥", "heart": "❤️", "white_check_mark": "✅", "heavy_check_mark": "✔️",
    "ballot_box_with_check": "☑️", "x": "❌", "negative_squared_cross_mark": "❎", "warning": "⚠️",
    "exclamation": "❗", "bangbang": "‼️", "question": "❓", "grey_question": "❔", "no_entry": "⛔",
    "no_entry_sign": "🚫", "octagonal_sign": "🛑", "rotating_light": "🚨", "hourglass": "⌛",
    "hourglass_flowing_sand": "⏳", "stopwatch": "⏱️", "alarm_clock": "⏰", "clock1": "🕐",
    "large_green_circle": "🟢", "red_circle": "🔴", "white_circle": "⚪", "black_circle": "⚫",
    "large_yellow_circle": "🟡", "large_orange_circle": "🟠", "large_blue_circle": "🔵",
    "large_purple_circle": "🟣", "large_green_square": "🟩", "large_red_square": "🟥",
    "large_yellow_square": "🟨", "white_large_square": "⬜", "black_large_square": "⬛",
    "small_red_triangle": "🔺", "small_red_triangle_down": "🔻", "arrow_right": "➡️", "arrow_left": "⬅️",
    "arrow_up": "⬆️", "arrow_down": "⬇️", "arrows_counterclockwise": "🔄", "repeat": "🔁",
    "leftwards_arrow_with_hook": "↩️", "fast_forward": "⏩", "arrow_forward": "▶️",
    "double_vertical_bar": "⏸️", "black_square_for_stop": "⏹️", "lock": "🔒", "unlock": "🔓",
    "closed_lock_with_key": "🔐", "key": "🔑", "shield": "🛡️", "gear": "⚙️", "wrench": "🔧",
    "hammer": "🔨", "hammer_and_wrench": "🛠️", "toolbox": "🧰", "package": "📦", "inbox_tray": "📥",
    "outbox_tray": "📤", "floppy_disk": "💾", "cd": "💿", "minidisc": "💽", "computer": "💻",
    "desktop_computer": "🖥️", "electric_plug": "🔌", "zap": "⚡", "bulb": "💡", "battery": "🔋",
    "satellite": "🛰️", "satellite_antenna": "📡", "globe_with_meridians": "🌐", "link": "🔗",
    "label": "🏷️", "bookmark": "🔖", "memo": "📝", "clipboard": "📋", "scroll": "📜",
    "page_facing_up": "📄", "bar_chart": "📊", "chart_with_upwards_trend": "📈", "mag": "🔍",
    "bell": "🔔", "no_bell": "🔕", "speech_balloon": "💬", "robot_face": "🤖", "bust_in_silhouette": "👤",
    "busts_in_silhouette": "👥", "wastebasket": "🗑️", "broom": "🧹", "information_source": "ℹ️",
    "new": "🆕", "up": "🆙", "zzz": "💤", "construction": "🚧", "checkered_flag": "🏁", "test_tube": "🧪",
    "file_folder": "📁", "card_index_dividers": "🗂️", "calendar": "📆", "date": "📅",
    "heavy_plus_sign": "➕", "heavy_minus_sign": "➖", "small_blue_diamond": "🔹",
    "small_orange_diamond": "🔸", "boom": "💥", "skull": "💀", "ambulance": "🚑", "hospital": "🏥",
    "house": "🏠", "seedling": "🌱",
}  # fmt: skip

_SHORTCODE = re.compile(r":([a-z0-9_+-]+)(?:::skin-tone-[2-6])?:")


def emojize(text: str) -> str:
    """Replaces known :shortcodes: by their characters."""
    return _SHORTCODE.sub(lambda found: EMOJI.get(found[1], found[0]), text)
