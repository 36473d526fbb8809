"""Reading [policy]: each fault is one line with file, line, rule and reason."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.policy import Effect, PolicyFileError, misnamed, read_policy
from bot.policy.lines import Lines
from tests.policy.support import faults, rules

GOOD = """# who may do what
maasbot_channels = ["C0OPS"]

[[policy.allow]]
name = "night shift"
who = [
    "S0NIGHT",  # [[policy.allow]]
]
commands = ["release", "power *"]

[[policy.allow]]
name = "graphics"
who = "U0OLGA"
commands = "*"

[policy.break_glass]
who = ["U0OLGA"]
for = "1h"
"""


def with_line(text: str, key: str, value: str, nth: int = 0) -> str:
    """`text` with the nth line that sets `key` replaced; an empty value removes it."""
    lines = text.splitlines()
    at = [number for number, line in enumerate(lines) if line.startswith(f"{key} =")][nth]
    lines[at] = f"{key} = {value}" if value else ""
    return "\n".join(lines)


def test_a_good_file() -> None:
    found = rules(GOOD)
    assert [rule.name for rule in found.of(Effect.ALLOW)] == ["night shift", "graphics"]
    assert found.lines == {"night shift": 4, "graphics": 11, "break-glass": 16}
    assert found.warnings == ()
    assert found.of(Effect.ALLOW)[1].who == ("U0OLGA",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[policy]\nalow = 1", "maasbot.toml:2: [policy] has no alow; did you mean [[policy.allow]]?"),
        ("[policy.allow]\nname = 'x'", "maasbot.toml:1: write [[policy.allow]], with two brackets: there may be many"),
        ("[[policy.break_glass]]\nwho=['U0A']", "maasbot.toml:1: write [policy.break_glass], with one bracket"),
        ("policy = 3", "maasbot.toml:1: [policy] is a table of rules"),
        (
            GOOD.replace("commands", "comands", 1),
            'maasbot.toml:9: [[policy.allow]] "night shift": comands is no key of it; did you mean commands?',
        ),
        (
            GOOD.replace('commands = "*"', 'commands = "*"\nneeded = 2'),
            'maasbot.toml:15: [[policy.allow]] "graphics": needed belongs to [[policy.approve]]',
        ),
        (
            GOOD.replace('commands = "*"', 'commands = "*"\ncolour = 2'),
            'maasbot.toml:15: [[policy.allow]] "graphics": colour is no key of it; it has name, who, commands, risks, '
            "regions, pools, tags, channels, hours",
        ),
        (with_line(GOOD, "name", "", 1), "maasbot.toml:11: [[policy.allow]]: name is missing"),
        (with_line(GOOD, "who", "", 1), 'maasbot.toml:11: [[policy.allow]] "graphics": who is missing'),
        (with_line(GOOD, "commands", "", 1), 'maasbot.toml:11: [[policy.allow]] "graphics": commands is missing'),
        (with_line(GOOD, "for", ""), "maasbot.toml:16: [policy.break_glass]: for is missing"),
        (with_line(GOOD, "for", '"61m"'), "maasbot.toml:18: [policy.break_glass]: for: one hour is the most"),
        (with_line(GOOD, "for", "60"), "maasbot.toml:18: [policy.break_glass]: for: write a number with its unit"),
        (with_line(GOOD, "who", '["everyone"]', 2), "maasbot.toml:17: [policy.break_glass]: who: must name people"),
        (with_line(GOOD, "who", '"olga"', 1), 'maasbot.toml:13: [[policy.allow]] "graphics": who: olga: not a Slack'),
        (with_line(GOOD, "who", '["everyone", "U0A0"]', 1), '"everyone" and others besides; keep one of them'),
        (with_line(GOOD, "who", "3", 1), 'maasbot.toml:13: [[policy.allow]] "graphics": who: write text in quotes'),
        (with_line(GOOD, "commands", "[]", 1), "commands: is empty; leave the key out"),
        (with_line(GOOD, "commands", '["power [on]"]', 1), "is no pattern; * stands for any letters"),
        (with_line(GOOD, "commands", '["release", 3]', 1), "maasbot.toml:14: "),
        (
            with_line(GOOD, "name", '"night shift"', 1),
            'maasbot.toml:11: [[policy.allow]] "night shift": the rule in line 4',
        ),
        (with_line(GOOD, "name", '"maasbot_admins"', 1), "name: must not look like a setting"),
        (with_line(GOOD, "name", '"two\\nlines"', 1), "name: must be 1 to 60 letters on one line"),
        (GOOD + '\n[[policy.deny]]\nname = "x"\nwho = []\ncommands = "*"', "who: empty, so the rule denies nobody"),
        (
            '[[policy.approve]]\nname = "x"\nwho = "U0A0"\ncommands = "*"\nneeded = 0',
            'maasbot.toml:5: [[policy.approve]] "x": needed: input should be greater than or equal to 1',
        ),
        ('[[policy.approve]]\nname = "x"\nwho = "U0A0"\ncommands = "*"\nneeded = true', "maasbot.toml:5: "),
        ('[[policy.approve]]\nname = "x"\nwho = "everyone"\ncommands = "*"', "maasbot.toml:3: "),
        ('[[policy.approve]]\nname = "x"\nwho = "U0A0"\ncommands = "*"\nchannels = "C0A0"', "channels belongs to"),
        ('[[policy.approve]]\nname = "x"\nwho = "U0A0"\ncommands = "*"\nrisks = ["change"]', "maasbot.toml:5: "),
        ('[[policy.deny]]\nname = "x"\nwho = "U0A0"\ncommands = "*"\nrisks = ["read"]\npools = "a"', "can't have them"),
        (
            '[[policy.allow]]\nname = "x"\nwho = "U0A0"\ncommands = "*"\nrisks = ["danger"]',
            'maasbot.toml:5: [[policy.allow]] "x": risks: there are read, change, destructive, irreversible, and no',
        ),
        (
            '[[policy.allow]]\nname = "x"\nwho = "U0A0"\ncommands = "*"\nhours = "9-17"',
            "maasbot.toml:5: [[policy.allow]] \"x\": hours: '9-17' is no span of hours; write it like",
        ),
    ],
)
def test_a_wrong_file(text: str, says: str) -> None:
    found = faults(text)
    assert [line for line in found if says in line], found
    assert all(line.startswith("maasbot.toml:") and "\n" not in line for line in found)
    assert len(found) == len(set(found))


def test_every_fault_is_named_in_the_order_of_the_file() -> None:
    text = with_line(with_line(with_line(GOOD, "for", '"2h"'), "who", '"olga"', 1), "commands", '["["]', 0)
    assert [line.split(":")[1] for line in faults(text)] == ["9", "13", "18"]


def test_what_says_the_opposite_of_another_rule() -> None:
    deny = '\n[[policy.deny]]\nname = "none"\nwho = ["everyone"]\ncommands = ["*"]\n'
    found = faults(GOOD + deny)
    assert found[0] == (
        'maasbot.toml:4: [[policy.allow]] "night shift": can never come to bear, since rule "none" (line 20) '
        "denies all of it, and denying wins"
    )
    assert len(found) == 2
    for narrower in ('pools = ["prod"]', 'hours = "8:00-9:00 UTC"', 'risks = ["change"]', 'channels = ["C0A0"]'):
        assert faults(GOOD + deny + narrower) == []
    assert faults(GOOD + deny.replace('"everyone"', '"U0EVE"')) == []
    assert faults(GOOD + deny.replace('["*"]', '["power ?*"]')) == []
    assert len(faults(GOOD + deny.replace('["*"]', '["power *", "rel*"]'))) == 1


@pytest.mark.parametrize(
    ("who", "needed", "says"),
    [
        ('["U0A0"]', 2, "needs 2 approvals, and one person is named: by this rule alone nothing can ever be approved"),
        ('["U0A0", "U0A0"]', 2, "one person is named"),
        ('["U0A0", "U0B0"]', 3, "2 people are named"),
        ('["U0A0", "U0B0"]', 2, "nobody approves what they asked for"),
        ('["U0A0", "U0B0", "U0C0"]', 2, ""),
        ('["S0A0"]', 2, ""),
        ("[]", 1, "who is empty, so the rule is for nobody"),
    ],
)
def test_warnings(who: str, needed: int, says: str) -> None:
    found = rules(f'[[policy.approve]]\nname = "x"\nwho = {who}\ncommands = "*"\nneeded = {needed}').warnings
    assert len(found) == bool(says)
    assert not says or (says in found[0] and found[0].startswith('maasbot.toml:1: [[policy.approve]] "x": '))


def test_names_that_nothing_has() -> None:
    text = GOOD.replace('"power *"', '"relase", "power"') + 'regions = ["lbb"]\n'
    found = misnamed(rules(text), regions=["default", "lab"], commands=["release", "power on", "power off"])
    assert found == [
        'maasbot.toml:16: [policy.break_glass] "break-glass": regions: no region is named lbb; did you mean lab?',
        'maasbot.toml:4: [[policy.allow]] "night shift": commands: no command is named relase; did you mean release?',
        'maasbot.toml:4: [[policy.allow]] "night shift": commands: no command is named power; did you mean power *?',
    ]
    assert misnamed(rules(GOOD), regions=["lab"], commands=["release", "power on"]) == []


def test_the_lines_of_odd_but_valid_texts() -> None:
    text = '''a = """
[[policy.allow]]
b = 1
"""
[ policy ]  # table
allow = [ { name = "x",
  who = "[[policy.allow]]" } ]
"break_glass".for = '1h'
[[ "policy" . deny ]]
name = 'y # no remark'
'''
    lines = Lines(text)
    assert lines.of(("policy",)) == 5
    assert lines.of(("policy", "allow"), 0, "who") == 6
    assert lines.of(("policy", "break_glass"), 0, "for") == 8
    assert lines.of(("policy", "deny"), 0, "name") == 10
    assert lines.of(("policy", "deny"), 0, "who") == 9
    assert lines.of(("nothing", "at", "all")) == 1


@given(
    st.lists(st.sampled_from(["a = 1", "# x", "", 'b = """\n[[policy.deny]]\n"""', "c = [\n[1],\n[2]\n]"]), max_size=8)
)
def test_the_nth_rule_is_found_whatever_stands_between(between: list[str]) -> None:
    text = ""
    begins = []
    for number, one in enumerate(between):
        begins.append(text.count("\n") + 1)
        text += f"[[policy.deny]]\nname = 'n{number}'\n{one}\n"
    tomllib.loads(text)
    lines = Lines(text)
    assert [lines.of(("policy", "deny"), number) for number in range(len(begins))] == begins
    assert [lines.of(("policy", "deny"), number, "name") for number in range(len(begins))] == [n + 1 for n in begins]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from(["allow", "deny", "approve", "break_glass", "other"]),
    st.sampled_from(["name", "who", "commands", "hours", "needed", "for", "risks", "pools"]),
)
def test_whatever_stands_there_it_is_read_or_refused(value: object, table: str, key: str) -> None:
    rule = {"name": "x", "who": ["U0A0"], "commands": ["*"], key: value}
    for policy in (value, {table: value}, {table: [rule]}, {table: rule}):
        try:
            read_policy(policy, "", "maasbot.toml")
        except PolicyFileError as error:
            assert error.faults
            assert all(line.startswith("maasbot.toml:") for line in error.faults)


def test_the_example_of_the_docs_is_a_good_file() -> None:
    page = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
    example = page.split("```toml\n", 1)[1].split("```", 1)[0]
    found = rules(example)
    assert found.warnings == ()
    assert {rule.effect for rule in found.rules} == set(Effect)
