"""The region's image import: takes time, can be stopped between chunks, can stall, and can end without a word."""

from __future__ import annotations

from sandbox.maas.faults import Faults
from sandbox.maas.image_faults import CUTS, SLOW_RATE
from sandbox.maas.images import CHUNK, BootFile
from sandbox.maas.timers import Timers
from sandbox.maas.world import World

INDEX_SECONDS = 2.0
TICK_SECONDS = 1.0
CLOSE_SECONDS = 3.0
RATE = 3 * CHUNK
"""Bytes a second that the mirror sends, to all writers together."""
WRITERS = 2
"""Files that are loaded at a time."""


class ImageImport:
    """One import at a time: the lock is `images.importing`."""

    def __init__(self, world: World, timers: Timers, faults: Faults) -> None:
        self._world = world
        self._timers = timers
        self._faults = faults
        # bytes received of each file and not written yet
        self._received: dict[str, float] = {}
        self._stalled = False
        self._restarted = False
        timers.register("import-begin", self._begin)
        timers.register("import-tick", self._tick)
        timers.register("import-end", self._end)
        faults.on_change(self._fault_changed)

    def start(self) -> None:
        """Starts an import; does nothing while another one holds the lock, as the region does."""
        images = self._world.images
        if images.importing:
            return
        images.importing, images.stop_wanted = True, False
        self._faults.clear("region-restarted")
        self._received.clear()
        self._stalled = False
        images.ensure_source()
        if not self._faults.is_active("index-signature"):
            self._info(f"Started importing of boot images from {len(images.sources)} source(s).")
        self._timers.after(INDEX_SECONDS, "import-begin", key="import")

    def stop(self) -> None:
        """Asks the import to stop; looked at between two chunks only, so a stalled one goes on."""
        if self._world.images.importing:
            self._world.images.stop_wanted = True

    def kill_region(self) -> None:
        """The region is restarted in the middle: the lock is free, half images stay half."""
        images = self._world.images
        self._timers.cancel("import")
        images.importing = images.stop_wanted = False
        self._stalled = False
        images.orphans |= {f.sha256 for r in images.resources.values() for f in r.files if not f.complete}

    def _fault_changed(self) -> None:
        restarted = self._faults.is_active("region-restarted")
        if restarted and not self._restarted:
            self.kill_region()
        self._restarted = restarted

    def _begin(self) -> None:
        if self._stalls():
            self._timers.after(TICK_SECONDS, "import-begin", key="import")
            return
        if self._faults.is_active("index-missing"):
            self._complain()
            self._end()
            return
        if self._faults.is_active("index-signature"):
            self._end()
            return
        self._world.notifications[:] = [n for n in self._world.notifications if n["ident"] != "Image importer"]
        for source in self._world.images.sources:
            self._info(f"Importing images from source: {source.url}")
        self._world.images.plan_import()
        self._timers.after(TICK_SECONDS, "import-tick", key="import")

    def _tick(self) -> None:
        images = self._world.images
        if self._stalls():
            self._timers.after(TICK_SECONDS, "import-tick", key="import")
            return
        files = self._under_way()
        cut = any(self._faults.is_active(name) for name in CUTS) and any(f.done >= 2 * CHUNK for f in files)
        # a connection that ended after it had stalled takes its files along
        if images.stop_wanted or not files or cut or self._stalled:
            self._timers.after(CLOSE_SECONDS, "import-end", key="import")
            return
        for file in files:
            self._receive(file, self._rate() * TICK_SECONDS / len(files))
        self._timers.after(TICK_SECONDS, "import-tick", key="import")

    def _receive(self, file: BootFile, count: float) -> None:
        """What arrives is shown in whole chunks; resources that share the file share its progress."""
        there = self._received.get(file.sha256, 0.0) + count
        done = file.done
        while done < file.size and there >= (chunk := min(CHUNK, file.size - done)):
            there -= chunk
            done += chunk
        self._received[file.sha256] = there
        for resource in self._world.images.resources.values():
            for same in resource.files:
                if same.sha256 == file.sha256:
                    same.done = done

    def _rate(self) -> float:
        slow = self._faults.peek("slow-mirror")
        return float(slow.params.get("rate", SLOW_RATE)) if slow is not None else RATE

    def _under_way(self) -> list[BootFile]:
        images = self._world.images
        files = {f.sha256: f for r in images.resources.values() for f in r.files if not f.complete}
        # what a killed import left half counts as up to date, and is removed at the end
        return [f for f in files.values() if f.sha256 not in images.orphans][:WRITERS]

    def _end(self) -> None:
        images = self._world.images
        images.drop_incomplete()
        images.orphans.clear()
        stopped, images.importing, images.stop_wanted = images.stop_wanted, False, False
        if images.selection_changed and not stopped and not self._stalled:
            # what was selected while it ran is imported in the same breath
            self.start()

    def _stalls(self) -> bool:
        if self._faults.is_active("stalled-import"):
            self._stalled = True
            return True
        return False

    def _complain(self) -> None:
        texts = [
            f"Failed to import images from {source.url}: Unable to open {source.url}streams/v1/index.sjson. mirrors=[]"
            for source in self._world.images.sources
        ]
        self._world.importer_notice("<br>".join(texts))

    def _info(self, text: str) -> None:
        # DEBUG level: the default level of the events API does not show it
        self._world.region_event("DEBUG", "Region import info", text)
