"""A machine as the region stores it, and the names of its states."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

NEW, COMMISSIONING, FAILED_COMMISSIONING, READY, DEPLOYED, BROKEN = 0, 1, 2, 4, 6, 8
DEPLOYING, ALLOCATED, FAILED_DEPLOYMENT, RELEASING, FAILED_RELEASING = 9, 10, 11, 12, 13
DISK_ERASING, FAILED_DISK_ERASING, RESCUE_MODE, ENTERING_RESCUE_MODE = 14, 15, 16, 17
FAILED_ENTERING_RESCUE_MODE, EXITING_RESCUE_MODE, TESTING, FAILED_TESTING = 18, 19, 21, 22

STATUS_NAMES = {
    0: "New",
    1: "Commissioning",
    2: "Failed commissioning",
    3: "Missing",
    4: "Ready",
    5: "Reserved",
    6: "Deployed",
    7: "Retired",
    8: "Broken",
    9: "Deploying",
    10: "Allocated",
    11: "Failed deployment",
    12: "Releasing",
    13: "Releasing failed",
    14: "Disk erasing",
    15: "Failed disk erasing",
    16: "Rescue mode",
    17: "Entering rescue mode",
    18: "Failed to enter rescue mode",
    19: "Exiting rescue mode",
    20: "Failed to exit rescue mode",
    21: "Testing",
    22: "Failed testing",
}
STATUS_FILTERS = {
    "new": 0,
    "commissioning": 1,
    "failed_commissioning": 2,
    "missing": 3,
    "ready": 4,
    "reserved": 5,
    "deployed": 6,
    "retired": 7,
    "broken": 8,
    "deploying": 9,
    "allocated": 10,
    "failed_deployment": 11,
    "releasing": 12,
    "failed_releasing": 13,
    "disk_erasing": 14,
    "failed_disk_erasing": 15,
    "rescue_mode": 16,
    "entering_rescue_mode": 17,
    "failed_entering_rescue_mode": 18,
    "exiting_rescue_mode": 19,
    "failed_exiting_rescue_mode": 20,
    "testing": 21,
    "failed_testing": 22,
}
SCRIPT_STATUS = {
    -1: "Unknown",
    0: "Pending",
    1: "Running",
    2: "Passed",
    3: "Failed",
    4: "Timed out",
    5: "Aborted",
}
PENDING, RUNNING, PASSED, FAILED, TIMED_OUT, ABORTED = 0, 1, 2, 3, 4, 5


@dataclass
class Manners:
    """How a machine misbehaves; the default is a machine that does everything right.

    `bmc`: "ok", "wrong-password", "timeout" (60 s, then 504), "slow" (40 s), "no-rack".
    `fail_script`: the commissioning script that fails. `fail_test`: the test that fails.
    `never_boots`: commissioning and deployment run into their time-out. `fail_deploy`: curtin fails.
    `fail_erase`: the program that erases the disks fails.
    """

    bmc: str = "ok"
    fail_script: str = ""
    fail_exit_status: int = 1
    fail_stderr: str = ""
    fail_test: str = ""
    never_boots: bool = False
    fail_deploy: bool = False
    fail_erase: bool = False


@dataclass
class Machine:
    """`hardware` is the profile that commissioning found ("" before); `found` what it will find.

    Set fields, don't change lists and dicts in place: setting one makes the region print the machine anew.
    """

    system_id: str
    number: int
    hostname: str
    macs: list[str]
    power_type: str = "ipmi"
    power_parameters: dict[str, Any] = field(default_factory=dict)
    power_state: str = "off"
    architecture: str = "amd64/generic"
    status: int = NEW
    previous_status: int = NEW
    return_to: int = NEW
    owner: str | None = None
    pool: int = 0
    zone: str = "default"
    tags: list[str] = field(default_factory=list)
    description: str = ""
    osystem: str = ""
    distro_series: str = ""
    hwe_kernel: str | None = None
    min_hwe_kernel: str = ""
    netboot: bool = True
    locked: bool = False
    hardware: str = ""
    found: str = "small"
    subnet: int | None = None
    ip: str | None = None
    commissioning_set: int | None = None
    testing_set: int | None = None
    installation_set: int | None = None
    commissioning_status: int = -1
    testing_status: int = -1
    status_message: str | None = None
    status_action: str | None = None
    owner_data: dict[str, str] = field(default_factory=dict)
    workload_annotations: dict[str, str] = field(default_factory=dict)
    enable_hw_sync: bool = False
    ephemeral_deploy: bool = False
    user_data: str = ""
    cloned_from: str = ""
    enable_ssh: bool = False
    ever_passed: bool = False
    agent_name: str = ""
    boot_type: str = ""
    erased_by: str = ""
    manners: Manners = field(default_factory=Manners)

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)
        self.__dict__["_revision"] = self.__dict__.get("_revision", 0) + 1

    @property
    def revision(self) -> int:
        """Changes whenever a field is set."""
        revision: int = self.__dict__["_revision"]
        return revision

    @property
    def status_name(self) -> str:
        return STATUS_NAMES[self.status]

    @property
    def fqdn(self) -> str:
        return f"{self.hostname}.maas"

    @property
    def has_bmc(self) -> bool:
        return self.power_type != "manual"

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def load(cls, row: dict[str, Any]) -> Machine:
        return cls(**{**row, "manners": Manners(**row["manners"])})
