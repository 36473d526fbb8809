"""The calls about how MAAS reaches a machine's power: kinds of BMC, what each needs to know, and setting it.

Parameters hold passwords. They come out as secrets, and an error that quotes one is cleaned before it goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import SecretStr, TypeAdapter
from pydantic.dataclasses import dataclass

from bot.maas import models
from bot.maas.decoding import LENIENT, Bool, Or, Text, decode, decode_list
from bot.maas.errors import BadRequest, MaasError
from bot.maas.models import Machine
from bot.maas.transport import Transport, Value

_HIDDEN = "[hidden]"


#: A parameter's value; one of several values where a person may choose more than one. Its repr hides all of them.
Hidden = tuple[SecretStr, ...]


@dataclass(frozen=True, slots=True, config=LENIENT)
class PowerField:
    """One thing that MAAS wants to know of a kind of BMC.

    `field_type` is string, password, choice, multiple_choice or mac_address.
    """

    name: str
    label: Text = ""
    required: Bool = False
    field_type: Text = "string"
    choices: Annotated[tuple[tuple[str, str], ...], Or(())] = ()
    default: Annotated[str | tuple[str, ...], Or("")] = ""

    @property
    def several(self) -> bool:
        """More than one of its choices may be chosen."""
        return self.field_type == "multiple_choice"

    @property
    def defaults(self) -> tuple[str, ...]:
        """What MAAS takes where nothing is said; empty for nothing."""
        return (self.default,) if isinstance(self.default, str) and self.default else tuple(self.default)


@dataclass(frozen=True, slots=True, config=LENIENT)
class PowerType:
    """One kind of BMC that the racks know."""

    name: str
    description: Text = ""
    fields: Annotated[tuple[PowerField, ...], Or(())] = ()
    #: Programs that a rack lacks for it.
    missing_packages: Annotated[tuple[str, ...], Or(())] = ()


POWER_TYPES = TypeAdapter(list[PowerType])
_PARAMETERS: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


class PowerCalls:
    """The part of a region's API that is about power settings. All methods raise `MaasError`."""

    _transport: Transport

    async def power_types(self) -> list[PowerType]:
        """Every kind of BMC that the region's racks can drive, without `manual`'s siblings that need no rack."""
        answer = await self._transport.call("RackControllers", "describe_power_types")
        return decode_list(POWER_TYPES, answer.body, endpoint="RackControllers.describe_power_types")

    async def power_parameters(self, system_id: str) -> dict[str, Hidden]:
        """What MAAS knows of the way to a machine's power.

        Raises:
            Forbidden: the key's user is no administrator.
        """
        answer = await self._transport.call(
            "Machine", "power_parameters", params={"system_id": system_id}, subject=f"machine {system_id}"
        )
        found = decode(_PARAMETERS, answer.body, endpoint="Machine.power_parameters")
        return {name: hidden(value) for name, value in found.items()}

    async def set_power(self, system_id: str, power_type: str, parameters: Mapping[str, Hidden]) -> Machine:
        """Tell MAAS the way to a machine's power, all parameters at once.

        Raises:
            BadRequest: a parameter is missing or wrong.
            Forbidden: the machine is locked, or the key's user is no administrator.
        """
        data: dict[str, Value] = {"power_type": power_type}
        data |= {f"power_parameters_{name}": shown(value) for name, value in parameters.items()}
        try:
            answer = await self._transport.call(
                "Machine", "update", params={"system_id": system_id}, data=data, subject=f"machine {system_id}"
            )
        except MaasError as error:
            raise without(error, [one for value in parameters.values() for one in shown(value)]) from None
        return decode(models.MACHINE, answer.body, endpoint="Machine.update")


def hidden(value: Any) -> Hidden:
    """A value as MAAS or a person gives it, hidden."""
    values = value if isinstance(value, list | tuple) else ["" if value is None else value]
    return tuple(SecretStr(str(one)) for one in values)


def shown(value: Hidden) -> list[str]:
    """The plain values, for MAAS alone. None chosen is one empty value: a form leaves nothing out."""
    return [one.get_secret_value() for one in value] or [""]


def without(error: MaasError, secrets: Iterable[str]) -> MaasError:
    """The same error with every one of these values taken out of its words."""
    known = sorted({secret for secret in secrets if secret}, key=len, reverse=True)

    def clean(text: str) -> str:
        for secret in known:
            text = text.replace(secret, _HIDDEN)
        return text

    error.problem, error.remedy = clean(error.problem), clean(error.remedy)
    error.args = (error.problem, error.remedy)
    if isinstance(error, BadRequest):
        error.fields = {name: [clean(text) for text in texts] for name, texts in error.fields.items()}
    return error
