"""Options of op=commission and op=test, and the scripts that they choose."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.maas.answers import refuse_form
from sandbox.maas.world import World

NO_SCRIPT = ("", "none")


@dataclass
class CommissionOptions:
    """None for scripts means the default ones, [] or "none" none at all."""

    enable_ssh: bool = False
    skip_bmc_config: bool = False
    skip_networking: bool = False
    skip_storage: bool = False
    commissioning_scripts: list[str] | None = None
    testing_scripts: list[str] | None = None

    def check(self, world: World) -> None:
        """Refuses names that are no scripts (and no tags of scripts)."""
        for field, kind, names in (
            ("commissioning_scripts", 0, self.commissioning_scripts),
            ("testing_scripts", 2, self.testing_scripts),
        ):
            scripts = world.scripts_of(kind)
            known = {s["name"] for s in scripts} | {tag for s in scripts for tag in s["tags"]}
            for name in names or []:
                if name not in known and name not in NO_SCRIPT:
                    text = f"Select a valid choice. {name} is not one of the available choices."
                    raise refuse_form({field: text})

    def commissioning(self, world: World) -> list[str]:
        """Names of the commissioning scripts in the order in which they run."""
        names = sorted(s["name"] for s in world.scripts_of(0) if s["default"])
        names += [n for n in self.commissioning_scripts or [] if n not in names and n not in NO_SCRIPT]
        return [n for n in names if not (self.skip_bmc_config and n == "30-maas-01-bmc-config")]

    def testing(self) -> list[str]:
        if self.testing_scripts is None:
            return ["smartctl-validate"]
        return [n for n in self.testing_scripts if n not in NO_SCRIPT]
