"""The policy: who may do what, in words."""

from __future__ import annotations

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.message import Bold, Bullets, Code, Message, Note, Paragraph, Part, say
from bot.policy import SETTING_OF, Risk, Role

#: Rules that one message shows; the rest is counted, and stands in maasbot.toml.
_SHOWN = 40


@command("policy", risk=Risk.READ, example="/maas policy", admins=True)
async def policy(ctx: Context) -> Message:
    """Show the policy that is in force: each rule in words. For admins."""
    standing = await ctx.policy.standing_of(ctx.person)
    if standing.has(Role.ADMIN) is None:
        doubt = f" Slack did not say who is in: {'; '.join(standing.unknown)}." if standing.unknown else ""
        raise RefusalError(
            say(
                f"The whole policy is for admins, and {SETTING_OF[Role.ADMIN]} does not name you.{doubt} ",
                Code("/maas whoami"),
                " tells what you may do and why.",
            )
        )
    lines = ctx.policy.describe()
    digest = ctx.policy.digest()[:12]
    parts: list[Part] = [
        Paragraph([Bold("The policy in force"), "  ", Code(digest)]),
        Bullets([[line] for line in lines[:_SHOWN]]),
    ]
    if len(lines) > _SHOWN:
        parts.append(Paragraph([f"{_SHOWN} of {len(lines)} lines shown; the rest stands in maasbot.toml."]))
    parts.append(Note(["Denying rules win. What no rule allows is denied."]))
    return Message(f"The policy in force: {len(lines)} lines, {digest}.", tuple(parts))
