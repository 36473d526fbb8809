"""Pinning a host's key: `host enrol`. What is pinned is the fingerprint that a person has seen and agreed to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import asyncssh

from bot.host import errors
from bot.host.pinned import pin, pinned_keys, shown_key
from bot.host.service import HostService
from bot.maas.service import RegionService
from bot.operations.host_plans import Looked, plan_of
from bot.operations.host_steps import host_of
from bot.operations.plan import LeftOut, Plan
from bot.operations.steps import OperationStep, StepContext, StepFailedError, StepKind
from bot.policy import Risk

_PATIENCE = 15.0


class PinStep(OperationStep):
    """The key with this fingerprint is pinned, and no other."""

    key = "pin"
    title = "Host key"

    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        self.will = f"pin {fingerprint}"

    async def check(self, context: StepContext) -> str | None:
        """Whether it is pinned."""
        host = host_of(context.region)
        pinned = await pinned_keys(host.settings)
        if not pinned.keys:
            return None
        key = await _shown(host, pinned.algorithms)
        if key.public_data in pinned.keys:
            return f"pinned: {key.get_fingerprint()}"
        raise errors.HostKeyChanged(f"Another key of {host.name} is pinned; it was left as it is.")

    async def apply(self, context: StepContext) -> None:
        """Look at the key once more: it has to be the one that was shown."""
        host = host_of(context.region)
        key = await _shown(host)
        if key.get_fingerprint() != self._fingerprint:
            raise StepFailedError(
                f"{host.name} shows {key.get_fingerprint()} now, not {self._fingerprint}. Nothing was pinned.",
                "That should not happen: compare on the host's own console.",
            )
        await pin(host.settings, key)


class Enrolling(StepKind):
    """The kind `host-enrol`. Option, as found: fingerprint."""

    name = "host-enrol"
    verb, participle, past = "Pin the key of", "Pinning the key of", "Pinned the key of"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """The one."""
        return [PinStep(str(options["fingerprint"]))]

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Show the fingerprint, unless a key is pinned already."""
        host = host_of(region)
        pinned = await pinned_keys(host.settings)
        key = await _shown(host, pinned.algorithms)
        fingerprint = key.get_fingerprint()
        if pinned.keys and key.public_data not in pinned.keys:
            raise errors.HostKeyChanged(
                f"{host.name} shows another key than the pinned one: {fingerprint}. Nothing was sent."
            )
        if pinned.keys:
            reason = f"its key is pinned already: {fingerprint}"
            left_out = [LeftOut(host.name, reason)]
            return plan_of(self, region, [], options, title=_title(host), risk=Risk.CHANGE, left_out=left_out)
        if options.get("fingerprint"):
            fingerprint = str(options["fingerprint"])
        found = {"fingerprint": fingerprint}
        return plan_of(
            self,
            region,
            [Looked(one) for one in self.steps(found)],
            found,
            title=_title(host),
            risk=Risk.CHANGE,
            facts={"pin": {"shown now": key.get_fingerprint()}},
            warnings=[
                "Compare this fingerprint on the host's own console before you confirm: "
                "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub. Whoever is in between would show another one."
            ],
        )


def _title(host: HostService) -> str:
    return f"Pin the key of {host.name}"


async def _shown(host: HostService, algorithms: tuple[str, ...] = ()) -> asyncssh.SSHKey:
    try:
        return await shown_key(host.settings, _PATIENCE, algorithms)
    except asyncssh.KeyExchangeFailed:
        return await shown_key(host.settings, _PATIENCE)
    except (OSError, asyncssh.Error, TimeoutError, asyncio.IncompleteReadError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise errors.HostUnreachable(
            f"{host.name}, port {host.settings.ssh_port}, can't be reached ({reason})."
        ) from None
