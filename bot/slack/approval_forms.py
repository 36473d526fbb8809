"""The small forms around approvals: asking with a reason (and the typed name), denying with a reason, break-glass."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import structlog

from bot.message import say
from bot.operations import view
from bot.operations.approvals import names_it, typed_name
from bot.operations.cards import DENY
from bot.operations.records import Operation
from bot.operations.service import Operations
from bot.operations.verdict import Verdict
from bot.people import Door, Origin
from bot.policy import Risk
from bot.slack.fields import field, plain
from bot.slack.identity import Identities, IdentityUnknownError
from bot.slack.outbound import Outbound, SlackError
from bot.slack.router import Asker, Reply
from bot.slack.threads import Threads
from bot.storage import StorageUnavailableError

PREFIX = "decide."
_TITLES = {
    view.ASK: ("Ask for approval", "Ask"),
    view.BREAK_GLASS: ("Break glass", "Break glass"),
    DENY: ("Deny", "Deny"),
}


class ApprovalForms:
    """Opens the forms and carries out what was filled in. What is shown is looked up; what comes back is checked."""

    def __init__(self, operations: Operations, threads: Threads, identities: Identities, outbound: Outbound) -> None:
        self._operations = operations
        self._threads = threads
        self._identities = identities
        self._outbound = outbound
        self._log = structlog.get_logger("approval_forms")

    async def open(self, action: str, value: str, trigger: str, origin: Origin, reply: Reply) -> None:
        """Open the form that belongs to a button. Never raises."""
        operation_id, _, nonce = value.partition(":")
        try:
            operation = await self._operations.get(operation_id)
            if operation.nonce != nonce or not operation.state.open:
                await reply.refuse(say(f"{operation_id} is no longer waiting: it is {operation.state}."))
                return
            await self._outbound.open_view(trigger, _view(action, operation, nonce, origin))
        except KeyError:
            await self._refuse(reply, "This button belongs to no plan that I know. Ask again.")
        except StorageUnavailableError as error:
            await self._refuse(reply, f"My own storage does not work: {error.reason}. Nothing was done.")
        except SlackError as error:
            self._log.warning("form_not_opened", error=str(error))
            await self._refuse(reply, "The form could not be opened. Click again, or use the words in /maas help.")

    async def check(self, view_: Mapping[str, Any]) -> dict[str, str]:
        """What is wrong with the words, by field; looked up before the form is acknowledged, so it takes no network."""
        try:
            where, reason, typed = _read(view_)
        except (KeyError, TypeError, ValueError):
            return {}  # no form of ours; `submitted` does nothing about it
        faults = {}
        if len(reason.strip()) < 4:
            faults["reason"] = "Say why, in a few words: it is read by others, and kept."
        try:
            operation = await self._operations.get(where["operation"])
        except (KeyError, StorageUnavailableError):
            return faults
        if typed is not None and not names_it(typed, operation.plan):
            faults["typed"] = f"Type {typed_name(operation.plan)} to show that you mean it."
        return faults

    async def submitted(self, view_: Mapping[str, Any], asker: Asker) -> None:
        """Carry out a form. The person is told when it had no effect. Never raises."""
        try:
            where, reason, typed = _read(view_)
            origin = Origin(Door(where["door"]), where["channel"])
        except (KeyError, TypeError, ValueError) as error:
            self._log.warning("form_not_ours", user=asker.user_id, error=type(error).__name__)
            return
        try:
            verdict = await self._carry_out(where, reason, typed or "", asker, origin)
        except StorageUnavailableError as error:
            verdict = Verdict(False, f"My own storage does not work: {error.reason}. Nothing was done.")
        except Exception as error:
            self._log.exception("form_failed", error=type(error).__name__)
            verdict = Verdict(False, "The bot itself failed on this; look at the thread before you try again.")
        if verdict.done:
            self._threads.urge(where["operation"])
            return
        try:
            await self._outbound.ephemeral(where["channel"] or asker.user_id, asker.user_id, say(verdict.reason))
        except SlackError as error:
            self._log.warning("refusal_not_delivered", error=str(error), said=verdict.reason)

    async def _carry_out(
        self, where: Mapping[str, str], reason: str, typed: str, asker: Asker, origin: Origin
    ) -> Verdict:
        try:
            person = await self._identities.identify(asker.team_id, asker.user_id, fresh=True)
        except IdentityUnknownError as error:
            return Verdict(False, f"Slack did not tell me who you are ({error}). Nothing was done; try again.")
        approvals = self._operations.approvals
        operation_id, nonce = where["operation"], where["nonce"]
        match where["action"]:
            case view.ASK:
                return await approvals.ask(operation_id, nonce, person, origin, reason=reason, typed=typed)
            case view.BREAK_GLASS:
                return await approvals.break_glass(operation_id, nonce, person, origin, reason=reason, typed=typed)
            case action if action == DENY:
                return await approvals.decide(operation_id, nonce, person, origin, approve=False, reason=reason)
            case _:
                return Verdict(False, "This form is from another version of the bot. Ask again.")

    async def _refuse(self, reply: Reply, text: str) -> None:
        try:
            await reply.refuse(say(text))
        except SlackError as error:
            self._log.warning("refusal_not_delivered", error=str(error), said=text)


def _view(action: str, operation: Operation, nonce: str, origin: Origin) -> dict[str, Any]:
    title, submit = _TITLES[action]
    where = {
        "action": action,
        "operation": operation.id,
        "nonce": nonce,
        "channel": origin.channel,
        "door": origin.door.value,
    }
    hint = "The approver decides on it, and the audit keeps it." if action == view.ASK else "It is read and kept."
    reason: dict[str, Any] = {"type": "plain_text_input", "multiline": True, "max_length": 500}
    if action == view.ASK and operation.reason:
        reason["initial_value"] = operation.reason
    blocks = [
        {"type": "section", "text": plain(f"{operation.plan.title} ({operation.id})")},
        field("decide.reason", "reason", "Reason", reason, hint=hint),
    ]
    wants_name = action == view.BREAK_GLASS or (action == view.ASK and operation.plan.risk is Risk.IRREVERSIBLE)
    if wants_name:
        wanted = typed_name(operation.plan)
        element = {"type": "plain_text_input", "max_length": 300}
        blocks.append(field("decide.typed", "typed", f"Type {wanted}"[:2000], element, hint="This can't be undone."))
    return {
        "type": "modal",
        "callback_id": f"{PREFIX}{action}",
        "title": plain(title),
        "submit": plain(submit),
        "close": plain("Close"),
        "private_metadata": json.dumps(where),
        "blocks": blocks,
    }


def _read(view_: Mapping[str, Any]) -> tuple[dict[str, str], str, str | None]:
    kept = json.loads(str(view_.get("private_metadata") or "{}"))
    where = {name: str(kept[name]) for name in ("action", "operation", "nonce", "channel", "door")}
    values = view_["state"]["values"]
    reason = str(values["reason"]["decide.reason"].get("value") or "")
    typed = values["typed"]["decide.typed"].get("value") or "" if "typed" in values else None
    return where, reason, typed
