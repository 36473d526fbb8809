"""The policy itself: who may do what, where, when. Deny by default; every decision names the rule that made it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from bot.people import Door, Identity, Origin, Standing
from bot.policy import allowing, deciding
from bot.policy.asking import SETTING_OF, Approvers, Ask, Decision, Grant, GroupMembers, Risk, Role, Standings
from bot.policy.circle import Circle
from bot.policy.matching import Question, question
from bot.policy.rules import Effect, Rule, Rules, digest, rules_of_roles

#: More approvers than this are not looked up one by one before a request; each is at the click.
_LOOKED_UP = 20

#: Who a user id is by Slack's word; None where Slack does not say.
Identify = Callable[[str], Awaitable[Identity | None]]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Policy:
    """The roles of the settings and the rules of maasbot.toml, applied to one team.

    `channels` is a ceiling and never an authority: being in a channel lets a person read, nothing more. In
    `approval_channel` people decide, besides. `members` lists a user group, at most a minute old; `fresh_members` asks
    Slack anew, and is used where somebody decides or breaks the glass. `identify`, where given, keeps people whom the
    bot would not serve from being counted as approvers.
    """

    team_id: str
    members: GroupMembers
    channels: Sequence[str] = ()
    roles: dict[Role, Sequence[str]] = field(default_factory=dict)
    rules: Rules = field(default_factory=Rules)
    approval_channel: str | None = None
    fresh_members: GroupMembers | None = None
    identify: Identify | None = None
    now: Callable[[], datetime] = _now

    # -- asking ------------------------------------------------------------------------------------------------

    async def may(self, person: Identity, ask: Ask | Risk, origin: Origin, *, fresh: bool = False) -> Decision:
        """Whether `person` may ask for it, here and now. The last word on a plan.

        With `fresh`, user groups are asked for anew: what a click decides must not rest on an old answer.

        A bare class of risk asks for all of that class at once: only rules without limits allow it, and above reading
        any denying rule that could be about it refuses it.
        """
        return await self._may(person, ask, origin, open_=False, fresh=fresh)

    async def may_plan(self, person: Identity, ask: Ask | Risk, origin: Origin) -> Decision:
        """Whether it is worth making a plan: yes where some machines could be allowed. The last word for reading only.

        Rules that are limited to pools or tags can't be applied before the plan tells the machines; `may` does.
        """
        return await self._may(person, ask, origin, open_=True)

    async def explain(self, person: Identity, origin: Origin, asks: Iterable[Ask]) -> list[tuple[Ask, Decision]]:
        """What `may_plan` says on each of `asks`, with each user group asked for once."""
        shared = self._with_one_circle()
        return [(ask, await shared.may_plan(person, ask, origin)) for ask in asks]

    # -- deciding ----------------------------------------------------------------------------------------------

    async def may_decide(self, person: Identity, ask: Ask, requester_id: str, origin: Origin) -> Decision:
        """Whether `person` may approve or deny what `requester_id` asked for, here and now."""
        refusal = self.turn_away(person) or self._wrong_place_to_decide(origin)
        if refusal is not None:
            return refusal
        if person.user_id == requester_id:
            return Decision(False, "nobody decides on their own request, whatever groups they are in")
        return await self._may_decide(person, question(ask, origin, self.now()), self._circle(fresh=True), open_=False)

    def at_this_moment(self) -> Policy:
        """The same policy for one decision: each user group is fetched anew, and once for all that is asked of it."""
        recall = self._circle(fresh=True).recall
        return replace(self, members=recall, fresh_members=recall)

    async def explain_deciding(
        self, person: Identity, origin: Origin, asks: Iterable[Ask]
    ) -> list[tuple[Ask, Decision]]:
        """For each of `asks`, whether `person` could decide on somebody else's, on some machines at least."""
        circle = self._circle()
        refusal = self.turn_away(person) or self._wrong_place_to_decide(origin)
        found = []
        for ask in asks:
            asked = question(ask, origin, self.now(), before_plan=True)
            found.append((ask, refusal or await self._may_decide(person, asked, circle, open_=True)))
        return found

    async def could_decide(self, person: Identity, origin: Origin, requests: Sequence[tuple[Ask, str]]) -> list[bool]:
        """For each request and its requester, whether it is worth showing to `person`; groups as lately known.

        The last word is `may_decide`, at the click.
        """
        shared = replace(self._with_one_circle(), fresh_members=None)
        return [(await shared.may_decide(person, ask, requester, origin)).allowed for ask, requester in requests]

    async def approvers(self, ask: Ask, requester_id: str, *, fresh: bool = True) -> Approvers:
        """Who could approve it now, and how many must; `missing` says why too few could.

        Without `fresh`, user groups are up to a minute old: good enough to call people.
        """
        asked = question(ask, None, self.now())
        circle = self._circle(fresh=fresh)
        rules, denying = self._rules(Effect.APPROVE), self._rules(Effect.DENY)
        found = await deciding.approvers(rules, denying, asked, requester_id, circle)
        if self.identify is None or not 0 < len(found.people) <= _LOOKED_UP:
            return found
        turned_away = {user_id: why for user_id in found.people if (why := await self._unserved(user_id))}
        people = found.people - set(turned_away)
        # A group of which some can't decide is still the way to call the others.
        mentions = tuple(one for one in found.mentions if one not in turned_away)
        missing = found.missing
        if len(people) < found.needed and turned_away:
            whose = "; ".join(f"{user_id}: {why}" for user_id, why in sorted(turned_away.items()))
            missing = missing or (
                f"This needs {found.needed} approval{'s' if found.needed > 1 else ''}, and not enough of those who "
                f"are named can approve: {whose}."
            )
        return replace(found, people=people, mentions=mentions, missing=missing)

    async def may_break_glass(self, person: Identity, ask: Ask, origin: Origin) -> Decision:
        """Whether `person` may go without an approval: off unless `[policy.break_glass]` names them.

        It stands in for the approval alone: whoever breaks the glass must be allowed to ask, and denying rules hold.
        """
        glass = self._break_glass()
        if glass is None:
            return Decision(False, "break-glass is off: the policy has no [policy.break_glass]")
        circle = self._circle(fresh=True)
        decision = await replace(self, members=circle.recall).may(person, ask, origin)
        if not decision.allowed:
            return decision
        own = await allowing.allowed([glass], person.user_id, question(ask, origin, self.now()), circle, open_=False)
        if own.allowed:
            return Decision(True, f"[policy.break_glass] names you, and {decision.reason}")
        unknown = circle.unknown(glass)
        if unknown:
            return Decision(False, f"Slack did not say who may break the glass ({'; '.join(unknown)})")
        return Decision(False, "[policy.break_glass] does not give you this")

    @property
    def break_glass_lasts(self) -> timedelta | None:
        """How long a break-glass lasts, at most an hour; None where it is off."""
        glass = self._break_glass()
        return None if glass is None else glass.lasts

    # -- people ------------------------------------------------------------------------------------------------

    async def standing_of(self, person: Identity) -> Standings:
        """The roles that `person` has now. A group that Slack won't list grants nothing and is named."""
        circle = self._circle()
        grants: list[Grant] = []
        unknown: list[str] = []
        for role, entries in self.roles.items():
            rule = Rule.model_construct(effect=Effect.ALLOW, name=role.value, who=tuple(entries), commands=("*",))
            for entry in entries:
                one = rule.model_copy(update={"who": (entry,)})
                through = await circle.through(one, person.user_id)
                if through is not None:
                    grants.append(Grant(role, f"{through} in {SETTING_OF[role]}"))
            unknown += [one for one in circle.unknown(rule) if one not in unknown]
        return Standings(tuple(grants), tuple(unknown))

    def turn_away(self, person: Identity) -> Decision | None:
        """The refusal for people who are never served, or None."""
        if person.team_id != self.team_id or person.standing is Standing.FOREIGN:
            return Decision(False, "people of other workspaces are not served")
        if person.standing is Standing.GUEST:
            return Decision(False, "guests of this workspace are not served")
        if person.standing is Standing.BOT:
            return Decision(False, "bots and workflows are not served")
        if person.standing is Standing.GONE:
            return Decision(False, "this account is deactivated")
        return None

    def wrong_place(self, risk: Risk, origin: Origin) -> Decision | None:
        """The refusal for channels where this is not answered, or None. App Home is no channel."""
        if self.channels and origin.door is not Door.HOME and origin.channel not in self.channels:
            return Decision(False, "this channel is not in MAASBOT_CHANNELS")
        if not self.channels and risk is not Risk.READ:
            return Decision(
                False, "nothing may be changed while MAASBOT_CHANNELS is empty: without it the bot only reads"
            )
        return None

    # -- telling -----------------------------------------------------------------------------------------------

    def digest(self) -> str:
        """A fingerprint of the whole policy, for the record of its loading: equal policies have equal digests."""
        roles = {role.value: sorted(entries) for role, entries in self.roles.items()}
        parts = {"team": self.team_id, "channels": sorted(self.channels), "roles": roles}
        return digest({**parts, "approval_channel": self.approval_channel or ""}, self.rules)

    def describe(self) -> tuple[str, ...]:
        """The whole policy in words, one rule a line, denying rules first."""
        order = (Effect.DENY, Effect.ALLOW, Effect.APPROVE, Effect.BREAK_GLASS)
        lines = [f"MAASBOT_CHANNELS: {', '.join(self.channels) or 'empty, so the bot only reads'}"]
        lines += [rule.words() for effect in order for rule in self._rules(effect)]
        lines.append(f"MAASBOT_ADMINS: {', '.join(self.roles.get(Role.ADMIN, ())) or 'nobody'}")
        if self._break_glass() is None:
            lines.append("break-glass: off")
        return tuple(lines)

    # -- parts -------------------------------------------------------------------------------------------------

    async def _may(
        self, person: Identity, ask: Ask | Risk, origin: Origin, *, open_: bool, fresh: bool = False
    ) -> Decision:
        risk = ask if isinstance(ask, Risk) else ask.risk
        refusal = self.turn_away(person) or self.wrong_place(risk, origin)
        if refusal is not None:
            return refusal
        asked = question(ask, origin, self.now(), before_plan=open_)
        circle = self._circle(fresh=fresh)
        refusal = await allowing.denied(self._rules(Effect.DENY), person.user_id, asked, circle, open_=open_)
        return refusal or await allowing.allowed(self._rules(Effect.ALLOW), person.user_id, asked, circle, open_=open_)

    async def _may_decide(self, person: Identity, asked: Question, circle: Circle, *, open_: bool) -> Decision:
        refusal = await allowing.denied(self._rules(Effect.DENY), person.user_id, asked, circle, open_=open_)
        if refusal is not None:
            return refusal
        by = {}
        for bench in deciding.benches(self._rules(Effect.APPROVE), asked):
            seat = await deciding.seat(bench, person.user_id, circle)
            if seat is None:
                return Decision(False, deciding.no_seat(bench, asked, circle))
            rule, through = seat
            where = f"in {rule.setting}" if rule.setting else f"in {rule.title}"
            limits = f" ({rule.limits()})" if open_ and rule.limits() else ""
            by[rule.title] = f"you are an approver through {through} {where}{limits}"
        return Decision(True, " and ".join(by.values()))

    def _wrong_place_to_decide(self, origin: Origin) -> Decision | None:
        refusal = self.wrong_place(Risk.CHANGE, origin)
        here = self.channels and self.approval_channel and origin.channel == self.approval_channel
        return None if here else refusal

    async def _unserved(self, user_id: str) -> str:
        assert self.identify is not None
        person = await self.identify(user_id)
        if person is None:
            return "Slack did not say who this is"
        refusal = self.turn_away(person)
        return "" if refusal is None else refusal.reason

    def _rules(self, effect: Effect) -> tuple[Rule, ...]:
        return tuple(rule for rule in (*rules_of_roles(self.roles), *self.rules.rules) if rule.effect is effect)

    def _break_glass(self) -> Rule | None:
        return next(iter(self.rules.of(Effect.BREAK_GLASS)), None)

    def _circle(self, *, fresh: bool = False) -> Circle:
        return Circle(self.fresh_members if fresh and self.fresh_members is not None else self.members)

    def _with_one_circle(self) -> Policy:
        return replace(self, members=self._circle().recall)
