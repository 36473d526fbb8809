"""Next steps as buttons: each stands for words that a person could type, and is shown only where they could be run.

What is offered is a convenience. At the click the words go the way of all words: policy, plan, confirmation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.command.declaration import Catalog
from bot.message import Button, Style
from bot.people import Identity, Origin
from bot.policy import Ask, Policy

#: Runs the words that are its value, as whoever pressed it.
RUN = "words.run"
#: Asks for one more word in a form, puts it behind the words that are its value, and runs them.
ASK_MORE = "words.more"
#: Opens the form for a machine's power settings; its value is `REGION:SYSTEM-ID`, and options after
#: a blank.
POWER_FORM = "power.form"

#: More buttons than this are no help to a thumb.
MOST = 5


@dataclass(frozen=True, slots=True)
class Offer:
    """One next step.

    Attributes:
        label: what the button says.
        command: the command that must exist, and be allowed, for it to be shown.
        value: the words, or what else the action takes.
    """

    label: str
    command: str
    value: str
    style: Style = Style.PLAIN
    action: str = RUN


class Offers:
    """Knows which next steps exist in this bot, and which of them fit a person."""

    def __init__(self, catalog: Catalog, policy: Policy) -> None:
        self._catalog = catalog
        self._policy = policy

    def existing(self, offers: Sequence[Offer]) -> list[Button]:
        """Those whose command there is, whoever looks at them: for messages that nobody in particular asked for."""
        return _buttons([one for one in offers if self._catalog.get(one.command) is not None])

    async def fitting(self, offers: Sequence[Offer], region: str, person: Identity, origin: Origin) -> list[Button]:
        """Those whose command there is and which `person` may run here."""
        asks: dict[str, Ask] = {}
        for one in offers:
            command = self._catalog.get(one.command)
            if command is not None:
                asks[one.command] = Ask(command.name, command.risk, region)
        told = await self._policy.explain(person, origin, list(asks.values()))
        allowed = {ask.command for ask, decision in told if decision.allowed}
        return _buttons([one for one in offers if one.command in asks and asks[one.command].command in allowed])


def words_for(command: str, system_id: str, region: str) -> str:
    """The words of a command for exactly this machine, in exactly this region."""
    return f"{command} id:{system_id}" + ("" if region == "default" else f" --region {region}")


def _buttons(offers: Sequence[Offer]) -> list[Button]:
    return [Button(one.label, one.action, one.value, one.style) for one in offers[:MOST]]
