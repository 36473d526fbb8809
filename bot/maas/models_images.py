"""Images' files, the sources that they come from, and what is selected there, as the API gives them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from bot.maas.decoding import LENIENT, Bool, Int, Or, Text, Texts

#: What a selection holds that takes whatever there is.
EVERYTHING = ("*",)


@dataclass(frozen=True, slots=True, config=LENIENT)
class BootFile:
    """One file of an image. `size` is in bytes; images of one release share files with the same `sha256`."""

    filetype: Text = ""
    sha256: Text = ""
    size: Int = 0
    complete: Bool = False
    #: MAAS gives it upside down: size divided by what is there, and 0 for nothing at all.
    progress: Annotated[float | None, Or(None)] = None
    #: Where the parts of an upload go, relative to the region; only while an upload is incomplete.
    upload_uri: Text = ""

    @property
    def done(self) -> int:
        """How many bytes of it the region has."""
        if self.complete:
            return self.size
        # Below 1 it would be more than all of it; a region that turned the figure round must not look finished.
        return min(round(self.size / self.progress), self.size) if self.progress and self.progress >= 1 else 0


@dataclass(frozen=True, slots=True, config=LENIENT)
class BootSource:
    """A mirror that images come from. The keyring, which its index is checked with, is a path on the region or data."""

    id: int
    url: Text = ""
    keyring_filename: Text = ""
    keyring_data: Text = ""
    created: Text = ""
    updated: Text = ""

    @property
    def changed_at(self) -> datetime | None:
        """When somebody made or changed it; None when the region does not say."""
        for text in (self.updated, self.created):
            try:
                return datetime.fromisoformat(text).replace(tzinfo=UTC)
            except ValueError:
                continue
        return None


@dataclass(frozen=True, slots=True, config=LENIENT)
class Selection:
    """What is wanted of a source: a release of an operating system, for some architectures ("*" for all)."""

    id: int
    os: Text = ""
    release: Text = ""
    arches: Texts = ()
    subarches: Texts = ()
    labels: Texts = ()
    boot_source_id: Int = 0


@dataclass(frozen=True, slots=True, config=LENIENT)
class RackImage:
    """An image that a rack controller has."""

    name: Text = ""
    architecture: Text = ""
    subarches: Texts = ()


@dataclass(frozen=True, slots=True, config=LENIENT)
class RackImages:
    """What a rack controller has of the region's images: `status` is synced, syncing, out-of-sync or unknown."""

    images: Annotated[tuple[RackImage, ...], Or(())] = ()
    connected: Bool = False
    status: Text = ""


BOOT_SOURCE = TypeAdapter(BootSource)
BOOT_SOURCES = TypeAdapter(list[BootSource])
SELECTION = TypeAdapter(Selection)
SELECTIONS = TypeAdapter(list[Selection])
RACK_IMAGES = TypeAdapter(RackImages)
