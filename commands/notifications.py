"""The notices of MAAS's own pages, and its rack controllers."""

from __future__ import annotations

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.maas.models_region import RackController, Service
from bot.message import Bold, Bullets, Code, Mark, Message, Note, Paragraph, Part, Span, Text, say
from bot.operations.plan import Plan
from bot.policy import Risk
from commands.planning import plan_for

_MARKS = {"error": Mark.FAIL, "warning": Mark.WARN, "success": Mark.OK}
_ORDER = ("error", "warning", "info", "success")
#: Notices of one message.
_SHOWN = 20
_SERVICE_ORDER = ("dead", "degraded", "unknown", "off", "running")


@command("notifications", risk=Risk.READ, example="/maas notifications")
async def notifications(ctx: Context) -> Message:
    """List the notices that MAAS shows on its own pages, the worst first."""
    found = await ctx.region.api.notifications()
    if not found:
        return say("MAAS has no notices.")
    found.sort(key=lambda one: (_ORDER.index(one.category) if one.category in _ORDER else 2, one.id))
    title = "1 notice" if len(found) == 1 else f"{len(found)} notices"
    lines: list[Text] = []
    for one in found[:_SHOWN]:
        spans: list[Span] = [_MARKS.get(one.category, Mark.IDLE), " ", Code(str(one.id)), f"  {one.text}"]
        lines.append(spans if one.dismissable else [*spans, "  (stays until its cause is gone)"])
    parts: list[Part] = [Paragraph([Bold(title)]), Bullets(lines)]
    if len(found) > _SHOWN:
        parts.append(Paragraph([f"{_SHOWN} of {len(found)} shown."]))
    parts.append(Note([Code("/maas notifications dismiss ID"), " hides one from the bot."]))
    return Message(f"{title}. {found[0].text}", tuple(parts))


@command("notifications dismiss", risk=Risk.CHANGE, example="/maas notifications dismiss 3")
async def notifications_dismiss(ctx: Context, *ids: str) -> Plan:
    """Hide notices from the bot's MAAS user; `all` hides all that can be hidden. Other users still see them."""
    shown = await ctx.region.api.notifications()
    if "all" in {one.lower() for one in ids}:
        chosen = [one.id for one in shown if one.dismissable]
        if not chosen:
            raise RefusalError(say("There is no notice that can be dismissed."))
    else:
        wrong = next((one for one in ids if not (one.isascii() and one.isdigit())), "")
        if wrong or not ids:
            raise RefusalError(
                say(
                    "Which notices? ", Code("/maas notifications"), " shows their numbers; ", Code("all"), " means all."
                )
            )
        chosen = [int(one) for one in dict.fromkeys(ids)]
    return await plan_for(ctx, "notifications-dismiss", {"ids": chosen}, "dismissed")


@command("racks", risk=Risk.READ, example="/maas racks")
async def racks(ctx: Context) -> Message:
    """Show the rack controllers: connected or not, their addresses, and each service's state."""
    found = await ctx.region.api.racks()
    if not found:
        return say(Mark.FAIL, " There is no rack controller: no machine can boot or change its power.")
    broken = sum(1 for one in found if not one.connected or any(_bad(service) for service in one.services))
    title = "1 rack controller" if len(found) == 1 else f"{len(found)} rack controllers"
    state = f", {broken} in trouble" if broken else ", all well"
    parts: list[Part] = [Paragraph([Bold(f"{title}{state}")])]
    for one in found:
        parts += [Paragraph(_head(one)), Bullets(_services(one))]
    return Message(f"{title}{state}.", tuple(parts))


def _head(rack: RackController) -> Text:
    facts = ", ".join(part for part in (rack.version, rack.zone, ", ".join(rack.ip_addresses)) if part)
    if rack.connected:
        return [Mark.OK, " ", Code(rack.hostname), f"  connected  {facts}"]
    return [Mark.FAIL, " ", Code(rack.hostname), f"  not connected: its machines can't boot or change power  {facts}"]


def _services(rack: RackController) -> list[Text]:
    """One line a state, the worst first: what runs as it should is one line."""
    lines: list[Text] = []
    for state in _SERVICE_ORDER:
        mine = [one for one in rack.services if one.status == state]
        if not mine:
            continue
        told = ", ".join(f"{one.name} ({one.status_info})" if one.status_info else one.name for one in mine)
        mark = Mark.FAIL if state == "dead" else Mark.WARN if state == "degraded" else Mark.IDLE
        lines.append([Mark.OK if state == "running" else mark, f" {state}: {told}"])
    return lines


def _bad(service: Service) -> bool:
    return service.status in {"dead", "degraded"}
