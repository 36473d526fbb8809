"""The panel that makes the stand-ins misbehave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from markupsafe import Markup

from sandbox.page.render import Renderer


class FaultPanel(Protocol):
    """One stand-in's faults, as `sandbox.slack.faults.Faults` and `sandbox.maas.faults.Faults` have them."""

    def catalog(self) -> list[tuple[str, str]]:
        """Names and descriptions of all faults."""
        ...

    def set(self, name: str, **params: Any) -> None:
        """Switch one on. Raises KeyError, ValueError or TypeError for a wrong name or parameter."""
        ...

    def clear(self, name: str | None = None) -> None:
        """Switch one off, or all."""
        ...

    def active(self) -> Mapping[str, Mapping[str, Any]]:
        """Those that are on, with their parameters."""
        ...


@runtime_checkable
class HasDefaults(Protocol):
    """A panel that also knows each fault's parameters; others get one free field, `name=value name=value`."""

    def defaults(self, name: str) -> Mapping[str, Any]: ...


#: The form's field for parameters of a panel that doesn't name them.
FREE = "parameters"


def render_faults(renderer: Renderer, panels: Mapping[str, FaultPanel]) -> Markup:
    """All panels, what is on first."""
    return renderer.template("faults.html", panels={name: _panel(panel) for name, panel in panels.items()})


def count_active(panels: Mapping[str, FaultPanel]) -> int:
    """How many faults are on, in all panels together."""
    return sum(len(panel.active()) for panel in panels.values())


def set_fault(panel: FaultPanel, name: str, form: Mapping[str, str]) -> None:
    """Switches a fault on with what was typed for its parameters; empty fields are left out.

    Raises:
        ValueError: the name, a parameter or its value is wrong; the text says which.
    """
    known = panel.defaults(name) if isinstance(panel, HasDefaults) and name in dict(panel.catalog()) else {}
    typed = dict(form)
    for pair in typed.pop(FREE, "").split():
        key, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"{pair!r} is not of the form name=value")
        typed[key] = value
    params = {key: _value(value.strip(), known.get(key)) for key, value in typed.items() if value.strip()}
    try:
        panel.set(name, **params)
    except (KeyError, TypeError) as wrong:
        raise ValueError(str(wrong)) from wrong


def _panel(panel: FaultPanel) -> Mapping[str, Any]:
    return {
        "active": [
            {
                "name": name,
                "title": title(name),
                "detail": ", ".join(f"{key} {value}" for key, value in params.items()),
            }
            for name, params in panel.active().items()
        ],
        "catalog": [
            {"name": name, "title": title(name), "detail": detail, "options": _options(panel, name)}
            for name, detail in panel.catalog()
        ],
    }


def title(name: str) -> str:
    """A fault's name as words: `lost-ack` → `Lost ack`."""
    return name.replace("-", " ").replace("_", " ").capitalize()


def _options(panel: FaultPanel, name: str) -> list[Mapping[str, str]]:
    if isinstance(panel, HasDefaults):
        return [{"name": key, "value": str(value)} for key, value in panel.defaults(name).items()]
    if "arameter" not in dict(panel.catalog())[name]:
        return []
    return [{"name": FREE, "value": "", "hint": "name=value …"}]


def _value(text: str, like: object) -> object:
    """What was typed, as a number where the default, or the text itself, is one."""
    if isinstance(like, str):
        return text
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
