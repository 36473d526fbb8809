"""Compares an answer of the stand-in with a recorded one: same shape, same errors."""

from __future__ import annotations

import json
import re
from typing import Any

NULLABLE = {
    # depend on state that the lab does not match in every detail
    "owner", "vlan", "boot_disk", "boot_interface", "hwe_kernel", "min_hwe_kernel", "status_message",
    "status_action", "current_commissioning_result_id", "current_testing_result_id",
    "current_installation_result_id", "primary_rack", "secondary_rack", "gateway_ip", "prev_uri", "started",
    "ended", "exit_status", "hardware_uuid", "bios_boot_method", "vendor", "product", "firmware_version",
    "filesystem", "partition_table_type", "node", "ident", "architecture", "last_ping", "uuid", "link_id",
    "script_revision_id", "script_id", "relay_vlan", "numa_node", "comment", "label", "mount_options",
    "id_path",
}  # fmt: skip
EITHER = {
    # MAAS itself gives now one type, now another
    "params": (str, dict),
    "starttime": (str, float),
    "endtime": (str, float),
    "progress": (int, float),
    "usage": (int, float),
    "storage": (int, float),
    "upstream_dns": (str, type(None)),
}
FREE_KEYS = {
    "sets",
    "owner_data",
    "workload_annotations",
    "context",
    "parameters",
    "packages",
    "files",
    "by-id",
}
"""Objects whose keys are data."""

OPTIONAL = {"progress", "ip_address", "subarches", "title"}
"""Keys that are there in some states only: how far a file is, the address of an assigned link."""


def differences(recorded: Any, given: Any, path: str = "$") -> list[str]:
    """What in `given` has not the shape of `recorded`; empty if nothing.

    A `path` that ends in one of FREE_KEYS says that the keys of the object are data.
    """
    key = path.rsplit(".", 1)[-1].split("[")[0]
    if key in EITHER and isinstance(recorded, EITHER[key]) and isinstance(given, EITHER[key]):
        return []
    if (recorded is None) != (given is None):
        return [] if key in NULLABLE else [f"{path}: {_kind(recorded)} recorded, {_kind(given)} given"]
    if type(recorded) is not type(given):
        return [f"{path}: {_kind(recorded)} recorded, {_kind(given)} given"]
    if isinstance(recorded, dict):
        return _objects(recorded, given, path, free=key in FREE_KEYS)
    if isinstance(recorded, list):
        return _lists(recorded, given, path)
    return []


def _objects(recorded: dict[str, Any], given: dict[str, Any], path: str, *, free: bool) -> list[str]:
    if free:
        if not recorded or not given:
            return []
        return differences(next(iter(recorded.values())), next(iter(given.values())), f"{path}.*")
    found = [f"{path}.{k}: missing" for k in recorded if k not in given and k not in OPTIONAL]
    found += [f"{path}.{k}: not in the recording" for k in given if k not in recorded and k not in OPTIONAL]
    for name in recorded.keys() & given.keys():
        found += differences(recorded[name], given[name], f"{path}.{name}")
    return found


def _lists(recorded: list[Any], given: list[Any], path: str) -> list[str]:
    if not recorded or not given:
        return []
    for element in recorded:
        attempts = [differences(element, other, f"{path}[]") for other in given]
        best = min(attempts, key=len)
        if best:
            return best
    return []


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__


def plain(text: str) -> str:
    """An error text without what differs from call to call: ids, times, nonces, addresses, the secret."""
    text = re.sub(r"(signature base string: &)[^']*", r"\1SECRET", text)
    text = re.sub(r"0x[0-9a-f]+", "ADDRESS", text)
    text = re.sub(r"\b[0-9a-f]{32}\b", "NONCE", text)
    text = re.sub(r"\b\d{10}\b", "TIME", text)
    return text.replace("THE_RIGHT_SECRET", "SECRET").strip()


def same_json_error(recorded: str, given: str) -> bool:
    left, right = json.loads(recorded), json.loads(given)
    return bool(left == right)
