"""What the commands about the host share: is there one, do the words fit, may it begin now."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bot.command.context import Context, RefusalError
from bot.host.service import HostService
from bot.message import Code, Message, Paragraph, Span, say
from bot.policy import SETTING_OF, Role

_SETTINGS = ("MAAS_HOST", "MAAS_SSH_USER", "MAAS_SSH_KEY_FILE", "MAAS_SSH_KNOWN_HOSTS")


def host(ctx: Context) -> HostService:
    """The host of the region that was asked about.

    Raises:
        RefusalError: it is not set up; the message says how.
    """
    if ctx.region.host is not None:
        return ctx.region.host
    names = ", ".join(_SETTINGS) if ctx.region.name == "default" else f"[regions.{ctx.region.name}.host]"
    text: list[Span] = [
        f"The host of region {ctx.region.name} is not set up, so I can't reach it over SSH. Whoever runs the bot sets "
        f"{names}, runs ",
        Code("maasbot host-helper install-script"),
        " and gives what it prints to the host's administrator, then starts the bot again. ",
        Code("maasbot doctor"),
        " says whether it works.",
    ]
    raise RefusalError(Message(f"The host of region {ctx.region.name} is not set up.", (Paragraph(text),)))


def fitting(value: str, form: Any, what: str, like: str) -> str:
    """`value`, if it has the form that the host accepts.

    Raises:
        RefusalError: it has not; `what` and `like` say what would.
    """
    try:
        return str(TypeAdapter(form).validate_python(value))
    except ValidationError:
        shown = value if len(value) <= 60 else f"{value[:60]}…"
        raise RefusalError(say(Code(shown), f" is no {what}. Write it like ", Code(like), ".")) from None


async def nothing_under_way(ctx: Context, doing: str, *, but: Collection[str] = ()) -> None:
    """See that no operation works with the region while its services go away under it; kinds in `but` may.

    Raises:
        RefusalError: one does; the message names it.
    """
    others = [
        one for one in await ctx.operations.under_way() if one.region == ctx.region.name and one.plan.kind not in but
    ]
    if others:
        first = others[0]
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        raise RefusalError(
            say(
                Code(first.id),
                f" ({first.plan.title}, asked by {first.requester_name}){more} is at work with this region, and "
                f"{doing} would break it off. Wait for its end, or stop it: ",
                Code(f"/maas cancel {first.id}"),
                ".",
            )
        )


async def admins_only(ctx: Context, what: str) -> None:
    """See that the person is an admin of the bot.

    Raises:
        RefusalError: they are not, or Slack does not say.
    """
    standing = await ctx.policy.standing_of(ctx.person)
    if standing.has(Role.ADMIN) is None:
        doubt = f" Slack did not say who is in: {'; '.join(standing.unknown)}." if standing.unknown else ""
        raise RefusalError(say(f"{what} is for admins, and {SETTING_OF[Role.ADMIN]} does not name you.{doubt}"))
