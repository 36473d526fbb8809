"""Representative messages for the golden files."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.message import (
    Bold,
    Bullets,
    Button,
    Buttons,
    Chart,
    Code,
    Divider,
    Facts,
    File,
    Heading,
    Link,
    Log,
    Mark,
    Message,
    Note,
    Paragraph,
    Person,
    Style,
    Table,
    Task,
    Tasks,
    TaskState,
    When,
)

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
COLUMNS = ("Name", "State", "Power", "Pool", "Zone", "Owner")


def fleet_status() -> Message:
    return Message(
        summary="MAAS default is up: 12 machines, 2 need attention",
        parts=(
            Heading("MAAS default"),
            Facts(
                (
                    ("Region", (Mark.OK, " up, version 3.4.10")),
                    ("Racks", (Mark.WARN, " 1 of 2 connected")),
                    ("Images", (Mark.BUSY, " importing, 43 %")),
                    ("DHCP", (Mark.OK, " on for ", Code("10.0.0.0/24"))),
                )
            ),
            Divider(),
            Paragraph((Bold("Needs attention"),)),
            Bullets(
                (
                    (
                        Mark.FAIL,
                        " ",
                        Code("node-3"),
                        " failed commissioning: no lease on eth1 (",
                        When(AT),
                        ")",
                    ),
                    (
                        Mark.WARN,
                        " ",
                        Code("rack-2"),
                        " lost its connection, see ",
                        Link("http://maas/r/2", "rack-2"),
                    ),
                )
            ),
            Note(("Fleet view of ", When(AT), "; next: ", Code("/maas machine node-3"))),
        ),
    )


def machines(count: int) -> Message:
    rows = [
        (f"node-{n}", "Ready" if n % 3 else "Failed commissioning", "off", "default", f"rack-{n % 7}", "")
        for n in range(1, count + 1)
    ]
    return Message(
        summary=f"{count} machines",
        parts=(
            Table(COLUMNS, rows, caption="Machines"),
            Note(("Filter with ", Code("/maas machines status:ready"))),
        ),
    )


def commission_thread() -> Message:
    states = (TaskState.DONE, TaskState.FAILED, TaskState.RUNNING, TaskState.PENDING)
    details = ("Ready after 4 min", "Failed testing: smartctl-validate", "Commissioning: 50-maas-01-lldp", "")
    return Message(
        summary="Commission 4 machines: 1 ready, 1 failed, 1 running",
        parts=(
            Paragraph((Person("U0OLGA"), " asked for ", Code("/maas commission node-[1-4]"), ", ", Code("op-4k2f"))),
            Tasks(
                "Commission 4 machines",
                [
                    Task(f"node-{n + 1}", f"node-{n + 1}", state, detail)
                    for n, (state, detail) in enumerate(zip(states, details, strict=True))
                ],
            ),
            Log("node-2: smartctl-validate", "Running smartctl\nFAILURE: /dev/sda, 17 reallocated sectors\n"),
            Buttons((Button("Stop", "cancel", "op-4k2f", Style.DANGER), Button("Log", "log", "op-4k2f"))),
        ),
    )


def big_commission() -> Message:
    log = "\n".join(f"line {n}: {'x' * 60}" for n in range(400))
    return Message(
        summary="Commission 120 machines: 3 failed",
        parts=(
            Tasks(
                "Commission 120 machines",
                [
                    Task(
                        f"node-{n}",
                        f"node-{n}",
                        TaskState.FAILED if n in (7, 60, 119) else TaskState.DONE,
                        "done",
                    )
                    for n in range(120)
                ],
            ),
            Log("node-119: the last script", log),
        ),
    )


def refusal() -> Message:
    return Message(
        summary="No machine is named nod-3. Did you mean node-3?",
        parts=(
            Paragraph((Mark.FAIL, " No machine is named ", Code("nod-3"), ". Nothing was done.")),
            Bullets((("Did you mean ", Code("node-3"), "?"), ("All names: ", Code("/maas machines")))),
        ),
    )


def confirm_plan() -> Message:
    return Message(
        summary="Commission 2 machines? They will be restarted.",
        parts=(
            Heading("Commission 2 machines"),
            Bullets(
                (
                    ("Power on and boot ", Code("node-3"), ", ", Code("node-4")),
                    "Run the commissioning scripts",
                )
            ),
            Facts((("Lost", ("what runs on them now",)), ("Takes", ("about 6 min",)))),
            Buttons(
                (
                    Button("Commission 2 machines", "plan.confirm", "pl-77", Style.PRIMARY),
                    Button("Leave it", "plan.drop", "pl-77"),
                )
            ),
            Note(("Valid until ", When(AT))),
        ),
    )


def weekly_report() -> Message:
    days = [f"{day} Nov" for day in range(20, 27)]
    lines = [
        ("Ready", [40, 38, 41, 40, 35, 36, 40]),
        ("Deployed", [8, 10, 8, 8, 12, 12, 8]),
        ("Failed", [2, 2, 1, 2, 3, 2, 2]),
    ]
    return Message(
        summary="default, the 7 days to 2026-11-27 08:00 UTC: commission 12 done, 2 failed.",
        parts=(
            Paragraph((Bold("default, the 7 days to 2026-11-27 08:00 UTC"),)),
            Table(
                ("Work", "Counted", "Done", "Failed", "Stopped", "Mean time"),
                [("commission", "machines", "12", "2", "0", "4 min 10 s"), ("release", "machines", "3", "0", "1", "–")],
            ),
            Paragraph((Bold("Why it failed"),)),
            Bullets([(Bold("2 × "), "commission: smartctl-validate on sda failed (", Code("node-7, node-9"), ")")]),
            Chart("Machines by state, default", days, lines),
            Note(("Counted is what was done through this bot.",)),
        ),
        files=(File("states-default.png", "Machines by state, default", "", b"\x89PNG"),),
    )


def chart_beyond_limits() -> Message:
    """More lines and moments than Slack draws, names that are cut to the same, a third chart."""
    moments = [f"{at} o'clock on a very long day" for at in range(30)]
    lines = [(f"a state with a long name {at}", [float(at + place) for place in range(25)]) for at in range(14)]
    small = Chart("Small", ["a", "b"], [("x", [1.0, 2.0])])
    return Message(
        "Charts", (Chart("A title that is longer than a chart's title may be", moments, lines), small, small)
    )


NASTY = (
    "<!channel> *b* _i_ ~s~ `c` :tada: <@U123> &amp; > q \u202egnp.exe\u202c a\u200bb "
    "\x1b[31mred\x1b[0m \x00\x07 日本語"
)


def nasty() -> Message:
    return Message(
        summary=NASTY,
        parts=(
            Heading(NASTY),
            Paragraph((NASTY, Bold(NASTY), Code(NASTY), Link("javascript:alert(1)", NASTY), Person("<!here>"))),
            Bullets(((NASTY,),)),
            Facts(((NASTY, (NASTY,)), ("plain", ("plain",)))),
            Table((NASTY, "b"), ((NASTY, ""), ("only one",)), caption=NASTY),
            Tasks(NASTY, (Task(NASTY, NASTY, TaskState.RUNNING, NASTY), Task(NASTY, "twin", TaskState.PENDING))),
            Chart(NASTY, (NASTY, NASTY), ((NASTY, (float("nan"), 1)), (NASTY, ()))),
            Log(NASTY, NASTY + "\nsecond line"),
            Note((NASTY, Link("https://example.com/?a=1&b=2", "a|b>c"))),
            Buttons((Button(NASTY, "go", NASTY), Button("", "go", "2"))),
        ),
        files=(File("../../etc/pass wd", NASTY, NASTY),),
    )


ALL = {
    "fleet_status": fleet_status(),
    "machines_3": machines(3),
    "machines_250": machines(250),
    "commission_thread": commission_thread(),
    "big_commission": big_commission(),
    "refusal": refusal(),
    "confirm_plan": confirm_plan(),
    "weekly_report": weekly_report(),
    "chart_beyond_limits": chart_beyond_limits(),
    "nasty": nasty(),
}
