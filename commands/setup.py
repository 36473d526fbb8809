"""Setting a fresh region up: by a form, or by a TOML file that can be kept and used again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from bot.command.beside import UnreadableError
from bot.command.context import Context, RefusalError
from bot.command.declaration import command
from bot.command.sheet import Blank, Sheet, SheetWanted
from bot.maas.network_picture import NetworkPicture, SubnetUnclear, read_network, vlan_name
from bot.message import Bold, Code, Log, Message, Note, Paragraph, Part, say
from bot.operations.dhcp import choice_options
from bot.operations.dhcp_choice import NoDhcp, candidates, choose_dhcp
from bot.operations.plan import Plan
from bot.operations.plan_view import plan_parts
from bot.operations.region_settings import fitting, nearest, setting_names
from bot.operations.setting_up import nothing_wished
from bot.operations.setup_steps import archive_url, selections
from bot.operations.setup_wish import SetupWish, WishFault, faults_of, make_wish, read_toml
from bot.policy import Risk

_LEAVE, _YES, _NO = "leave as it is", "yes", "no"
_FLAGS = ("import_images", "complete_intro")


def _from_form(filled: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {name: value for name, value in filled.items() if name not in _FLAGS}
    values.update({name: filled.get(name, _NO) == _YES for name in _FLAGS})
    subnet = filled.get("dhcp_subnet", _LEAVE)
    values["dhcp_subnet"] = "" if subnet == _LEAVE else subnet.partition(" ")[0]
    return values


def _faults(filled: Mapping[str, str]) -> Mapping[str, str]:
    return faults_of(_from_form(filled))


@command("setup", risk=Risk.CHANGE, example="/maas setup", faults=_faults)
async def setup(ctx: Context, *, plan_: bool = False) -> Message | Plan:
    """Set a region up: name, DNS, archives, releases, SSH keys, images, DHCP. Only what differs is changed.

    Alone it opens a form with the values of today. With a TOML file attached to a mention (`@maas setup`), or with TOML
    between three backticks, that is what is wished for; a part that is not in it stays as it is. The plan shows each
    value of today and what it becomes. It can be left and taken up again with `retry`, and be run again at any time.

    Args:
        plan: only show what would be done; alone, show today's values as TOML to begin with
    """
    wish = await _wish(ctx)
    if wish is None:
        if plan_:
            return await _today_as_toml(ctx)
        raise SheetWanted(await _sheet(ctx))
    plan = await ctx.operations.plan("setup", ctx.region, await _options(ctx, wish))
    if plan_:
        return _shown(plan)
    if not plan.targets:
        raise RefusalError(_nothing(plan))
    return plan


async def _wish(ctx: Context) -> SetupWish | None:
    """What came beside the words; None when nothing did."""
    try:
        if ctx.given.filled:
            filled = {name: value.get_secret_value() for name, value in ctx.given.filled.items()}
            return make_wish(_from_form(filled))
        text = await ctx.given.text("toml")
        if text is None and ctx.given.earlier is not None:
            text = await ctx.given.earlier(".toml")
        return read_toml(text.get_secret_value()) if text is not None else None
    except WishFault as fault:
        raise RefusalError(say(f"This can't be set up: {fault}. Nothing was done.")) from None
    except UnreadableError as error:
        raise RefusalError(say(f"{error} Nothing was done.")) from None


async def _options(ctx: Context, wish: SetupWish) -> dict[str, Any]:
    """The wish as options of the operation, with the range and the rack that were chosen for it.

    Raises:
        RefusalError: no such setting or subnet, or DHCP can't be.
    """
    api = ctx.region.api
    options = nothing_wished() | {
        "name": wish.name,
        "upstream_dns": wish.upstream_dns,
        "main_archive": wish.main_archive,
        "ports_archive": wish.ports_archive,
        "releases": list(wish.releases),
        "architectures": list(wish.architectures),
        "ssh_keys": list(wish.ssh_keys),
        "ssh_import": list(wish.ssh_import),
        "import_images": wish.import_images,
        "complete_intro": wish.complete_intro,
    }
    if wish.settings:
        names = await setting_names(api)
        for name, value in wish.settings.items():
            if name not in names:
                near = nearest(name, names)
                hint = f"Did you mean {near[0]}? " if near else ""
                raise RefusalError(
                    say(f"There is no setting {name[:60]}. {hint}", Code("/maas config get"),
                        " lists all. Nothing was done.")
                )  # fmt: skip
            try:
                options["settings"] = {**options["settings"], name: fitting(name, await api.get_config(name), value)}
            except ValueError as error:
                raise RefusalError(say(f"{error}. Nothing was done.")) from None
    if wish.dhcp_subnet:
        picture = await read_network(api)
        try:
            subnet = picture.subnet(wish.dhcp_subnet)
            choice = await choose_dhcp(api, picture, subnet, wish.dhcp_range, wish.dhcp_rack)
        except (NoDhcp, SubnetUnclear) as reason:
            raise RefusalError(say(f"DHCP can't be enabled: {reason}. Nothing was done.")) from None
        options["dhcp"] = choice_options(choice)
    return options


def _shown(plan: Plan) -> Message:
    if not plan.targets:
        return _nothing(plan)
    head = f"What setup would do to {plan.subject}"
    parts: list[Part] = [Paragraph([Bold(head)]), *plan_parts(plan), Note(["Nothing was done."])]
    return Message(f"{head}: {len(plan.targets)} steps. Nothing was done.", tuple(parts))


def _nothing(plan: Plan) -> Message:
    return say(f"Nothing was done: {plan.left_out[-1].reason}.")


# -- the values of today ----------------------------------------------------------------------------------------------


async def _today(ctx: Context) -> tuple[dict[str, str], NetworkPicture, bool]:
    """The values of today as texts, the network, and whether the introduction was completed."""
    api = ctx.region.api
    name, dns, intro, main, ports, selected, picture = await asyncio.gather(
        api.get_config("maas_name"),
        api.get_config("upstream_dns"),
        api.get_config("completed_intro"),
        archive_url(api, "main_archive"),
        archive_url(api, "ports_archive"),
        selections(api),
        read_network(api),
    )
    ubuntu = [one for one in selected if one.os == "ubuntu"]
    arches = sorted({arch for one in ubuntu for arch in one.arches if arch != "*"})
    values = {
        "name": str(name or ""),
        "upstream_dns": str(dns or ""),
        "main_archive": main,
        "ports_archive": ports,
        "releases": " ".join(sorted({one.release for one in ubuntu})),
        "architectures": " ".join(arches) if ubuntu else "",
    }
    return values, picture, bool(intro)


async def _sheet(ctx: Context) -> Sheet:
    values, picture, intro = await _today(ctx)
    keys = await ctx.region.api.ssh_keys()
    many = "no SSH key yet: nobody could log in" if not keys else f"{len(keys)} SSH keys"
    on = [vlan_name(vlan) for vlan in picture.vlans if vlan.dhcp_on]
    served = f"DHCP is on for {', '.join(on[:3])}" if on else "DHCP is off"
    free = candidates(picture)
    choices = [_LEAVE, *(f"{one.cidr} on {vlan_name(one.vlan)}" for one in free[:50])]
    # The network behind a router is somebody's already; the one that only machines are on has no gateway.
    bare = [choice for choice, one in zip(choices[1:], free, strict=False) if not one.gateway_ip]
    blanks = [
        Blank("name", "Region name", initial=values["name"], optional=True),
        Blank(
            "upstream_dns",
            "DNS servers for what MAAS does not know",
            "Addresses, like 8.8.8.8 1.1.1.1",
            initial=values["upstream_dns"],
            optional=True,
        ),
        Blank("main_archive", "Ubuntu archive", initial=values["main_archive"], optional=True),
        Blank("ports_archive", "Archive of extra architectures", initial=values["ports_archive"], optional=True),
        Blank(
            "releases",
            "Releases",
            "Ubuntu releases that machines get, like focal jammy. What is selected already stays.",
            initial=values["releases"],
            optional=True,
        ),
        Blank("architectures", "Architectures", "Like amd64 arm64", initial=values["architectures"], optional=True),
        Blank(
            "ssh_keys",
            "SSH public keys",
            f"One a line; there is {many}. /maas sshkeys generate makes a new one.",
            optional=True,
            lines=True,
            most=2900,
        ),
        Blank("ssh_import", "Import SSH keys of", "lp:NAME (Launchpad) or gh:NAME (GitHub)", optional=True),
        Blank(
            "dhcp_subnet",
            "Give addresses (DHCP) in",
            f"{served}. Choose the network of the machines, never the one of an office or a router.",
            choices,
            initial=bare[0] if len(bare) == 1 and not on else _LEAVE,
        ),
        Blank("dhcp_range", "Addresses to give", "Like 10.0.0.100-10.0.0.200; empty: proposed", optional=True),
        Blank("import_images", "Import images", choices=[_YES, _NO], initial=_YES),
        Blank(
            "complete_intro",
            "Skip the introduction of MAAS's own pages",
            "" if not intro else "It is skipped already.",
            [_YES, _NO],
            initial=_YES,
        ),
    ]
    why = f"Set up region {ctx.region.name}: the form shows today's values; change what you want changed. {served}."
    note = "The plan shows here what you have filled in; nothing is done before you confirm it."
    return Sheet("Set up MAAS", why, blanks, note)


async def _today_as_toml(ctx: Context) -> Message:
    values, picture, intro = await _today(ctx)
    lines = [
        f"{name} = {_quoted(value)}" for name, value in values.items() if name not in {"releases", "architectures"}
    ]
    lines += [
        f"{name} = [{', '.join(_quoted(one) for one in values[name].split())}]"
        for name in ("releases", "architectures")
        if values[name]
    ]
    lines += ['# ssh_keys = ["ssh-ed25519 …"]', '# ssh_import = ["lp:NAME"]', "", "# [dhcp]"]
    lines += [f'# subnet = "{one.cidr}"   # {vlan_name(one.vlan)}' for one in picture.subnets[:10]]
    head = f"Region {ctx.region.name} today"
    more = "" if intro else " The introduction of MAAS's own pages was not completed yet."
    parts = (
        Paragraph([Bold(head), more]),
        Log("setup.toml", "\n".join(lines)),
        Note(["Change it, and attach it to a message with ", Code("@maas setup"), "."]),
    )
    return Message(f"{head}: {values['name']}.", parts)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
