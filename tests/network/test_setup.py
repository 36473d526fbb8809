"""`setup`, from an empty region to machines that can boot: by form, by file, again, through trouble."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sandbox.slack import Message, View
from tests.endtoend.steps import buttons
from tests.kinds.steps import BOTH, CONFIRM, refused, said
from tests.network.wishes import KEY, WHOLE
from tests.support.harness import OLGA, OPS, VICTOR, Running, running, until

STEPS = [
    "Region name", "Upstream DNS", "Ubuntu archive", "Archive of extra architectures", "ntp_servers", "Releases",
    "SSH key bot@test", "Keys of olga on Launchpad", "Import", "commissioning_distro_series", "Dynamic range",
    "DHCP on fabric-1 untagged", "Introduction of MAAS's pages completed", "Ready for PXE",
]  # fmt: skip


async def with_toml(it: Running, toml: str, words: str = "setup") -> Message:
    """Mention the bot with TOML between backticks, and read its answer."""
    return await it.talk.mention(f"{words} ```{toml}```")


def as_it_is(it: Running) -> dict[str, Any]:
    """What of the region WHOLE has a wish for."""
    world = it.world.region.world
    network = world.network
    vlan = next(network.vlans[one.vlan] for one in network.subnets.values() if one.cidr == "10.98.0.0/24")
    names = ("maas_name", "upstream_dns", "ntp_servers", "completed_intro", "commissioning_distro_series")
    return {
        **{name: world.settings[name] for name in names},
        "archives": {one["url"] for one in world.repositories},
        "keys": len(world.sshkeys),
        "ranges": [(one.start_ip, one.end_ip) for one in network.ranges.values()],
        "dhcp": vlan.dhcp_on,
        "images": {one.name: one.complete for one in world.images.resources.values()},
    }


AS_WISHED = {
    "maas_name": "lab",
    "upstream_dns": "8.8.8.8",
    "ntp_servers": "ntp.example",
    "completed_intro": True,
    "commissioning_distro_series": "jammy",
    "archives": {"http://mirror.example/ubuntu", "http://mirror.example/ports"},
    "keys": 2,
    "ranges": [("10.98.0.191", "10.98.0.254")],
    "dhcp": True,
    "images": {"ubuntu/focal": True, "ubuntu/jammy": True},
}


@pytest.mark.parametrize("version", BOTH)
async def test_from_a_file_to_pxe_and_again(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version, fresh=True) as it:
        shown = said(await with_toml(it, WHOLE, "setup --plan"))
        assert "What setup would do" in shown and "Nothing was done" in shown and not it.world.region.world.sshkeys
        plan = await with_toml(it, WHOLE)
        text = " ".join(said(plan).split())
        for part in (
            "Set up region default?",
            "Region name : maas-region → lab",
            "Upstream DNS : not set → 8.8.8.8",
            "Releases : focal (amd64) → focal (amd64), jammy (amd64)",
            "Dynamic range : none → 10.98.0.191 - 10.98.0.254 (64 addresses)",
            "Introduction of MAAS's pages completed : no → yes",
        ):
            assert part in text, (part, text)
        assert [text.index(f"{step} :") for step in STEPS] == sorted(text.index(f"{step} :") for step in STEPS)
        await it.talk.click(plan, CONFIRM)
        text = await it.talk.reads(plan, "Set up region default", "all 14 steps done", timeout=60)
        assert "ubuntu/jammy amd64 can be booted" in text
        assert as_it_is(it) == AS_WISHED
        assert "everything that you wish for is so already" in said(await with_toml(it, WHOLE))
        # what is changed by hand is found, and that alone is done
        it.world.region.world.settings["upstream_dns"] = "9.9.9.9"
        plan = await with_toml(it, WHOLE)
        text = " ".join(said(plan).split())
        assert "Upstream DNS : 9.9.9.9 → 8.8.8.8" in text and "Region name : is lab already" in text
        await it.talk.click(plan, CONFIRM)
        await it.talk.reads(plan, "Set up region default: all 2 steps done")
        assert as_it_is(it) == AS_WISHED


async def opened(it: Running) -> View:
    """The form behind `/maas setup`."""
    answer = await it.talk.ask("setup")
    assert "the form shows today's values" in said(answer)
    element = buttons(answer.blocks)["sheet.open"]
    await it.world.workspace.click(
        OLGA, answer.ref, element["action_id"], block_id=element["block_id"], value=element["value"]
    )
    found: list[View] = await until(lambda: it.world.workspace.views(OLGA), what="the form")
    return found[-1]


def filled(view: View, **changes: str) -> dict[str, dict[str, Any]]:
    """The values of a form as they stand there, with some changed."""
    values: dict[str, dict[str, Any]] = {}
    for block in view.blocks:
        name, element = block["block_id"], block["element"]
        option = element.get("initial_option") or {}
        value = changes.get(name, element.get("initial_value") or option.get("value") or "")
        values[name] = {element["action_id"]: value}
    return values


async def test_from_the_form(tmp_path: Path) -> None:
    async with running(tmp_path, fresh=True) as it:
        view = await opened(it)
        now = {name: next(iter(actions.values())) for name, actions in filled(view).items()}
        assert now["name"] == "maas-region" and now["releases"] == "focal" and now["architectures"] == "amd64"
        # the one network without a gateway that a rack reaches is proposed, and no other
        assert now["dhcp_subnet"] == "10.98.0.0/24 on fabric-1 untagged"
        outcome = await it.world.workspace.submit_view(
            OLGA, view.id, filled(view, upstream_dns="8.8.8.8 banana", ssh_import="olga", dhcp_range="9-1")
        )
        assert outcome.errors is not None
        assert outcome.errors.keys() == {"upstream_dns", "ssh_import", "dhcp_range"}
        assert "banana in upstream_dns is no IP address" in outcome.errors["upstream_dns"]
        outcome = await it.world.workspace.submit_view(
            OLGA, view.id, filled(view, name="lab", upstream_dns="8.8.8.8", ssh_keys=KEY)
        )
        assert not outcome.errors, outcome.errors
        plan = await until(
            lambda: next(
                (one for one in it.world.workspace.messages(OPS, OLGA) if "Set up region default?" in one.text), None
            )
        )
        await it.talk.click(plan, CONFIRM)
        await it.talk.reads(plan, "Set up region default", "ubuntu/focal amd64 can be booted", timeout=60)
        assert it.world.region.world.settings["maas_name"] == "lab"
        view = await opened(it)
        now = {name: next(iter(actions.values())) for name, actions in filled(view).items()}
        assert now["name"] == "lab" and now["upstream_dns"] == "8.8.8.8" and now["dhcp_subnet"] == "leave as it is"


async def test_bad_wishes_are_told_and_nothing_is_done(tmp_path: Path) -> None:
    async with running(tmp_path, fresh=True) as it:
        before = (dict(it.world.region.world.settings), it.world.region.world.network.dump())
        for toml, part in (
            ("nmae = 'lab'", "nmae means nothing here; did you mean name?"),
            ("<html>no such file</html>", "this is a web page"),
            ("[dhcp]\nsubnet = '10.1.0.0/24'", "there is no subnet 10.1.0.0/24"),
            ("[dhcp]\nsubnet = '10.98.0.0/24'\nrange = '10.98.0.1-10.98.0.9'", "10.98.0.1 (assigned)"),
            ("[dhcp]\nsubnet = '10.98.0.0/24'\nrange = '10.98.0.9-10.98.0.1'", "comes after"),
            ("[dhcp]\nsubnet = '10.98.0.0/24'\nrange = '10.99.0.9-10.99.0.19'", "outside of 10.98.0.0/24"),
            ("[dhcp]\nsubnet = '10.99.0.0/24'\nrange = '10.99.0.1-10.99.0.1'", "holds the gateway 10.99.0.1"),
            ("[settings]\nntp_server = 'x'", "Did you mean ntp_servers?"),
            ("[settings]\nbanana = 1", "There is no setting banana. /maas config get lists all."),
            ("[settings]\nenable_analytics = 'maybe'", "is yes or no"),
            ("ssh_keys = ['-----BEGIN OPENSSH PRIVATE KEY-----']", "that is a private key"),
        ):
            text = said(await it.talk.ask(f"setup ```{toml}```"))
            assert part in text, (toml, text)
        assert (dict(it.world.region.world.settings), it.world.region.world.network.dump()) == before
        assert "setup" in await refused(it.talk, "setup --nope")
        answer = said(await it.talk.ask("setup --plan"))
        assert 'name = "maas-region"' in answer and 'releases = ["focal"]' in answer and "@maas setup" in answer
        await it.talk.ask("setup", user=VICTOR)
        assert "needs the role operator" in said(it.world.workspace.messages(OPS, VICTOR)[-1])


#: What each step orders of MAAS, in the order of the steps; the import is met twice: as it begins, and in its middle.
ORDERS: list[dict[str, str]] = [
    {"method": "POST", "path": "maas/"},
    {"method": "POST", "path": "maas/"},
    {"method": "PUT", "path": "package-repositories/*"},
    {"method": "PUT", "path": "package-repositories/*"},
    {"method": "POST", "path": "maas/"},
    {"method": "POST", "path": "boot-sources/*/selections/"},
    {"method": "POST", "path": "account/prefs/sshkeys/"},
    {"method": "POST", "path": "account/prefs/sshkeys/", "op": "import"},
    {"method": "POST", "path": "boot-resources/", "op": "import"},
    {"method": "POST", "path": "maas/"},
    {"method": "POST", "path": "ipranges/"},
    {"method": "PUT", "path": "fabrics/*"},
    {"method": "POST", "path": "maas/"},
]


async def restart_in_each_step(it: Running, fault: str) -> int:
    """Restart the region whenever an order of a step arrives: `fault` says whether the order was carried out."""
    region, met = it.world.region, 0

    async def restart() -> None:
        region.faults.set("down")
        region.imports.kill_region()
        await asyncio.sleep(0.3)
        region.faults.clear("down")

    for order in ORDERS:
        region.faults.set(fault, count=1, **order)
        await until(lambda: not region.faults.is_active(fault), 30, f"{fault} at {order}")
        await restart()
        met += 1
        if order.get("op") == "import" and order["path"] == "boot-resources/":

            def half_there() -> bool:
                return any(
                    0 < file.done < file.size for one in region.world.images.resources.values() for file in one.files
                )

            await until(half_there, 30, "an import in its middle")
            await restart()
    return met


@pytest.mark.long
@pytest.mark.parametrize("fault", ["reset", "reset-before"])
async def test_maas_is_restarted_in_the_middle_of_each_step(tmp_path: Path, fault: str) -> None:
    """With its answer lost, and with the order lost: each is done once, and the operation comes to its end."""
    async with running(tmp_path, fresh=True, speed=6.0) as it:
        plan = await with_toml(it, WHOLE)
        restarting = asyncio.ensure_future(restart_in_each_step(it, fault))
        await it.talk.click(plan, CONFIRM)
        try:
            await it.talk.reads(plan, "all 14 steps done", timeout=100)
        finally:
            met = restarting.done() and restarting.result()
            restarting.cancel()
        assert met == len(ORDERS)
        assert as_it_is(it) == AS_WISHED


async def test_a_failure_in_the_middle_is_mended_and_taken_up_again(tmp_path: Path) -> None:
    """A release that does not exist: MAAS's words, a near name, what was not begun; the bot is restarted meanwhile."""
    async with running(tmp_path, fresh=True) as it:
        plan = await with_toml(it, 'name = "lab"\nreleases = ["jamy"]\n[dhcp]\nsubnet = "10.98.0.0/24"')
        assert "I know no Ubuntu release jamy. Did you mean jammy?" in said(plan)
        await it.talk.click(plan, CONFIRM)
        text = await it.talk.reads(plan, "Releases failed", "not begun", timeout=40)
        assert "Import: Not begun" in text and it.world.region.world.settings["maas_name"] == "lab"
        replies = " ".join(said(one) for one in it.world.workspace.messages(OPS, OLGA, plan.thread_ts))
        assert "OS ubuntu with release jamy has no available images for download" in replies
        assert "Did you mean jammy?" in replies
        assert not next(iter(it.world.region.world.network.ranges.values()), None)
        plan = await with_toml(it, 'name = "lab"\nreleases = ["jammy"]')
        assert "Region name : is lab already" in " ".join(said(plan).split())
        await it.talk.click(plan, CONFIRM)
        await it.talk.reads(plan, "ubuntu/focal amd64 can be booted", timeout=60)


async def test_a_file_attached_or_shared_earlier_in_the_thread(tmp_path: Path) -> None:
    async with running(tmp_path, fresh=True) as it:
        talk, mine = it.talk.workspace, f"<@{it.world.workspace.app.bot_user_id}>"

        async def answer(text: str, thread: str | None = None, files: dict[str, bytes] | None = None) -> str:
            ts = await talk.say(OLGA, OPS, text, thread, files)
            root = thread or ts

            def newest() -> Message | None:
                replies = [one for one in talk.messages(OPS, OLGA, root) if one.bot_id and float(one.ts) > float(ts)]
                return replies[0] if replies else None

            return said(await until(newest, what=f"an answer to {text}"))

        toml = WHOLE.encode()
        assert "Region name : maas-region → lab" in " ".join(
            (await answer(f"{mine} setup", files={"setup.toml": toml})).split()
        )
        thread = await talk.say(OLGA, OPS, "the new region", None, {"lab.toml": b'name = "attic"'})
        await talk.say(OLGA, OPS, "or rather this", thread, {"lab.toml": b'name = "cellar"', "photo.png": b"\x89PNG"})
        await talk.say(OLGA, OPS, "elsewhere", None, {"other.toml": b'name = "other"'})
        assert "→ cellar" in await answer(f"{mine} setup", thread)
        bare = await talk.say(OLGA, OPS, "no file here")
        assert "the form shows today's values" in await answer(f"{mine} setup", bare)
        for files, part in (
            ({"a.toml": toml, "b.toml": toml}, "2 files came with the message"),
            ({"setup.toml": b"\xff\xfe\x00"}, "is no text in UTF-8"),
            ({"setup.toml": b"x" * 300_000}, "is too long"),
            ({"setup.toml": b"<!DOCTYPE html><html></html>"}, "this is a web page"),
        ):
            assert part in await answer(f"{mine} setup", files=files)
        it.world.workspace.app.scopes.discard("files:read")
        assert "can't be looked up" in await answer(f"{mine} setup", thread)
