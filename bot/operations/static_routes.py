"""Static routes: made and removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from bot.maas.errors import BadRequest, NotFound
from bot.maas.models_network import StaticRoute
from bot.maas.network_picture import network_in, read_network, subnet_name
from bot.maas.service import RegionService
from bot.operations.network_steps import LOCKS
from bot.operations.plan import Plan
from bot.operations.step_plans import PlannedStep, plan_nothing, plan_steps
from bot.operations.steps import OperationStep, StepContext, StepFailedError, StepKind

_LATER = "Machines that are deployed get it at their next deployment."


class MakeRoute(OperationStep):
    """A static route that is there afterwards."""

    key, title = "route", "Route"

    async def check(self, context: StepContext) -> str | None:
        """It is there: between these subnets, by this gateway."""
        found = _same(await context.region.api.static_routes(), context.options)
        return f"by {found.gateway_ip}, metric {found.metric}" if found is not None else None

    async def apply(self, context: StepContext) -> None:
        """Make it."""
        wanted = context.options
        try:
            await context.region.api.create_static_route(
                wanted["source_id"], wanted["destination_id"], wanted["gateway"], wanted["metric"]
            )
        except BadRequest as error:
            if await self.check(context) is None:
                raise not_made("the route", error) from None


class RemoveRoute(OperationStep):
    """A static route that is gone afterwards."""

    key, title = "route", "Route"

    async def check(self, context: StepContext) -> str | None:
        """It is not there."""
        routes = await context.region.api.static_routes()
        return None if any(one.id == context.options["id"] for one in routes) else "removed"

    async def apply(self, context: StepContext) -> None:
        """Remove it."""
        try:
            await context.region.api.delete_static_route(context.options["id"])
        except NotFound:
            return


class RouteAdding(StepKind):
    """The kind `routes-add`; options: `source_id`, `source`, `destination_id`, `destination`, `gateway`, `metric`."""

    name = "routes-add"
    verb, participle, past = "Add", "Adding", "Added"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """One."""
        del options
        return (MakeRoute(),)

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look whether it can be had."""
        picture = await read_network(region.api)
        subject = f"route {options['source']} to {options['destination']}"
        ends = [
            next((one for one in picture.subnets if one.id == options[f"{end}_id"]), None)
            for end in ("source", "destination")
        ]
        source, destination = ends
        if source is None or destination is None:
            return plan_nothing(self, region.name, options, subject, "one of its subnets is no longer in MAAS", LOCKS)
        reason = ""
        inside, beyond = network_in(source), network_in(destination)
        gateway = ip_address(options["gateway"])
        if source.id == destination.id:
            reason = "both ends are the same subnet"
        elif inside is not None and gateway not in inside:
            reason = f"the gateway {gateway} is not in {subnet_name(source)}, where the machines have to reach it"
        elif inside is not None and beyond is not None and inside.version != beyond.version:
            reason = "one end is IPv4 and the other IPv6"
        elif _same(await region.api.static_routes(), options) is not None:
            reason = "it is there already"
        if reason:
            return plan_nothing(self, region.name, options, subject, reason, LOCKS)
        wanted = f"by {gateway}, metric {options['metric']}"
        return plan_steps(
            self,
            region.name,
            options,
            [PlannedStep(self.steps(options)[0], "none", wanted)],
            title=f"Add {subject}",
            subject=subject,
            locks=LOCKS,
            happens=(f"Machines in {subnet_name(source)} reach {subnet_name(destination)} so. {_LATER}",),
        )


class RouteRemoving(StepKind):
    """The kind `routes-remove`; options: `id`, and `told`, the route in words."""

    name = "routes-remove"
    verb, participle, past = "Remove", "Removing", "Removed"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """One."""
        del options
        return (RemoveRoute(),)

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look whether it is still there."""
        subject = f"route {options['told']}"
        found = next((one for one in await region.api.static_routes() if one.id == options["id"]), None)
        if found is None:
            return plan_nothing(self, region.name, options, subject, "it is no longer in MAAS", LOCKS)
        return plan_steps(
            self,
            region.name,
            options,
            [PlannedStep(self.steps(options)[0], f"by {found.gateway_ip}, metric {found.metric}", "removed")],
            title=f"Remove {subject}",
            subject=subject,
            locks=LOCKS,
            losses=("Machines that are deployed from now on do not get this route. Deployed ones keep theirs.",),
        )


def _same(routes: Sequence[StaticRoute], wanted: Mapping[str, Any]) -> StaticRoute | None:
    ends = (wanted["source"], wanted["destination"], wanted["gateway"])
    return next((one for one in routes if (one.source, one.destination, one.gateway_ip) == ends), None)


def not_made(what: str, error: BadRequest) -> StepFailedError:
    """What to say when MAAS refuses to make something."""
    return StepFailedError(f"MAAS does not make {what}: {error.problem}", "Nothing was changed. Ask again, mended.")
