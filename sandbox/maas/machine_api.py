"""machines/ID/ and nodes/ID/: one machine and the orders that can be given to it."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Iterable

from sandbox.maas import machine as states
from sandbox.maas.answers import (
    BARE_TEXT,
    JSON,
    Answer,
    Refusal,
    forbidden,
    json_answer,
    no_content,
    refuse,
    refuse_form,
    text_answer,
)
from sandbox.maas.commission_options import CommissionOptions
from sandbox.maas.context import Context
from sandbox.maas.machine import Machine
from sandbox.maas.machine_form import MachineForm
from sandbox.maas.request import ApiRequest, Form
from sandbox.maas.routing import Route

Order = Callable[[Machine, ApiRequest], Answer | None]


class MachineApi:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._world = context.world

    def routes(self) -> Iterable[Route]:
        path = "machines/{system_id}/"
        yield Route(path, "GET", None, self._read)
        yield Route("nodes/{system_id}/", "GET", None, self._read_node)
        yield Route(path, "PUT", None, self._update, admin=True, denied="")
        yield Route(path, "DELETE", None, self._delete, admin=True, denied="")
        yield Route("nodes/{system_id}/", "DELETE", None, self._delete, admin=True, denied="")
        for kind in ("machines", "nodes"):
            there = f"{kind}/{{system_id}}/"
            yield Route(there, "GET", "power_parameters", self._power_parameters, admin=True, denied="")
        yield Route(path, "GET", "query_power_state", self._query_power_state)
        yield Route(path, "GET", "get_token", lambda r: json_answer(self._machine(r) and None))
        orders: dict[str, Order] = {
            "lock": self._lock,
            "unlock": self._unlock,
            "mark_broken": self._mark_broken,
            "mark_fixed": self._mark_fixed,
            "abort": self._abort,
            "release": self._release,
            "deploy": self._deploy,
            "power_on": self._power_on,
            "power_off": self._power_off,
        }
        admin_orders: dict[str, Order] = {
            "commission": self._commission,
            "test": self._test,
            "override_failed_testing": self._override,
            "rescue_mode": self._rescue_mode,
            "exit_rescue_mode": self._exit_rescue_mode,
        }
        annotations = ["set_owner_data"] if self._world.old else ["set_owner_data", "set_workload_annotations"]
        for name in annotations:
            orders[name] = self._annotate
        for name, order in orders.items():
            yield Route(path, "POST", name, self._order(order))
        for name, order in admin_orders.items():
            yield Route(path, "POST", name, self._order(order), admin=True, denied="")

    def _machine(self, request: ApiRequest, model: str = "Machine") -> Machine:
        machine = self._world.machines.get(request.parts["system_id"])
        if machine is None:
            raise Refusal(text_answer(self._context.missing(model), 404, BARE_TEXT))
        name = request.caller.username
        free = machine.owner is None and machine.status == states.READY
        if not request.is_admin and machine.owner != name and not free:
            raise forbidden()
        return machine

    def _show(self, machine: Machine) -> Answer:
        return Answer(200, JSON, self._context.renderer.one(machine))

    def _order(self, order: Order) -> Callable[[ApiRequest], Awaitable[Answer]]:
        async def handle(request: ApiRequest) -> Answer:
            machine = self._machine(request)
            return order(machine, request) or self._show(machine)

        return handle

    def _read(self, request: ApiRequest) -> Answer:
        return self._show(self._machine(request))

    def _read_node(self, request: ApiRequest) -> Answer:
        return self._show(self._machine(request, "Node"))

    def _update(self, request: ApiRequest) -> Answer:
        machine = self._machine(request)
        self._context.lifecycle.need_unlocked(machine)
        MachineForm(self._context).update(machine, request.form)
        self._world.effects["update", machine.system_id] += 1
        return self._show(machine)

    def _delete(self, request: ApiRequest) -> Answer:
        self._context.lifecycle.delete(self._machine(request))
        return no_content()

    def _power_parameters(self, request: ApiRequest) -> Answer:
        return json_answer(self._machine(request).power_parameters)

    async def _query_power_state(self, request: ApiRequest) -> Answer:
        return json_answer({"state": await self._context.power.query(self._machine(request))})

    def _commission(self, machine: Machine, request: ApiRequest) -> None:
        form = request.form
        options = CommissionOptions(
            enable_ssh=form.flag("enable_ssh"),
            skip_bmc_config=form.flag("skip_bmc_config"),
            skip_networking=form.flag("skip_networking"),
            skip_storage=form.flag("skip_storage"),
            commissioning_scripts=_names(form, "commissioning_scripts"),
            testing_scripts=_names(form, "testing_scripts"),
        )
        self._context.lifecycle.commission(machine, request.caller, options)

    def _test(self, machine: Machine, request: ApiRequest) -> None:
        scripts = _names(request.form, "testing_scripts")
        self._context.lifecycle.test(machine, request.caller, scripts, request.form.flag("enable_ssh"))

    def _abort(self, machine: Machine, request: ApiRequest) -> None:
        self._context.lifecycle.abort(machine, request.caller, request.form.text("comment"))

    def _release(self, machine: Machine, request: ApiRequest) -> None:
        self._context.lifecycle.need_unlocked(machine)
        self._context.deployment.check_releasable(machine)
        form = request.form
        settings = self._world.settings
        erase = ""
        if form.flag("erase") or settings.get("enable_disk_erasing_on_release"):
            usual = {mode: bool(settings.get(f"disk_erase_with_{mode}_erase")) for mode in ("secure", "quick")}
            erase = ", ".join(mode for mode, on in usual.items() if form.flag(f"{mode}_erase", on)) or "zeros"
        self._context.lifecycle.release(machine, request.caller, form.text("comment"), erase)

    def _deploy(self, machine: Machine, request: ApiRequest) -> None:
        self._context.lifecycle.need_unlocked(machine)
        if machine.status not in (states.READY, states.ALLOCATED):
            raise refuse(409, f"Can't deploy a machine that is in the '{machine.status_name}' state")
        form = request.form
        os, series = self._image(form.text("distro_series"), form.text("osystem"))
        kernel = self._kernel(machine, os, series, form.text("hwe_kernel"))
        if not self._context.power.rack_reaches(machine):
            raise refuse(400, f"Deployment operating system {os} {series} is unavailable.")
        if machine.subnet is None:
            raise refuse_form({"network": "Node must be configured to use a network"})
        machine.enable_hw_sync = form.flag("enable_hw_sync")
        # 2.9 does not know it and passes over it, as over every field that it does not know.
        machine.ephemeral_deploy = form.flag("ephemeral_deploy") and not self._world.old
        machine.user_data = decoded(form.text("user_data"))
        self._context.lifecycle.deploy(machine, request.caller, (os, series, kernel), form.text("comment"))

    def _image(self, series: str, osystem: str) -> tuple[str, str]:
        usable = self._world.images.usable()
        wanted = series or str(self._world.settings.get("default_distro_series") or "")
        default = osystem or str(self._world.settings.get("default_osystem") or "ubuntu")
        names = [wanted, f"{default}/{wanted}", f"custom/{wanted}"]
        found = next((n for n in names if n in usable), None)
        if found is None:
            choices = ", ".join(f"'{n}'" for n in ["", *usable])
            text = f"'{wanted}' is not a valid distro_series.  It should be one of: {choices}."
            raise refuse_form({"distro_series": text})
        os, _, name = found.partition("/")
        return os, name

    def _kernel(self, machine: Machine, os: str, series: str, wanted: str) -> str:
        if os != "ubuntu":
            return ""
        arch = machine.architecture.split("/")[0]
        kernels = [r.architecture.split("/")[1] for r in self._world.images.of(series, arch)]
        if wanted and wanted not in kernels:
            text = f"{wanted} is not available for {os}/{series} on {machine.architecture}."
            raise refuse_form({"hwe_kernel": text})
        return wanted or next((k for k in kernels if k.startswith("ga-")), "")

    def _power_on(self, machine: Machine, request: ApiRequest) -> None:
        self._context.lifecycle.power_on(machine, request.caller, request.form.text("comment"))

    def _power_off(self, machine: Machine, request: ApiRequest) -> Answer | None:
        lifecycle = self._context.lifecycle
        if lifecycle.power_off(machine, request.caller, request.form.text("comment")):
            return None
        return json_answer(None)

    def _lock(self, machine: Machine, request: ApiRequest) -> None:
        self._context.lifecycle.lock(machine, request.caller, request.form.text("comment"))

    def _unlock(self, machine: Machine, request: ApiRequest) -> None:
        self._context.lifecycle.unlock(machine, request.caller, request.form.text("comment"))

    def _mark_broken(self, machine: Machine, request: ApiRequest) -> None:
        self._context.lifecycle.mark_broken(machine, request.caller, request.form.text("comment"))

    def _mark_fixed(self, machine: Machine, request: ApiRequest) -> None:
        self._context.lifecycle.mark_fixed(machine, request.caller, request.form.text("comment"))

    def _override(self, machine: Machine, request: ApiRequest) -> None:
        lifecycle = self._context.lifecycle
        lifecycle.override_failed_testing(machine, request.caller, request.form.text("comment"))

    def _rescue_mode(self, machine: Machine, request: ApiRequest) -> None:
        self._context.lifecycle.need_unlocked(machine)
        self._context.rescue.enter(machine, request.caller)

    def _exit_rescue_mode(self, machine: Machine, request: ApiRequest) -> None:
        self._context.rescue.leave(machine, request.caller)

    def _annotate(self, machine: Machine, request: ApiRequest) -> None:
        if machine.owner is None:
            what = "owner data" if self._world.old else "workload annotation"
            raise refuse(409, f"Cannot set {what}: it hasn't been acquired.")
        given = {k: v for k, v in request.form.items() if k != "op"}
        merged = {**machine.owner_data, **given}
        kept = {k: v for k, v in merged.items() if v}
        machine.owner_data = kept
        machine.workload_annotations = kept


def decoded(user_data: str) -> str:
    """What cloud-init gets; MAAS takes it in base64 and passes on whatever that decodes to."""
    try:
        return base64.b64decode(user_data).decode("utf-8", "replace")
    except ValueError:
        return ""


def _names(form: Form, name: str) -> list[str] | None:
    if name not in form:
        return None
    return [part.strip() for value in form.all(name) for part in value.split(",")]
