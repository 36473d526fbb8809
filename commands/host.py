"""The region's host over SSH: is it fit, what runs there, how is it set up."""

from __future__ import annotations

from collections.abc import Sequence

from bot.command.context import Context
from bot.command.declaration import command
from bot.host import checks, network_look
from bot.host.errors import HostError
from bot.host.facts import Config, QueryName, Service, Services
from bot.host.looks import Finding
from bot.host.mirror import look_at_mirror
from bot.host.protocol import JobState
from bot.host.service import HostService
from bot.host.system_facts import HostFacts, Network
from bot.maas.errors import MaasError
from bot.message import Bold, Bullets, Code, Facts, Mark, Message, Note, Paragraph, Part, Span, Text, say
from bot.operations.plan import Plan
from bot.policy import Risk
from commands.hosting import admins_only, host, nothing_under_way
from commands.planning import plan_for

#: Where a new region takes its images from.
_MIRROR = "http://images.maas.io/ephemeral-v3/stable/"
#: How many mirrors a check looks at.
_MIRRORS = 5


@command("host check", risk=Risk.READ, example="/maas host check")
async def host_check(ctx: Context) -> Message:
    """Check whether the bot reaches the host and may work there, and whether the host is fit for a region."""
    where = host(ctx)
    found: list[Finding] = []
    try:
        hello = await where.helper.hello()
        found.append(Finding(name="SSH", well=True, found=f"{where.settings.ssh_user} may come in, the key is pinned"))
        facts = await where.helper.query(QueryName.FACTS, HostFacts)
        found += checks.findings(hello, facts)
        found += [await look_at_mirror(where.helper, url) for url in await _mirrors(ctx)]
    except HostError as error:
        found.append(Finding(name="Access", well=False, found=error.problem, remedy=error.remedy))
    return _told(f"Host {where.name}", found, "fit for MAAS")


async def _mirrors(ctx: Context) -> list[str]:
    """Where the region takes its images from; of one that does not answer, where a new one would."""
    try:
        return list(dict.fromkeys(one.url for one in await ctx.region.api.boot_sources()))[:_MIRRORS]
    except MaasError:
        return [_MIRROR]


@command("host status", risk=Risk.READ, example="/maas host status")
async def host_status(ctx: Context) -> Message:
    """Show which of MAAS's services run on the host, which should, and what the bot does there."""
    where = host(ctx)
    services = await where.helper.query(QueryName.SERVICES, Services)
    config = await where.helper.query(QueryName.CONFIG, Config)
    jobs = [one for one in await where.helper.jobs() if one.state is JobState.RUNNING]
    parts: list[Part] = []
    if not services.initialised:
        there = (
            f"MAAS {config.version} is installed, and not initialised" if config.installed else "MAAS is not installed"
        )
        head = f"{there} on {where.name}."
        hint: list[Span] = [Code("/maas install"), " does it."]
        parts = [Paragraph([Mark.WARN, f" {head}"]), Note(hint)]
    else:
        head, parts = _running(where, services, config)
    if jobs:
        parts.append(Paragraph([Mark.BUSY, " ", Code(jobs[0].job), f" runs on the host ({jobs[0].step})."]))
    return Message(head, tuple(parts))


def _running(where: HostService, services: Services, config: Config) -> tuple[str, list[Part]]:
    missing = [one for one in services.services if one.expected and not one.running]
    stray = [one for one in services.services if one.expected is False and one.running]
    answers = services.api == 200
    well = answers and not missing and not services.fault and services.database_running is not False
    api = "its API answers" if answers else "its API does not answer yet"
    if services.api not in {200, None}:
        api = f"its API answers {services.api}"
    head = f"MAAS {config.version} on {where.name}: " + ("all well" if well else "not well") + f", {api}."
    parts: list[Part] = [Paragraph([Mark.OK if well else Mark.FAIL, " ", Bold(head)])]
    if services.fault:
        parts.append(Paragraph([Mark.FAIL, f" Its services could not be asked: {services.fault}"]))
    if services.database_running is False:
        parts.append(Paragraph([Mark.FAIL, " Its database does not run: ", Code("/maas logs postgresql")]))
    lines: list[Text] = [[Mark.FAIL, " ", Code(one.name), f"  should run and is {one.state}"] for one in missing]
    lines += [[Mark.WARN, " ", Code(one.name), "  runs, and should not here"] for one in stray]
    running = [one.name for one in services.services if one.running]
    if running:
        lines.append([Mark.OK, f" run: {', '.join(running)}"])
    lines += [[Mark.IDLE, " ", _may_rest(services.services)]] if _may_rest(services.services) else []
    parts.append(Bullets(lines))
    if missing:
        log = next((one.name for one in missing if one.name in {"regiond", "rackd", "proxy", "dhcpd"}), "maas")
        hint: list[Span] = ["Why: ", Code(f"/maas logs {log}"), ", again: ", Code("/maas host restart")]
        parts.append(Note(hint))
    return head, parts


def _may_rest(services: Sequence[Service]) -> str:
    resting = [one.name for one in services if one.expected is None and not one.running]
    return f"rest until they are needed: {', '.join(resting)}" if resting else ""


@command("host config", risk=Risk.READ, example="/maas host config")
async def host_config(ctx: Context) -> Message:
    """Show how MAAS is configured on its host: mode, URL, database. Never a password."""
    where = host(ctx)
    config = await where.helper.query(QueryName.CONFIG, Config)
    if not config.installed:
        return say(f"MAAS is not installed on {where.name}. ", Code("/maas install"), " does it.")
    at = f" at {config.database_host}" if config.database_host else ""
    database = f"{config.database_name} ({config.database}), role {config.database_user}{at}"
    items: list[tuple[str, Text]] = [
        ("Version", [f"{config.version}, channel {config.channel}"]),
        ("Mode", [config.mode or "none"]),
        ("URL", [config.url or "none"]),
        ("Database", [database if config.database is not None else "none"]),
        ("Migrations", ["could not be asked" if config.migrations is None else str(config.migrations)]),
        ("regiond.conf", [config.permissions or "not there"]),
    ]
    parts: list[Part] = [Paragraph([Bold(f"MAAS on {where.name}")]), Facts(items)]
    if config.permissions[-1:] not in {"", "0"}:
        parts.append(Paragraph([Mark.WARN, " Everybody on the host can read the database's password in regiond.conf."]))
    if config.mode not in {"", "none"} and config.migrations == 0:
        parts.append(Paragraph([Mark.FAIL, " Its database was never migrated: ", Code("/maas install"), " goes on."]))
    return Message(f"MAAS {config.version} on {where.name}: {config.mode}, {config.url}.", tuple(parts))


@command("host ports", risk=Risk.READ, example="/maas host ports")
async def host_ports(ctx: Context) -> Message:
    """Show what listens on the ports of MAAS and of PostgreSQL on the host."""
    where = host(ctx)
    facts = await where.helper.query(QueryName.FACTS, HostFacts)
    if not facts.listeners:
        return say(f"Nothing listens on MAAS's or PostgreSQL's ports on {where.name}.")
    lines: list[Text] = [
        [Code(f"{one.protocol} {one.port}"), f"  {one.process or 'unknown'} on {one.address}"]
        for one in sorted(facts.listeners, key=lambda one: (one.port, one.protocol))
    ]
    title = f"{'1 listener' if len(lines) == 1 else f'{len(lines)} listeners'} on {where.name}"
    return Message(f"{title}.", (Paragraph([Bold(title)]), Bullets(lines)))


@command("host restart", risk=Risk.DESTRUCTIVE, example="/maas host restart")
async def host_restart(ctx: Context) -> Plan:
    """Restart MAAS's services on the host, and wait until they answer. The host itself is not restarted."""
    host(ctx)
    # The recovery of a stalled import waits for it.
    await nothing_under_way(ctx, "a restart", but=("images-recover",))
    return await plan_for(ctx, "host-restart", {}, "restarted")


@command("host enrol", risk=Risk.CHANGE, example="/maas host enrol", admins=True)
async def host_enrol(ctx: Context) -> Plan:
    """Pin the host's key, after its fingerprint was shown and compared. For admins of the bot."""
    host(ctx)
    await admins_only(ctx, "Pinning a host's key")
    return await plan_for(ctx, "host-enrol", {}, "pinned")


@command("network check", risk=Risk.READ, example="/maas network check")
async def network_check(ctx: Context) -> Message:
    """Check the host's networks: a way out, one of their own for machines, links, overlaps."""
    where = host(ctx)
    network = await where.helper.query(QueryName.NETWORK, Network)
    found = list(network_look.findings(network))
    message = _told(f"Networks of {where.name}", found, "as MAAS needs them")
    return Message(message.summary, (*message.parts, Note([network_look.layout(network)])))


def _told(what: str, found: Sequence[Finding], well: str) -> Message:
    """What was looked at, what is not well first, each with its remedy."""
    wrong = [one for one in found if not one.well]
    verdict = f"{len(wrong)} to mend" if wrong else well
    lines: list[Text] = []
    for one in [*wrong, *(one for one in found if one.well)]:
        spans: list[Span] = [Mark.OK if one.well else Mark.FAIL, " ", Bold(one.name), f": {one.found.rstrip('.')}."]
        lines.append([*spans, f" {one.remedy}"] if one.remedy and not one.well else spans)
    summary = f"{what}: {verdict}."
    if wrong:
        summary += f" {wrong[0].name}: {wrong[0].found.rstrip('.')}."
    return Message(summary, (Paragraph([Bold(f"{what}: {verdict}")]), Bullets(lines)))
