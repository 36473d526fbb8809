"""Which commands a person may run, for help and the form: what they leave out would only be refused."""

from __future__ import annotations

from bot.command.declaration import Catalog, Command
from bot.people import Identity, Origin
from bot.policy import SETTING_OF, Ask, Decision, Policy, Risk, Role

_APPROVED = frozenset({Risk.DESTRUCTIVE, Risk.IRREVERSIBLE})
_NO_ADMIN = Decision(False, f"needs the role admin, which {SETTING_OF[Role.ADMIN]} does not give you")


async def runnable(
    catalog: Catalog, policy: Policy, person: Identity, origin: Origin, region: str = ""
) -> dict[Command, Decision]:
    """For each command, whether `person` could run it here, on some machines at least, and the rule that says so."""
    commands = list(catalog)
    asks = [Ask(one.name, one.risk, region) for one in commands]
    told = await policy.explain(person, origin, asks)
    verdicts = {one: decision for one, (_, decision) in zip(commands, told, strict=True)}
    is_admin = (await policy.standing_of(person)).has(Role.ADMIN) is not None
    approved = [ask for ask in asks if ask.risk in _APPROVED]
    seats = [decision for _, decision in await policy.explain_deciding(person, origin, approved)]
    no_seat = None if any(one.allowed for one in seats) else next(iter(seats), None)
    for one, decision in verdicts.items():
        if not decision.allowed:
            continue
        if one.admins and not is_admin:
            verdicts[one] = _NO_ADMIN
        elif one.decides and no_seat is not None:
            verdicts[one] = no_seat
    return verdicts
