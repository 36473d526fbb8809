"""The calls to a region that the bot uses, typed: in go MAAS's own names, out come models."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, TypeVar

from pydantic import SecretStr, TypeAdapter

from bot.maas import models, models_region
from bot.maas.decoding import decode, decode_list
from bot.maas.errors import BadRequest, Forbidden, NotFound
from bot.maas.exchange import Kind
from bot.maas.image_calls import ImageCalls
from bot.maas.machine_changes import MachineChanges
from bot.maas.machine_detail import DetailCalls
from bot.maas.models import Event, Machine, User, Version
from bot.maas.models_region import (
    Fabric,
    Notification,
    RackController,
    RegionController,
    ScriptResultSet,
    Subnet,
    Vlan,
)
from bot.maas.network_calls import NetworkCalls
from bot.maas.power_calls import PowerCalls
from bot.maas.record_calls import RecordCalls
from bot.maas.settings_calls import SettingsCalls
from bot.maas.transport import Transport, Value

T = TypeVar("T")

#: A query of more ids than this is called a list: it takes a region seconds.
_SHORT_READ = 5
#: Longer lists than this (bytes) are decoded beside the event loop.
_IN_A_THREAD = 2 * 1024 * 1024

#: MAAS refuses to give more events at once.
MAX_EVENTS = 1000

ResultsOf = Literal["current-commissioning", "current-testing", "current-installation"]


class Region(MachineChanges, DetailCalls, PowerCalls, ImageCalls, NetworkCalls, RecordCalls, SettingsCalls):
    """One region's API. All methods raise `MaasError` and nothing else for what the world does."""

    def __init__(self, transport: Transport, name: str = "default") -> None:
        super().__init__(transport)
        self.name = name

    def __repr__(self) -> str:
        return f"Region({self.name!r}, {self.url!r})"

    @property
    def url(self) -> str:
        """The root of its API, normalised."""
        return self._transport.url

    def use_key(self, api_key: SecretStr) -> None:
        """Use another API key from now on. Raises ValueError when it has not the form of one."""
        self._transport.use_key(api_key)

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    async def version(self, *, retry: bool = True) -> Version:
        """What runs there. Needs no valid key."""
        return await self._read("Version", "read", models.VERSION, retry=retry)

    async def whoami(self) -> User:
        """The user that the API key belongs to."""
        return await self._read("Users", "whoami", models.USER)

    async def machines(
        self,
        *,
        ids: Collection[str] | None = None,
        hostnames: Collection[str] | None = None,
        filters: Mapping[str, str | Sequence[str]] | None = None,
    ) -> list[Machine]:
        """Machines by id, host name or MAAS's filters; all of them without any. Unknown ids are left out.

        It costs the region about 0.1 s a machine returned. An empty `ids` or `hostnames` asks nothing.

        Raises:
            BadRequest: a filter that this region does not have ("No such constraint.").
        """
        if (ids is not None and not ids) or (hostnames is not None and not hostnames):
            return []
        data: dict[str, Value] = {**(filters or {})}
        if ids is not None:
            data["id"] = list(ids)
        if hostnames is not None:
            data["hostname"] = list(hostnames)
        wanted = len(ids or ()) + len(hostnames or ())
        kind = Kind.READ if 0 < wanted <= _SHORT_READ else Kind.LIST
        return await self._read_list("Machines", "read", models.MACHINES, data=data, kind=kind)

    async def machine_ids(self) -> set[str]:
        """The ids of all machines.

        The cheapest answer that names them all is the one with every power parameter. Its values are
        secrets: they are dropped while parsing. A key without administrator's rights has to read the whole
        list instead.
        """
        try:
            keys = await self._read("Machines", "power_parameters", models_region.KEYS_ONLY, kind=Kind.LIST)
        except Forbidden:
            listed = await self._read_list("Machines", "read", models.SYSTEM_IDS, kind=Kind.LIST)
            return {one.system_id for one in listed}
        return set(keys)

    async def events(
        self,
        *,
        id: str | Collection[str] = (),  # noqa: A002 - MAAS's own name for it
        after: int | None = None,
        level: str = "DEBUG",
        limit: int = MAX_EVENTS,
        retry: bool = True,
    ) -> list[Event]:
        """One page of the event log, newest first.

        Args:
            id: only of this machine, or of these.
            after: the OLDEST events after this id; without it the newest of all.
            level: the lowest level. Changes of state are DEBUG.
            limit: at most 1,000.
            retry: False asks once.
        """
        data: dict[str, Value] = {"level": level, "limit": limit}
        if after is not None:
            data["after"] = after
        if id:
            data["id"] = [id] if isinstance(id, str) else list(id)
        page = await self._read("Events", "query", models.EVENT_PAGE, data=data, retry=retry)
        return list(page.events)

    async def script_results(
        self,
        system_id: str,
        results: ResultsOf = "current-commissioning",
        *,
        include_output: bool = False,
        script: str = "",
    ) -> ScriptResultSet | None:
        """The scripts of the machine's latest run of that type; None when there was none.

        `script` asks for one of them by name: the output of all is long.
        """
        params: dict[str, str | int] = {"system_id": system_id, "id": results}
        data: dict[str, Value] = {"include_output": True} if include_output else {}
        if script:
            data["filters"] = script
        try:
            answer = await self._transport.call(
                "NodeScriptResult", "read", params=params, data=data, subject=f"machine {system_id}"
            )
        except NotFound:
            return None
        except BadRequest as error:
            # No such run yet is a plain text 400, worded differently by version; 404 is the machine itself.
            if error.fields:
                raise
            return None
        return decode(models_region.SCRIPT_RESULT_SET, answer.body, endpoint="NodeScriptResult.read")

    async def racks(self) -> list[RackController]:
        """All rack controllers with their services."""
        return await self._read("RackControllers", "read", models_region.RACKS)

    async def region_controllers(self) -> list[RegionController]:
        """All region controllers."""
        return await self._read("RegionControllers", "read", models_region.REGION_CONTROLLERS)

    async def fabrics(self) -> list[Fabric]:
        """All fabrics with their VLANs."""
        return await self._read("Fabrics", "read", models_region.FABRICS)

    async def vlans(self) -> list[Vlan]:
        """All VLANs of all fabrics."""
        return [vlan for fabric in await self.fabrics() for vlan in fabric.vlans]

    async def subnets(self) -> list[Subnet]:
        """All subnets."""
        return await self._read("Subnets", "read", models_region.SUBNETS)

    async def notifications(self) -> list[Notification]:
        """The notices that MAAS's own pages show to the key's user."""
        return await self._read("Notifications", "read", models_region.NOTIFICATIONS)

    async def get_config(self, name: str) -> Any:
        """The value of a setting: text, number, boolean or None.

        Raises:
            BadRequest: no such setting; the text lists all that there are.
        """
        return await self._read("MAAS", "get_config", models_region.BARE_VALUE, data={"name": name})

    async def _read_list(
        self,
        handler: str,
        action: str,
        adapter: TypeAdapter[list[T]],
        *,
        data: Mapping[str, Value] | None = None,
        kind: Kind = Kind.LIST,
    ) -> list[T]:
        answer = await self._transport.call(handler, action, data=data, kind=kind)
        endpoint = f"{handler}.{action}"
        if len(answer.body) < _IN_A_THREAD:
            return decode_list(adapter, answer.body, endpoint=endpoint)
        # Tens of megabytes would hold up the loop for a fifth of a second.
        return await asyncio.to_thread(decode_list, adapter, answer.body, endpoint=endpoint)
