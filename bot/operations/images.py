"""What a region can deploy by the names that people give it: systems, releases, kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from bot.maas.models_region import BootResource
from bot.maas.region import Region


@dataclass(frozen=True, slots=True)
class Wanted:
    """An operating system to deploy: `kernel` is "" for MAAS's default."""

    osystem: str
    series: str
    kernel: str = ""

    @property
    def name(self) -> str:
        return f"{self.osystem}/{self.series}"


async def unknown(region: Region, wanted: Wanted, architectures: Sequence[str]) -> dict[str, str]:
    """For each architecture ("amd64") for which the region has no such image or kernel: why not, to end a sentence.

    Whether the image is complete is another question (see operations.image_readiness). Raises MaasError.
    """
    images = await region.boot_resources()
    reasons = {one: _reason(images, wanted, one) for one in sorted(set(architectures))}
    return {architecture: reason for architecture, reason in reasons.items() if reason}


def _reason(images: Sequence[BootResource], wanted: Wanted, architecture: str) -> str:
    of_series = [one for one in images if _full_name(one) == wanted.name]
    fitting = [one for one in of_series if _architecture(one) == architecture]
    if not of_series:
        names = sorted({_full_name(one) for one in images if "bootloader" not in one.name} - {""})
        near = get_close_matches(wanted.name, names, 1)
        hint = f" (did you mean {near[0]}?)" if near else f"; there are {', '.join(names)}" if names else ""
        return f"the region has no image {wanted.name}{hint}"
    if not fitting:
        return f"the region has {wanted.name} for {', '.join(sorted(map(_architecture, of_series)))} only"
    return _kernel_missing(fitting, wanted)


def _kernel_missing(fitting: Sequence[BootResource], wanted: Wanted) -> str:
    """Whether a kernel that was named is among those of the images; flavours count by what they begin with."""
    if not wanted.kernel or wanted.osystem != "ubuntu":
        return ""
    kernels = {one.architecture.partition("/")[2] for one in fitting}
    kernels |= {part for one in fitting for part in one.subarches.split(",")}
    if wanted.kernel in kernels:
        return ""
    known = sorted(kernel for kernel in kernels if kernel.startswith(("ga-", "hwe-")) and kernel.count("-") > 0)
    offered = [kernel for kernel in known if any(letter.isdigit() for letter in kernel)] or known
    return f"{wanted.name} has no kernel {wanted.kernel}" + (f"; there are {', '.join(offered)}" if offered else "")


def _full_name(image: BootResource) -> str:
    # Images that people uploaded have names without a slash; MAAS calls their system "custom".
    return image.name if "/" in image.name else f"custom/{image.name}"


def _architecture(image: BootResource) -> str:
    return image.architecture.partition("/")[0]
