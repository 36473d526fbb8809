"""Setting a region up, from its name to machines that can boot. Each step looks first; only what differs is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.maas.images import images_of, missing, wanted_of
from bot.maas.models_images import Selection
from bot.maas.network_picture import read_network
from bot.maas.public_keys import fingerprint_of, kind_and_fingerprint
from bot.maas.service import RegionService
from bot.operations import dhcp, image_steps, network_steps, region_settings
from bot.operations.dhcp_choice import NoDhcp, choose_dhcp
from bot.operations.image_import import Import
from bot.operations.plan import LeftOut, Plan
from bot.operations.region_settings import ConfigStep, is_same, told
from bot.operations.releases import UBUNTU, doubts
from bot.operations.setup_steps import (
    Archive,
    SelectReleases,
    archive_url,
    selections,
    told_selections,
    told_wanted,
    unselected,
)
from bot.operations.ssh_keys import AddKey, ImportKeys, comes_from
from bot.operations.step_plans import PlannedStep, no_administrator, plan_nothing, plan_steps
from bot.operations.steps import OperationStep, StepKind

LOCKS = ("setup", *network_steps.LOCKS, *region_settings.LOCKS, "images", "sshkeys")
#: Settings that MAAS checks against the images that it has: they come after the import.
AFTER_IMAGES = ("default_osystem", "default_distro_series", "commissioning_distro_series", "default_min_hwe_kernel")
_INTRO = "completed_intro"


@dataclass(frozen=True, slots=True)
class Looked:
    """One step as it was found: how it is, what it would be, and whether there is something to do."""

    step: OperationStep
    today: str
    wanted: str
    differs: bool


class SettingUp(StepKind):
    """The kind `setup`. Its options are those of `wish_options`: what is not wished for is not among its steps."""

    name = "setup"
    verb, participle, past = "Set up", "Setting up", "Set up"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """All that is wished for, in the order in which one rests on the other."""
        settings: Mapping[str, str] = options["settings"]
        steps: list[OperationStep] = []
        if options["name"]:
            steps.append(ConfigStep("maas_name", options["name"], "Region name", "name"))
        if options["upstream_dns"]:
            steps.append(ConfigStep("upstream_dns", options["upstream_dns"], "Upstream DNS", "dns"))
        steps += [Archive(name, options[name]) for name in ("main_archive", "ports_archive") if options[name]]
        steps += [ConfigStep(name, value) for name, value in settings.items() if name not in AFTER_IMAGES]
        if options["releases"]:
            steps.append(SelectReleases(options["releases"], options["architectures"]))
        steps += [AddKey(line, f"key-{number}") for number, line in enumerate(options["ssh_keys"], 1)]
        steps += [ImportKeys(source, f"import-{source}") for source in options["ssh_import"]]
        if options["import_images"]:
            steps.append(Import())
        steps += [ConfigStep(name, settings[name]) for name in AFTER_IMAGES if name in settings]
        if options["dhcp"]:
            steps += dhcp.dhcp_steps(options["dhcp"])
        if options["complete_intro"]:
            steps.append(ConfigStep(_INTRO, "true", "Introduction of MAAS's pages completed", "intro"))
        if options["import_images"]:
            steps.append(image_steps.Ready())
        return tuple(steps)

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look at all of it, and plan what differs."""
        subject = f"region {region.name}"
        if (why := await no_administrator(region)) is not None:
            return plan_nothing(self, region.name, options, subject, why, LOCKS)
        found = await look(region, options)
        if isinstance(found, str):
            return plan_nothing(self, region.name, options, subject, found, LOCKS)
        looked, warnings = found
        todo = [one for one in looked if one.differs]
        done = [LeftOut(one.step.title, f"is {one.today} already") for one in looked if not one.differs]
        if not any(one.step.key != "ready" for one in todo):
            reason = "everything that you wish for is so already" if looked else "nothing is wished for"
            return plan_nothing(self, region.name, options, subject, reason, LOCKS)
        importing = any(one.step.key == "import" for one in todo)
        return plan_steps(
            self,
            region.name,
            options,
            [PlannedStep(one.step, one.today, one.wanted) for one in todo],
            title=f"Set up {subject}",
            subject=subject,
            locks=LOCKS,
            happens=(
                "One step after the other; each looks first, so that it can be left and taken up again with retry.",
                *(("The import of images can take from minutes to hours; its row shows how far it is.",) * importing),
            ),
            left_out=done,
            warnings=warnings,
        )


def nothing_wished() -> dict[str, Any]:
    """Options of a set-up that wishes for nothing."""
    return {
        "name": "",
        "upstream_dns": "",
        "main_archive": "",
        "ports_archive": "",
        "settings": {},
        "releases": [],
        "architectures": [],
        "ssh_keys": [],
        "ssh_import": [],
        "import_images": False,
        "dhcp": {},
        "complete_intro": False,
    }


async def look(region: RegionService, options: Mapping[str, Any]) -> tuple[list[Looked], tuple[str, ...]] | str:
    """How each step is found, and what to warn of; a text says why a step can't be at all. Raises MaasError."""
    found: list[Looked] = []
    selected = await selections(region.api) if options["releases"] or options["import_images"] else []
    keys = await region.api.ssh_keys() if options["ssh_keys"] or options["ssh_import"] else []
    warnings = doubts(options["releases"], [one.release for one in selected if one.os == UBUNTU])
    fingerprints = {fingerprint_of(one.key) for one in keys}
    planned_dhcp: dict[str, PlannedStep] = {}
    if options["dhcp"]:
        planned = await _look_at_dhcp(region, options["dhcp"])
        if isinstance(planned, str):
            return planned
        planned_dhcp, more = planned
        if any(one.today != one.wanted for one in planned_dhcp.values()):
            warnings += more
    for step in SettingUp().steps(options):
        if isinstance(step, ConfigStep):
            today = await region.api.get_config(step.name)
            wanted = told(step.value == "true" if isinstance(today, bool) else step.value, step.name)
            found.append(Looked(step, told(today, step.name), wanted, not is_same(step.name, today, step.value)))
        elif isinstance(step, Archive):
            url = await archive_url(region.api, step.key)
            found.append(Looked(step, url or "not set", options[step.key], url != options[step.key]))
        elif isinstance(step, SelectReleases):
            lacking = unselected(selected, options["releases"], options["architectures"])
            wanted = told_wanted(selected, options["releases"], options["architectures"])
            found.append(Looked(step, told_selections(selected), wanted, bool(lacking)))
        elif isinstance(step, AddKey):
            there = fingerprint_of(step.line) in fingerprints
            key = kind_and_fingerprint(step.line)
            found.append(Looked(step, key if there else "not there", key, not there))
        elif isinstance(step, ImportKeys):
            there = any(comes_from(one, step.source) for one in keys)
            found.append(Looked(step, "imported" if there else "not imported", "imported", not there))
        elif isinstance(step, Import):
            found.append(await _look_at_images(region, options, selected, step))
        elif step.key in planned_dhcp:
            one = planned_dhcp[step.key]
            found.append(Looked(step, one.today, one.wanted, differs=one.today != one.wanted))
        else:
            found.append(Looked(step, "not looked at yet", "machines can boot over the network", differs=True))
    return found, warnings


async def _look_at_dhcp(
    region: RegionService, options: Mapping[str, Any]
) -> tuple[dict[str, PlannedStep], tuple[str, ...]] | str:
    picture = await read_network(region.api)
    subnet = next((one for one in picture.subnets if one.id == options["subnet"]), None)
    if subnet is None:
        return "the subnet for DHCP is no longer in MAAS"
    try:
        choice = await choose_dhcp(region.api, picture, subnet, options["range"], options["rack"])
    except NoDhcp as reason:
        return f"DHCP can't be enabled: {reason}"
    todo = {one.step.key: one for one in dhcp.planned_dhcp(choice, options)}
    make, switch = dhcp.dhcp_steps(options)
    span, on = network_steps.told_range(choice.range), f"on, served by {choice.rack.hostname}"
    steps = {
        make.key: todo.get(make.key, PlannedStep(make, span, span)),
        switch.key: todo.get(switch.key, PlannedStep(switch, on, on)),
    }
    return steps, choice.warnings


async def _look_at_images(
    region: RegionService, options: Mapping[str, Any], selected: Sequence[Selection], step: OperationStep
) -> Looked:
    state = await region.imports.look()
    lacking = missing(wanted_of(selected), images_of(state.images.resources))
    more = unselected(selected, options["releases"], options["architectures"])
    differs = bool(lacking or more) or not selected
    return Looked(step, "not complete" if differs else "complete", "complete", differs)
