"""The region's image import: takes time, can be stopped between chunks, and can stall."""

from __future__ import annotations

from sandbox.maas.faults import Faults
from sandbox.maas.images import CHUNK, BootFile
from sandbox.maas.timers import Timers
from sandbox.maas.world import World

INDEX_SECONDS = 2.0
TICK_SECONDS = 1.0
CHUNKS_A_TICK = 3
CLOSE_SECONDS = 3.0


class ImageImport:
    """One import at a time: the lock is `images.importing`."""

    def __init__(self, world: World, timers: Timers, faults: Faults) -> None:
        self._world = world
        self._timers = timers
        self._faults = faults
        timers.register("import-begin", self._begin)
        timers.register("import-tick", self._tick)
        timers.register("import-end", self._end)

    def start(self) -> None:
        """Starts an import; does nothing while another one holds the lock, as the region does."""
        images = self._world.images
        if images.importing:
            return
        images.importing, images.stop_wanted = True, False
        count = len(images.sources)
        self._info(f"Started importing of boot images from {count} source(s).")
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
        images.orphans |= {f.sha256 for r in images.resources.values() for f in r.files if not f.complete}

    def _begin(self) -> None:
        images = self._world.images
        if self._stalled():
            self._timers.after(TICK_SECONDS, "import-begin", key="import")
            return
        wanted = images.wanted()
        for number in [r.id for r in images.resources.values() if r.kind == "Synced"]:
            name = images.resources[number].name.removeprefix("ubuntu/")
            arch = images.resources[number].architecture.split("/")[0]
            if (name, arch) not in wanted:
                del images.resources[number]
        for release, arch in wanted:
            if not images.of(release, arch):
                images.add_ubuntu(release, arch, complete=False)
        self._timers.after(TICK_SECONDS, "import-tick", key="import")

    def _tick(self) -> None:
        images = self._world.images
        if self._stalled():
            self._timers.after(TICK_SECONDS, "import-tick", key="import")
            return
        if images.stop_wanted:
            self._timers.after(CLOSE_SECONDS, "import-end", key="import")
            return
        for _ in range(CHUNKS_A_TICK):
            file = self._next_file()
            if file is None:
                self._timers.after(CLOSE_SECONDS, "import-end", key="import")
                return
            done = min(file.size, file.done + CHUNK)
            for resource in images.resources.values():
                for same in resource.files:
                    if same.sha256 == file.sha256:
                        same.done = done
        self._timers.after(TICK_SECONDS, "import-tick", key="import")

    def _next_file(self) -> BootFile | None:
        images = self._world.images
        files = [f for r in images.resources.values() for f in r.files if not f.complete]
        # what a killed import left half counts as up to date, and is removed at the end
        return next((f for f in files if f.sha256 not in images.orphans), None)

    def _end(self) -> None:
        images = self._world.images
        for number in [r.id for r in images.resources.values() if not r.complete]:
            del images.resources[number]
        images.orphans.clear()
        images.importing = images.stop_wanted = False
        self._info(f"Finished importing of boot images from {len(images.sources)} source(s).")

    def _stalled(self) -> bool:
        return self._faults.is_active("stalled-import")

    def _info(self, text: str) -> None:
        # DEBUG level: the default level of the events API does not show it
        self._world.region_event("DEBUG", "Region import info", text)
