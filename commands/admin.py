"""Administrators of MAAS and their keys. Secrets are shown to one person, once, and stand nowhere else."""

from __future__ import annotations

import structlog

from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.host.errors import ProgramFailed
from bot.host.vocabulary import UserName
from bot.maas.errors import MaasError
from bot.message import Code, Mark, Message, Note, Paragraph, Span, say
from bot.operations.host_install import admin_password_key
from bot.operations.plan import Plan
from bot.policy import Risk
from commands.hosting import admins_only, fitting, host
from commands.planning import plan_for


@command("admin create", risk=Risk.DESTRUCTIVE, example="/maas admin create olga")
async def admin_create(ctx: Context, user: str, /) -> Plan:
    """Make an administrator of MAAS, who can do everything there, past the bot's policy: another person approves.

    The bot makes the password; `admin password` shows it to you alone, once.
    """
    host(ctx)
    username = fitting(user, UserName, "user name", "olga")
    return await plan_for(ctx, "admin-create", {"username": username}, "made")


@command("admin password", risk=Risk.READ, example="/maas admin password op-4k2f")
async def admin_password(ctx: Context, operation: str, /) -> Message:
    """Show the password that an installation or `admin create` of yours has made. Once, to you alone."""
    vault = host(ctx).vault
    wanted = operation.lower() if operation.lower().startswith("op-") else f"op-{operation.lower()}"
    try:
        found = await ctx.operations.get(wanted)
    except KeyError:
        raise RefusalError(say("There is no operation ", Code(operation), ".")) from None
    if (found.requester_id, found.team_id) != (ctx.person.user_id, ctx.person.team_id):
        raise RefusalError(say(f"Only {found.requester_name}, who asked for ", Code(found.id), ", is shown that."))
    if found.state.under_way:
        raise RefusalError(say(Code(found.id), " has not ended yet. Ask when it has."))
    secret = vault.take(admin_password_key(found.id))
    if secret is None:
        raise RefusalError(
            say(
                "I hold no password of ",
                Code(found.id),
                ": it was shown already, an hour has passed, or I was restarted. It was written nowhere. ",
                Code("/maas admin create NAME"),
                " makes another administrator.",
            )
        )
    user = str(found.plan.options.get("username") or found.plan.options.get("admin") or "")
    structlog.get_logger("admin").info("password_handed_over", operation=found.id, user=user)
    text: list[Span] = ["MAAS's administrator ", Code(user), " has the password ", Code(secret.get_secret_value())]
    note = Note(["Shown once. Log in and change it: this message is not the place to keep it."])
    return Message(f"The password of {user}, for you alone.", (Paragraph(text), note), private=True)


@command("apikey", risk=Risk.READ, example="/maas apikey olga", admins=True)
async def apikey(ctx: Context, user: str, /) -> Message:
    """Show the API key of a user of MAAS, to you alone. For admins of the bot; the key can do all that the user can."""
    where = host(ctx)
    await admins_only(ctx, "An API key")
    username = fitting(user, UserName, "user name", "olga")
    try:
        handover = await where.helper.api_key(username, mint=False)
    except ProgramFailed as error:
        raise RefusalError(
            say(Mark.FAIL, f" {error.problem} ", Code("/maas admin create NAME"), " makes one.")
        ) from None
    structlog.get_logger("admin").info("api_key_handed_over", user=username, by=ctx.person.user_id)
    text: list[Span] = ["The API key of ", Code(username), ": ", Code(handover.secret.get_secret_value())]
    note = Note(["Whoever has it can do what the user can. Take it back in MAAS: user's preferences, API keys."])
    return Message(f"The API key of {username}, for you alone.", (Paragraph(text), note), private=True)


@command("login check", risk=Risk.READ, example="/maas login check")
async def login_check(ctx: Context) -> Message:
    """Check that the region takes the bot's API key, as `maas login` on the command line would."""
    try:
        user = await ctx.region.api.whoami()
        version = await ctx.region.api.version()
    except MaasError as error:
        text = f"{ctx.region.url} does not take the bot's key: {error.problem}"
        return Message(text, (Paragraph([Mark.FAIL, f" {text}"]), Paragraph([error.remedy])))
    rights = "an administrator" if user.is_superuser else "no administrator: most changes will be refused"
    mark = Mark.OK if user.is_superuser else Mark.WARN
    text = f"{ctx.region.url} takes the bot's key: MAAS {version.version}, user {user.username}, {rights}."
    hint: list[Span] = ["By hand: ", Code(f"maas login NAME {ctx.region.url} -"), ", then paste a key and press Enter."]
    return Message(text, (Paragraph([mark, f" {text}"]), Note(hint)))
