"""The calls about one machine: reading it, and everything that can be ordered of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import TypeAdapter

from bot.maas import models, models_region
from bot.maas.decoding import decode
from bot.maas.exchange import Kind
from bot.maas.models import Machine
from bot.maas.transport import Transport, Value

T = TypeVar("T")


class MachineCalls:
    """The part of a region's API that is about one machine. All methods raise `MaasError`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def machine(self, system_id: str) -> Machine:
        """One machine, as it is now.

        Raises:
            NotFound: there is none, or the key's user may not see it.
        """
        return await self._read("Machine", "read", models.MACHINE, system_id=system_id)

    async def commission(
        self,
        system_id: str,
        *,
        enable_ssh: bool = False,
        skip_bmc_config: bool = False,
        skip_networking: bool = False,
        skip_storage: bool = False,
        commissioning_scripts: Sequence[str] = (),
        testing_scripts: Sequence[str] | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> Machine:
        """Start commissioning; the machine comes back as the region sees it right after.

        Args:
            system_id: of the machine.
            enable_ssh: leave the machine on afterwards, with SSH open.
            skip_bmc_config: do not touch the BMC's settings.
            skip_networking: keep the interfaces as they are.
            skip_storage: keep the disks as they are.
            commissioning_scripts: names or tags of scripts to run besides MAAS's own.
            testing_scripts: names or tags of tests; None is MAAS's default, an empty sequence is no tests at
                all.
            parameters: of scripts, "script_parameter" to value.

        Raises:
            BadRequest: not in this state (MAAS answers 400 here, not 409).
            Forbidden: locked, or no administrator.
            RegionBusy: another power action is under way. MAAS leaves the key's user as the owner then.
        """
        data: dict[str, Value] = dict(parameters or {})
        switches = {
            "enable_ssh": enable_ssh,
            "skip_bmc_config": skip_bmc_config,
            "skip_networking": skip_networking,
            "skip_storage": skip_storage,
        }
        # The API takes 1 and 0 here and reads them as numbers.
        data.update({name: 1 for name, on in switches.items() if on})
        if commissioning_scripts:
            data["commissioning_scripts"] = ",".join(commissioning_scripts)
        if testing_scripts is not None:
            data["testing_scripts"] = ",".join(testing_scripts) or "none"
        return await self._change(system_id, "commission", data)

    async def abort(self, system_id: str, comment: str = "") -> Machine:
        """Abort what the machine does. It comes back as it was before: its state changes a little later.

        Raises:
            Conflict: it does nothing that could be aborted.
        """
        return await self._change(system_id, "abort", {"comment": comment} if comment else {})

    async def release(
        self,
        system_id: str,
        *,
        comment: str = "",
        erase: bool = False,
        secure_erase: bool | None = None,
        quick_erase: bool | None = None,
    ) -> Machine:
        """Give a machine back. It is switched off, and Ready (or New) again when MAAS has let go of it.

        A Ready machine and one that is being released answer as if it had been done.

        Args:
            system_id: of the machine.
            comment: for MAAS's event log.
            erase: erase the disks first. MAAS does so without being asked when its setting
                `enable_disk_erasing_on_release` is on.
            secure_erase: let the drives erase themselves where they can; None is MAAS's setting.
            quick_erase: wipe the first and the last 2 MiB only, where the drives don't erase themselves; None is
                MAAS's setting. With neither, drives are overwritten with zeros.

        Raises:
            Conflict: not in this state.
            Forbidden: locked, or another's and the key's user is no administrator.
        """
        data: dict[str, Value] = {"comment": comment} if comment else {}
        if erase:
            data["erase"] = True
            modes = {"secure_erase": secure_erase, "quick_erase": quick_erase}
            data.update({name: wanted for name, wanted in modes.items() if wanted is not None})
        return await self._change(system_id, "release", data)

    async def delete(self, system_id: str) -> None:
        """Remove a machine from MAAS: its record, its history, its hardware data. Its disks are not touched.

        Raises:
            NotFound: it is not there (any more).
            Forbidden: locked, or the key's user is no administrator.
        """
        params: dict[str, str | int] = {"system_id": system_id}
        await self._transport.call("Machine", "delete", params=params, subject=f"machine {system_id}")

    async def power_on(self, system_id: str, comment: str = "") -> Machine:
        """Switch a machine on. It comes back as it was: the BMC acts and the power state follows 4 to 8 s later.

        Turning on an Allocated machine DEPLOYS it with MAAS's default image.

        Raises:
            Conflict: nobody owns it ("it hasn't been allocated").
            RegionBusy: another power action is under way, or no rack controller reaches its BMC.
        """
        return await self._change(system_id, "power_on", {"comment": comment} if comment else {})

    async def power_off(self, system_id: str, comment: str = "") -> Machine:
        """Switch a machine off at once, without asking its system. It comes back as it was, like `power_on`.

        Nothing happens to a machine of power type manual, and MAAS does not say so: it answers `null`.

        Raises:
            Forbidden: locked.
            RegionBusy: another power action is under way, or no rack controller reaches its BMC.
        """
        return await self._change(system_id, "power_off", {"comment": comment} if comment else {})

    async def query_power_state(self, system_id: str) -> str:
        """Ask the machine's BMC now: "on", "off", "unknown" (it can't be asked) or "error" (it refused).

        Takes up to 60 s. Asked once: a BMC that kept MAAS waiting would keep it waiting again.

        Raises:
            GatewayTimeout: the BMC did not answer within 60 s.
            RegionBusy: no rack controller reaches it.
            ServerFault: the rack lacks the program for this kind of BMC.
        """
        answer = await self._read(
            "Machine",
            "query_power_state",
            models_region.POWER_ANSWER,
            kind=Kind.POWER,
            retry=False,
            system_id=system_id,
        )
        return answer.state

    async def _read(
        self,
        handler: str,
        action: str,
        adapter: TypeAdapter[T],
        *,
        data: Mapping[str, Value] | None = None,
        kind: Kind = Kind.READ,
        retry: bool = True,
        system_id: str | None = None,
        resource_id: int | None = None,
    ) -> T:
        params: dict[str, str | int] = {}
        subject = ""
        if system_id is not None:
            params, subject = {"system_id": system_id}, f"machine {system_id}"
        elif resource_id is not None:
            params, subject = {"id": resource_id}, f"image {resource_id}"
        answer = await self._transport.call(
            handler, action, params=params, data=data, kind=kind, subject=subject, retry=retry
        )
        return decode(adapter, answer.body, endpoint=f"{handler}.{action}")

    async def _change(self, system_id: str, action: str, data: Mapping[str, Value]) -> Machine:
        answer = await self._transport.call(
            "Machine", action, params={"system_id": system_id}, data=data, subject=f"machine {system_id}"
        )
        machine = decode(models.MAYBE_MACHINE, answer.body, endpoint=f"Machine.{action}")
        # Some actions answer null although they did what they should (power_off of a manual machine).
        return machine if machine is not None else await self.machine(system_id)
