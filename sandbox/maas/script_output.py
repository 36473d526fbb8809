"""Believable output of MAAS's built-in scripts, passed and failed."""

from __future__ import annotations

FAILURES = {
    "50-maas-01-commissioning": (
        "Traceback (most recent call last):\n"
        '  File "/tmp/user_data.sh.gHn2Yx/scripts/50-maas-01-commissioning", line 21, in <module>\n'
        "    main()\n"
        "subprocess.CalledProcessError: Command '['lxd', '--resources']' returned non-zero exit status 1.\n"
        "ERROR: failed to read /sys/class/dmi/id/product_uuid: Input/output error\n"
    ),
    "maas-lshw": (
        "lshw: unable to read /dev/mem: Operation not permitted\n"
        "WARNING: output may be incomplete or inaccurate, you should run this program as super-user.\n"
        "lshw: terminated by signal 9\n"
    ),
    "30-maas-01-bmc-config": (
        "INFO: Loading IPMI kernel modules...\n"
        "INFO: Checking for HP Moonshot...\n"
        "INFO: Checking for IPMI...\n"
        "INFO: IPMI detected!\n"
        "ERROR: Unable to configure IPMI user 'maas': ipmi-config: BMC busy\n"
        "bmc-config: command timeout after 60 s\n"
    ),
    "smartctl-validate": (
        "FAILURE: SMART overall-health self-assessment test result: FAILED!\n"
        "Drive failure expected in less than 24 hours. SAVE ALL DATA.\n"
        "ID# ATTRIBUTE_NAME          FLAG     VALUE WORST THRESH TYPE      UPDATED  WHEN_FAILED RAW_VALUE\n"
        "  5 Reallocated_Sector_Ct   0x0033   001   001   036    Pre-fail  Always   FAILING_NOW 4080\n"
    ),
}
DEPLOY_LOG = (
    "curtin: Installation started. (20.2)\n"
    "third party drivers not installed or necessary.\n"
    "start: cmd-install/stage-partitioning/builtin/cmd-block-meta: curtin command block-meta\n"
    "An error occured handling 'sda': ProcessExecutionError - Unexpected error while running command.\n"
    "Command: ['sgdisk', '--zap-all', '/dev/sda']\n"
    "Exit code: 2\n"
    "Reason: -\n"
    "Stdout: ''\n"
    "Stderr: Problem opening /dev/sda for reading! Error is 5.\n"
    "finish: cmd-install/stage-partitioning/builtin/cmd-block-meta: FAIL: curtin command block-meta\n"
    "curtin: Installation failed with exception: Unexpected error while running command.\n"
)


def failure_tail(script: str) -> str:
    """What `script` writes to stderr when it fails."""
    return FAILURES.get(script, f"{script}: unexpected error\nexit status 1\n")


def passed_output(script: str, hostname: str) -> str:
    """What `script` writes to stdout when it passes."""
    if script.startswith("smartctl"):
        return (
            "INFO: Verifying SMART support for the following drive: /dev/sda\n"
            "INFO: Running command: sudo -n smartctl --all /dev/sda\n"
            "SMART overall-health self-assessment test result: PASSED\n"
        )
    if script == "maas-kernel-cmdline":
        return "BOOT_IMAGE=ubuntu/amd64/ga/boot-kernel nomodeset ro root=squash:http://region/squashfs\n"
    if script == "maas-list-modaliases":
        return "pci:v00008086d00001521sv000015D9sd00001521bc02sc00i00\n"
    return f"{script} on {hostname}: ok\n"
