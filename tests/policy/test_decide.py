"""Who decides: never the requester, in policy now, as many as needed; and who may break the glass."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.people import Identity, Standing
from bot.policy import Ask, Risk
from tests.policy.support import CARDS, GROUPS, HERE, HOME, LAB, PROD, ask, members_of, person, policy

TWO = """
[[policy.approve]]
name = "two for production"
who = ["S0PROD"]
commands = ["*"]
pools = ["prod"]
needed = 2
"""

GLASS = """
[policy.break_glass]
who = ["U0OLGA", "S0NIGHT"]
for = "30m"
commands = ["release", "power *"]
"""


async def test_the_setting_decides_where_no_rule_does() -> None:
    it = policy(TWO, approvers="U0ANDY")
    decision = await it.may_decide(person("U0ANDY"), ask("release", LAB), "U0OLGA", CARDS)
    assert decision.allowed
    assert decision.reason == "you are an approver through your user id in MAASBOT_APPROVERS"
    decision = await it.may_decide(person("U0ANDY"), ask("release", PROD), "U0OLGA", CARDS)
    assert decision.reason == 'rule "two for production" does not name you as an approver of this'
    decision = await it.may_decide(person("U0PAUL"), ask("release", PROD), "U0OLGA", CARDS)
    assert decision.reason == 'you are an approver through user group S0PROD in rule "two for production"'
    assert not (await it.may_decide(person("U0PAUL"), ask("release", LAB), "U0OLGA", CARDS)).allowed


@pytest.mark.parametrize("approvers", ["U0OLGA", "S0PROD", "U0OLGA S0PROD S0NIGHT"])
async def test_nobody_decides_on_their_own_request_not_through_a_group_either(approvers: str) -> None:
    it = policy(approvers=approvers)
    assert not (await it.may_decide(person("U0OLGA"), ask("release", LAB), "U0OLGA", CARDS)).allowed
    assert "U0OLGA" not in (await it.approvers(ask("release", LAB), "U0OLGA")).people


async def test_a_second_workspace_is_no_second_person() -> None:
    it = policy(approvers="U0ANDY U0OLGA")
    for who in (person("U0ANDY", "T0OTHER"), person("U0ANDY", standing=Standing.FOREIGN), person("U0OLGA", "T0OTHER")):
        decision = await it.may_decide(who, ask("release", LAB), "U0OLGA", CARDS)
        assert decision.reason == "people of other workspaces are not served"


@pytest.mark.parametrize("standing", [Standing.GUEST, Standing.BOT, Standing.GONE])
async def test_guests_bots_and_the_gone_do_not_decide(standing: Standing) -> None:
    it = policy(approvers="U0ANDY")
    assert not (await it.may_decide(person("U0ANDY", standing=standing), ask(), "U0OLGA", CARDS)).allowed


async def test_where_people_decide() -> None:
    it = policy(approvers="U0ANDY")
    for place in (CARDS, HERE, HOME):
        assert (await it.may_decide(person("U0ANDY"), ask("release", LAB), "U0OLGA", place)).allowed
    nowhere = replace(CARDS, channel="C0RANDOM")
    assert not (await it.may_decide(person("U0ANDY"), ask("release", LAB), "U0OLGA", nowhere)).allowed
    mute = policy(approvers="U0ANDY", channels=())
    assert not (await mute.may_decide(person("U0ANDY"), ask("release", LAB), "U0OLGA", CARDS)).allowed


async def test_a_decision_asks_slack_anew() -> None:
    it = replace(policy(approvers="S0LAB", operators="S0LAB"), fresh_members=members_of({"S0LAB": frozenset()}))
    assert not (await it.may_decide(person("U0LARS"), ask("release", LAB), "U0OLGA", CARDS)).allowed
    assert (await it.approvers(ask("release", LAB), "U0OLGA")).people == frozenset()
    assert (await it.may(person("U0LARS"), ask("release", LAB), HERE)).allowed


async def test_who_is_denied_a_thing_does_not_approve_it_either() -> None:
    barred = TWO + '\n[[policy.deny]]\nname = "pia"\nwho = ["U0PIA"]\ncommands = ["release"]\n'
    it = policy(barred)
    assert not (await it.may_decide(person("U0PIA"), ask("release", PROD), "U0NINA", CARDS)).allowed
    assert (await it.approvers(ask("release", PROD), "U0NINA")).people == {"U0PAUL", "U0OLGA"}
    assert (await it.may_decide(person("U0PIA"), ask("delete", PROD), "U0NINA", CARDS)).allowed


async def test_how_many_and_whom_to_call() -> None:
    found = await policy(TWO).approvers(ask("release", PROD), "U0NINA")
    assert (found.needed, found.people, found.mentions, found.missing) == (2, GROUPS["S0PROD"], ("S0PROD",), "")
    # The requester is in the group: the others are called through it all the same.
    found = await policy(TWO).approvers(ask("release", PROD), "U0OLGA")
    assert (found.people, found.mentions) == ({"U0PAUL", "U0PIA"}, ("S0PROD",))


async def test_machines_of_different_approvers_need_people_who_approve_both() -> None:
    lab = '\n[[policy.approve]]\nname = "lab"\nwho = ["S0LAB"]\ncommands = ["*"]\npools = ["lab"]\n'
    it = policy(TWO + lab)
    both = ask("release", LAB, PROD)
    found = await it.approvers(both, "U0NINA")
    assert (found.needed, found.people) == (2, {"U0PIA"})
    assert "only 1 person could approve it" in found.missing
    assert "ask for them one by one" in found.missing
    assert (await it.may_decide(person("U0PIA"), both, "U0NINA", CARDS)).allowed
    for user_id in ("U0PAUL", "U0LARS"):
        assert not (await it.may_decide(person(user_id), both, "U0NINA", CARDS)).allowed
    # The same without knowing which machine is in which pool.
    together = Ask("release", Risk.DESTRUCTIVE, "default", frozenset({"lab", "prod"}))
    assert (await it.approvers(together, "U0NINA")).people == {"U0PIA"}


@pytest.mark.parametrize(
    ("text", "approvers", "says"),
    [
        ("", "", "This needs 1 approval, and nobody could approve it: MAASBOT_APPROVERS names nobody."),
        ("", "U0OLGA", "names U0OLGA, and you can't approve what you asked for yourself."),
        ("", "S0GONE", "Slack did not say who is in S0GONE: Slack did not answer."),
        (TWO.replace("S0PROD", "S0LAB"), "", ""),
        (TWO.replace("S0PROD", "S0NONE"), "U0ANDY U0EVE", "needs 2 approvals, and nobody could"),
        (TWO + 'hours = "Sat 8:00-9:00 UTC"', "U0ANDY U0EVE", "holds only Sat 8:00-9:00 UTC"),
        (
            TWO
            + '\n[[policy.deny]]\nname = "freeze"\nwho = ["everyone"]\ncommands = ["*"]\nhours = "Wed 8:00-18:00 UTC"',
            "",
            'rule "freeze" forbids it',
        ),
        (
            TWO + '\n[[policy.deny]]\nname = "barred"\nwho = ["S0GONE"]\ncommands = ["*"]\nrisks = ["destructive"]',
            "",
            "Slack did not say who is in S0GONE",
        ),
    ],
)
async def test_what_is_missing(text: str, approvers: str, says: str) -> None:
    found = await policy(text, approvers=approvers).approvers(ask("release", PROD), "U0OLGA")
    assert says in found.missing
    assert bool(found.missing) is (len(found.people) < found.needed)


async def test_people_whom_the_bot_does_not_serve_are_not_counted() -> None:
    async def identify(user_id: str) -> Identity | None:
        if user_id == "U0EVE":
            return None
        return person(user_id, standing=Standing.GONE if user_id == "U0ANDY" else Standing.MEMBER)

    it = replace(policy(approvers="U0ANDY U0EVE"), identify=identify)
    found = await it.approvers(ask("release", LAB), "U0OLGA")
    assert (found.people, found.mentions) == (frozenset(), ())
    assert "U0ANDY: this account is deactivated; U0EVE: Slack did not say who this is" in found.missing
    found = await replace(it, roles=policy(approvers="U0ANDY U0MAX").roles).approvers(ask("release", LAB), "U0OLGA")
    assert (found.people, found.mentions, found.missing) == ({"U0MAX"}, ("U0MAX",), "")


async def test_breaking_the_glass() -> None:
    it = policy(GLASS, operators="U0OLGA U0ADAM", admins="U0ADAM")
    assert (await it.may_break_glass(person("U0OLGA"), ask("release", PROD), HERE)).allowed
    assert it.break_glass_lasts is not None
    assert it.break_glass_lasts.total_seconds() == 1800
    cases = {
        (person("U0OLGA"), "delete"): "[policy.break_glass] does not give you this",
        (person("U0ADAM"), "release"): "[policy.break_glass] does not give you this",
        (person("U0NINA"), "release"): "needs the role operator",
    }
    for (who, command), says in cases.items():
        decision = await it.may_break_glass(who, ask(command, PROD), HERE)
        assert not decision.allowed
        assert says in decision.reason


async def test_the_glass_is_off_by_default_and_does_not_break_denials() -> None:
    off = policy(operators="U0OLGA", admins="U0OLGA")
    assert "break-glass is off" in (await off.may_break_glass(person(), ask("release", PROD), HERE)).reason
    assert off.break_glass_lasts is None
    barred = GLASS + '\n[[policy.deny]]\nname = "freeze"\nwho = ["everyone"]\ncommands = ["release"]\n'
    decision = await policy(barred, operators="U0OLGA").may_break_glass(person(), ask("release", PROD), HERE)
    assert not decision.allowed
    assert 'rule "freeze"' in decision.reason


async def test_the_glass_asks_slack_anew_and_fails_closed() -> None:
    it = policy(GLASS.replace('"U0OLGA", ', ""), operators="U0OLGA")
    assert (await it.may_break_glass(person(), ask("release", PROD), HERE)).allowed
    emptied = replace(it, fresh_members=members_of({"S0NIGHT": frozenset()}))
    assert not (await emptied.may_break_glass(person(), ask("release", PROD), HERE)).allowed
    silent = replace(it, fresh_members=members_of({}))
    assert "Slack did not say" in (await silent.may_break_glass(person(), ask("release", PROD), HERE)).reason
