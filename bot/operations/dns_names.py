"""Names in MAAS's DNS: addresses and records of other types, made and removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.maas.dns_data import label_fault
from bot.maas.errors import BadRequest, NotFound
from bot.maas.models_network import DnsResource, Domain
from bot.maas.service import RegionService
from bot.operations.network_steps import LOCKS
from bot.operations.plan import Plan
from bot.operations.static_routes import not_made
from bot.operations.step_plans import PlannedStep, plan_nothing, plan_steps
from bot.operations.steps import OperationStep, StepContext, StepKind
from bot.policy import Risk


class MakeName(OperationStep):
    """A name in MAAS's DNS that points to an address afterwards."""

    key, title = "name", "Name"

    async def check(self, context: StepContext) -> str | None:
        """It points there."""
        fqdn, ip = context.options["fqdn"], context.options["ip"]
        for one in await context.region.api.dns_resources():
            if one.fqdn.lower() == fqdn and any(address.ip == ip for address in one.addresses):
                return f"points to {ip}"
        return None

    async def apply(self, context: StepContext) -> None:
        """Make it."""
        try:
            await context.region.api.create_dns_name(context.options["fqdn"], context.options["ip"])
        except BadRequest as error:
            if await self.check(context) is None:
                raise not_made(f"the name {context.options['fqdn']}", error) from None


class MakeRecord(OperationStep):
    """A record other than an address that a name has afterwards."""

    key, title = "record", "Record"

    async def check(self, context: StepContext) -> str | None:
        """The name has it."""
        wanted = context.options
        for one in await context.region.api.dns_records():
            if (one.fqdn.lower(), one.rrtype, one.rrdata) == (wanted["fqdn"], wanted["type"], wanted["data"]):
                return f"{one.rrtype} {one.rrdata}"
        return None

    async def apply(self, context: StepContext) -> None:
        """Make it."""
        wanted = context.options
        try:
            await context.region.api.create_dns_record(wanted["fqdn"], wanted["type"], wanted["data"])
        except BadRequest as error:
            if await self.check(context) is None:
                raise not_made(f"the {wanted['type']} record of {wanted['fqdn']}", error) from None


class RemoveName(OperationStep):
    """A name that is gone afterwards."""

    key, title = "name", "Name"

    async def check(self, context: StepContext) -> str | None:
        """It is not there."""
        names = await context.region.api.dns_resources()
        return None if any(one.id == context.options["id"] for one in names) else "removed"

    async def apply(self, context: StepContext) -> None:
        """Remove it."""
        try:
            await context.region.api.delete_dns_name(context.options["id"])
        except NotFound:
            return


class NameAdding(StepKind):
    """The kind `dns-add`; options: `fqdn` in small letters, and `ip`, or `type` and `data` of another record."""

    name = "dns-add"
    verb, participle, past = "Add", "Adding", "Added"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """One."""
        return (MakeRecord(),) if "type" in options else (MakeName(),)

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look whether MAAS answers for its domain, and whether it is free."""
        fqdn = options["fqdn"]
        record = f"{options['type']} {options['data']}" if "type" in options else ""
        domains = await region.api.domains()
        taken = [one for one in await region.api.dns_resources(everything=True) if one.fqdn.lower() == fqdn]
        reason = _no_domain(fqdn, options.get("type", ""), domains) or _clash(taken, record)
        if reason:
            return plan_nothing(self, region.name, options, fqdn, reason, LOCKS)
        now = f"{_points_to(taken)}, which stays" if taken else "none"
        return plan_steps(
            self,
            region.name,
            options,
            [PlannedStep(self.steps(options)[0], now, record or f"points to {options['ip']}")],
            title=f"Add {fqdn}",
            subject=fqdn,
            locks=LOCKS,
            happens=(f"Whoever asks MAAS's DNS gets this {'record' if record else 'address'}.",),
        )


class NameRemoving(StepKind):
    """The kind `dns-remove`; options: `id`, `fqdn`."""

    name = "dns-remove"
    verb, participle, past = "Remove", "Removing", "Removed"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """One."""
        del options
        return (RemoveName(),)

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look whether it is still there, and what it points to."""
        fqdn = options["fqdn"]
        found = [one for one in await region.api.dns_resources() if one.id == options["id"]]
        if not found:
            return plan_nothing(self, region.name, options, fqdn, "it is no longer in MAAS", LOCKS)
        return plan_steps(
            self,
            region.name,
            options,
            [PlannedStep(self.steps(options)[0], f"points to {_points_to(found)}", "removed")],
            title=f"Remove {fqdn}",
            subject=fqdn,
            locks=LOCKS,
            risk=Risk.DESTRUCTIVE,
            losses=(f"Whoever uses the name {fqdn} no longer reaches {_points_to(found)} by it.",),
        )


def _no_domain(fqdn: str, rrtype: str, domains: Sequence[Domain]) -> str:
    """Why MAAS does not answer for this name; "" when it does."""
    ours = [one for one in domains if f".{fqdn}".endswith(f".{one.name.lower()}")]
    domain = max(ours, key=lambda one: len(one.name), default=None)
    if domain is None:
        return f"MAAS has no such domain; it has {', '.join(one.name for one in domains[:8])}"
    if not domain.authoritative:
        return f"another server answers for {domain.name}"
    return label_fault(fqdn.removesuffix(domain.name.lower()).rstrip("."), rrtype, domain.name)


def _clash(taken: Sequence[DnsResource], record: str) -> str:
    """Why a name that is there can't have this as well: an address only where nothing is, a CNAME alone."""
    if not taken:
        return ""
    has = _points_to(taken)
    if not record:
        return f"it points to {has} already; remove it first, or take another name"
    types = {one.rrtype for name in taken for one in name.records}
    if record in {f"{one.rrtype} {one.rrdata}" for name in taken for one in name.records}:
        return f"it has {record} already"
    if record.startswith("CNAME ") or "CNAME" in types:
        return f"a name with a CNAME has nothing else, and it has {has}; remove it first, or take another name"
    return ""


def _points_to(names: Sequence[DnsResource]) -> str:
    targets = [address.ip for one in names for address in one.addresses]
    for record in (record for one in names for record in one.records):
        plain = record.rrtype in {"A", "AAAA"}
        targets.append(record.rrdata if plain else f"{record.rrtype} {record.rrdata}")
    shown = list(dict.fromkeys(targets))
    return ", ".join(shown[:4]) + (f" and {len(shown) - 4} more" if len(shown) > 4 else "") or "nothing"
