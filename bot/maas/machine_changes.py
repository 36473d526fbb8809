"""The calls that change one machine's place, name or use: everything that a person can do to it besides its power."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

from pydantic import SecretStr

from bot.maas import models, models_machine
from bot.maas.decoding import decode
from bot.maas.errors import BadRequest, Conflict, NotFound, UnexpectedAnswer
from bot.maas.machine_calls import MachineCalls
from bot.maas.models import Machine
from bot.maas.models_machine import Interface, Named, Script
from bot.maas.transport import Value


class MachineChanges(MachineCalls):
    """The part of a region's API that changes machines. All methods raise `MaasError`."""

    async def update(self, system_id: str, **fields: str) -> Machine:
        """Set fields of a machine by MAAS's names: hostname, description, pool, zone…

        Raises:
            BadRequest: a value that MAAS does not take; `fields` says which.
            Forbidden: locked, or the key's user is no administrator.
        """
        return await self._change(system_id, "update", dict(fields))

    async def lock(self, system_id: str, comment: str = "") -> Machine:
        """Lock a machine against release, deletion, power off and changes.

        Raises:
            Conflict: locked already, or neither Deployed nor Deploying.
        """
        return await self._change(system_id, "lock", _comment(comment))

    async def unlock(self, system_id: str, comment: str = "") -> Machine:
        """Unlock a machine.

        Raises:
            Conflict: it is not locked.
        """
        return await self._change(system_id, "unlock", _comment(comment))

    async def allocate(self, system_id: str, comment: str = "") -> Machine:
        """Make the key's user the owner of a Ready machine.

        Raises:
            Conflict: it is not Ready, or somebody has it.
        """
        data: dict[str, Value] = {"system_id": system_id, **_comment(comment)}
        answer = await self._transport.call("Machines", "allocate", data=data, subject=f"machine {system_id}")
        return decode(models.MACHINE, answer.body, endpoint="Machines.allocate")

    async def mark_broken(self, system_id: str, comment: str = "") -> Machine:
        """Mark a machine broken. That releases it; the comment goes to the event log and nowhere else.

        Raises:
            Forbidden: the key's user does not own it, administrator or not.
        """
        return await self._change(system_id, "mark_broken", _comment(comment))

    async def mark_fixed(self, system_id: str, comment: str = "") -> Machine:
        """Mark a broken machine fixed: it is Ready then.

        Raises:
            Conflict: it is not Broken.
        """
        return await self._change(system_id, "mark_fixed", _comment(comment))

    async def test(
        self,
        system_id: str,
        *,
        enable_ssh: bool = False,
        testing_scripts: Sequence[str] = (),
        parameters: Mapping[str, str] | None = None,
    ) -> Machine:
        """Start tests of a machine's hardware; none named are MAAS's default ones.

        Raises:
            BadRequest: not in this state, or no such script.
            RegionBusy: another power action is under way, or no rack controller reaches its BMC.
        """
        data: dict[str, Value] = dict(parameters or {})
        if enable_ssh:
            data["enable_ssh"] = 1
        if testing_scripts:
            data["testing_scripts"] = ",".join(testing_scripts)
        return await self._change(system_id, "test", data)

    async def deploy(
        self,
        system_id: str,
        *,
        osystem: str = "",
        distro_series: str = "",
        hwe_kernel: str = "",
        user_data: SecretStr | None = None,
        ephemeral: bool = False,
        comment: str = "",
    ) -> Machine:
        """Install an operating system. A Ready machine becomes the key's user's first.

        Args:
            system_id: of the machine.
            osystem: "ubuntu", "centos", "custom"…; "" is MAAS's default.
            distro_series: the release; "" is MAAS's default.
            hwe_kernel: like "ga-22.04" or "hwe-22.04"; "" is MAAS's default.
            user_data: for cloud-init; it may hold passwords.
            ephemeral: run from memory and leave the disks alone (MAAS 3.4 and later).
            comment: for MAAS's event log.

        Raises:
            Conflict: not in this state.
            BadRequest: no such image or kernel, no network link, or no rack controller that could serve it.
        """
        given = {"osystem": osystem, "distro_series": distro_series, "hwe_kernel": hwe_kernel, "comment": comment}
        data: dict[str, Value] = {name: value for name, value in given.items() if value}
        if user_data is not None:
            data["user_data"] = base64.b64encode(user_data.get_secret_value().encode()).decode()
        if ephemeral:
            data["ephemeral_deploy"] = True
        return await self._change(system_id, "deploy", data)

    async def rescue_mode(self, system_id: str) -> Machine:
        """Boot a machine into MAAS's rescue system.

        Raises:
            Conflict: not in this state.
            RegionBusy: no rack controller reaches its BMC.
        """
        return await self._change(system_id, "rescue_mode", {})

    async def exit_rescue_mode(self, system_id: str) -> Machine:
        """Boot a machine out of the rescue system, to what it was before.

        Raises:
            Conflict: it is not in rescue mode.
        """
        return await self._change(system_id, "exit_rescue_mode", {})

    async def accept(self, system_id: str) -> None:
        """Take a machine that enlisted itself: MAAS commissions it.

        Raises:
            Conflict: it is not New any more. MAAS passes over it without a word.
        """
        data: dict[str, Value] = {"machines": [system_id]}
        answer = await self._transport.call("Machines", "accept", data=data, subject=f"machine {system_id}")
        accepted = decode(models.SYSTEM_IDS, answer.body, endpoint="Machines.accept")
        if system_id not in {one.system_id for one in accepted}:
            raise Conflict("MAAS did not accept it: it is not New any more.", endpoint="Machines.accept")

    async def clone(self, source: str, destination: str, *, storage: bool, interfaces: bool) -> None:
        """Give a machine the storage and network configuration of another.

        Raises:
            BadRequest: the destination is neither Ready nor Failed testing, or its disks or interfaces don't fit.
        """
        data: dict[str, Value] = {
            "source": source,
            "destinations": [destination],
            "storage": storage,
            "interfaces": interfaces,
        }
        await self._transport.call("Machines", "clone", data=data, subject=f"machine {destination}")

    async def create_machine(
        self,
        *,
        macs: Sequence[str],
        architecture: str,
        power_type: str,
        power_parameters: Mapping[str, SecretStr],
        **fields: str,
    ) -> Machine:
        """Enlist a machine by hand, without commissioning it. `fields` are MAAS's: hostname, description, pool, zone.

        Raises:
            BadRequest: a value that MAAS does not take, or a MAC address that another machine has.
            Forbidden: the key's user is no administrator.
        """
        data: dict[str, Value] = {name: value for name, value in fields.items() if value}
        data |= {"mac_addresses": list(macs), "architecture": architecture, "power_type": power_type}
        # MAAS would begin to commission a machine that an administrator makes.
        data["commission"] = False
        data |= {f"power_parameters_{name}": value.get_secret_value() for name, value in power_parameters.items()}
        answer = await self._transport.call("Machines", "create", data=data, subject=f"machine {macs[0]}")
        return decode(models.MACHINE, answer.body, endpoint="Machines.create")

    async def interfaces(self, system_id: str) -> list[Interface]:
        """A machine's network interfaces with what they are linked to."""
        return await self._read("Interfaces", "read", models_machine.INTERFACES, system_id=system_id)

    async def tags(self) -> list[Named]:
        """All tags."""
        return await self._read("Tags", "read", models_machine.NAMED)

    async def pools(self) -> list[Named]:
        """All resource pools."""
        return await self._read("ResourcePools", "read", models_machine.NAMED)

    async def zones(self) -> list[Named]:
        """All zones."""
        return await self._read("Zones", "read", models_machine.NAMED)

    async def scripts(self) -> list[Script]:
        """All commissioning and testing scripts, the region's own and those that people added."""
        return await self._read("NodeScripts", "read", models_machine.SCRIPTS)

    async def tag(self, name: str, system_id: str, *, on: bool) -> None:
        """Put a tag on a machine or take it off. A tag that is not there is made before it is put on.

        Raises:
            BadRequest: a name that MAAS does not take.
        """
        data: dict[str, Value] = {"add" if on else "remove": [system_id]}
        params: dict[str, str | int] = {"name": name}
        subject = f"tag {name}"
        try:
            await self._transport.call("Tag", "update_nodes", params=params, data=data, subject=subject)
        except NotFound:
            if not on:
                return
            try:
                await self._transport.call("Tags", "create", data={"name": name}, subject=subject)
            except BadRequest as error:
                # Another machine of the same bulk had it made a moment ago.
                if "already exists" not in error.problem:
                    raise
            await self._transport.call("Tag", "update_nodes", params=params, data=data, subject=subject)

    async def by_mac(self, mac: str) -> Machine | None:
        """The machine with that MAC address, None when there is none.

        Raises:
            UnexpectedAnswer: there are several.
        """
        answer = await self._transport.call("Machines", "read", data={"mac_address": mac}, subject=f"MAC {mac}")
        found = decode(models.MACHINES, answer.body, endpoint="Machines.read")
        if len(found) > 1:
            raise UnexpectedAnswer(f"Several machines have the MAC address {mac}.", endpoint="Machines.read")
        return found[0] if found else None


def _comment(comment: str) -> dict[str, Value]:
    return {"comment": comment} if comment else {}
