"""What the bot says when it will not or can't: what happened, what was left, what to do next."""

from __future__ import annotations

from bot.maas.errors import MaasError
from bot.message import Code, Mark, Message, Note, Paragraph, Span, say
from bot.policy import Decision
from bot.slack.outbound import ChannelRefused
from bot.storage import StorageUnavailableError


def refused(decision: Decision, command: str = "") -> Message:
    """The policy said no."""
    if not command:
        # Nothing at all is answered to this person, or here: no other command would help.
        return say(f"Not here: {decision.reason}.")
    spans: list[Span] = [Code(command), " is not for you here: ", f"{decision.reason}."]
    return Message(
        f"{command}: {decision.reason}.",
        (Paragraph(spans), Note([Code("/maas whoami"), " tells what you may do and why."])),
    )


def region_trouble(error: MaasError) -> Message:
    """MAAS did not do as asked, or did not say whether it did."""
    unknown = error.outcome_unknown
    left = (
        f"It is not known whether {error.source} carried it out; look before asking again."
        if unknown
        else "Nothing was changed."
    )
    problem = f"{error.source[:1].upper()}{error.source[1:]}: {error.problem} {left}"
    return Message(f"{problem} {error.remedy}", (Paragraph([Mark.FAIL, f" {problem}"]), Paragraph([error.remedy])))


def storage_trouble(error: StorageUnavailableError) -> Message:
    """The bot's own database failed."""
    return say(
        Mark.FAIL,
        f" My own storage does not work: {error.reason}. Nothing was started. Tell whoever runs this bot.",
    )


def shut_out(error: ChannelRefused) -> Message:
    """The channel takes no message of the bot's, and the plan would stand in it."""
    what = f"I can't post in this channel: {error.reason} ({error.code}). Nothing was started. "
    if error.code in {"not_in_channel", "channel_not_found"}:
        return say(f"{what}Invite me by ", Code("/invite @maas"), " if I am not in it, and ask again.")
    return say(f"{what}Ask in another channel.")


def our_fault(reference: str) -> Message:
    """A defect of the bot; `reference` finds it in the log."""
    return say(
        Mark.FAIL,
        " The bot itself failed on this. Look with ",
        Code("/maas ops"),
        " whether anything was started; its log has the details under ",
        Code(reference),
        ".",
    )
