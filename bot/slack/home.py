"""App Home: the regions at a glance, what needs attention, my operations, and the command form."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from bot.message import Bold, Bullets, Button, Buttons, Code, Divider, Message, Note, Paragraph, Part, Style
from bot.operations import cards, view
from bot.operations.approvals import ask_of
from bot.operations.records import Operation
from bot.operations.service import Operations
from bot.people import Door, Identity, Origin
from bot.policy import Policy
from bot.slack.home_attention import Attention
from bot.slack.identity import Identities, IdentityUnknownError
from bot.slack.outbound import Outbound, SlackError
from bot.slack.router import Asker
from bot.storage import StorageUnavailableError

#: Renders the state of all regions, as the status command does.
Overview = Callable[[], Awaitable[list[Part]]]


class Home:
    """Publishes one person's home view whenever it is opened."""

    def __init__(
        self,
        outbound: Outbound,
        identities: Identities,
        policy: Policy,
        operations: Operations,
        overview: Overview,
        attention: Attention,
    ) -> None:
        self._attention = attention
        self._outbound = outbound
        self._identities = identities
        self._policy = policy
        self._operations = operations
        self._overview = overview
        self._log = structlog.get_logger("home")

    async def publish(self, asker: Asker) -> None:
        """Render and publish. Never raises."""
        try:
            person = await self._identities.identify(asker.team_id, asker.user_id)
            refusal = self._policy.turn_away(person)
            parts = (
                [Paragraph([f"{refusal.reason.capitalize()}."])] if refusal is not None else await self._parts(person)
            )
            await self._outbound.publish_home(asker.user_id, Message("MAAS", tuple(parts)))
        except (SlackError, IdentityUnknownError, StorageUnavailableError) as error:
            self._log.warning("home_not_published", error=str(error))
        except Exception as error:
            self._log.exception("home_failed", error=type(error).__name__)

    async def _parts(self, person: Identity) -> list[Part]:
        parts: list[Part] = list(await self._overview())
        buttons = [
            Button("Run a command", "home.form", "open", Style.PRIMARY),
            Button("Refresh", "home.refresh", "refresh"),
        ]
        decide = await self._to_decide(person)
        if decide:
            parts += [Divider(), Paragraph([Bold("Waiting for your decision")])]
            for one in decide[:5]:
                value = f"{one.id}:{one.nonce}"
                told = f"  {one.plan.title}, asked by {one.requester_name}: {one.reason}"
                parts.append(Paragraph([Code(one.id), told]))
                parts.append(
                    Buttons(
                        [
                            Button("Approve", cards.APPROVE, value, Style.PRIMARY),
                            Button("Deny", cards.DENY, value, Style.DANGER),
                            Button("Details", cards.DETAILS, value),
                        ]
                    )
                )
        parts += await self._attention.parts(person)
        mine = [one for one in await self._operations.recent(50) if one.requester_id == person.user_id][:8]
        parts += [Buttons(buttons), Divider(), Paragraph([Bold("My operations")])]
        parts.append(Bullets([view.line(one) for one in mine]) if mine else Paragraph(["None yet."]))
        parts.append(Note(["This page shows the moment it was opened; Refresh shows now."]))
        return parts

    async def _to_decide(self, person: Identity) -> list[Operation]:
        waiting = await self._operations.awaiting()
        requests = [(ask_of(one.plan), one.requester_id) for one in waiting]
        could = await self._policy.could_decide(person, Origin(Door.HOME), requests)
        return [one for one, yes in zip(waiting, could, strict=True) if yes]
