"""How an import goes, told from one look at the images to the next: pure, with the clock given."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.maas.image_reader import Images
from bot.maas.images import ImageName, distinct_files, image_name, is_half
from bot.maas.models_images import BootFile

#: Bytes that MAAS writes at a time. What is shown of an import moves in these steps.
CHUNK = 10 * 1024 * 1024
#: Two files are loaded at a time. At 50 kB/s for both, 420 s pass between two steps: a stall is told later than that.
STALLED_AFTER = 600.0
#: Below this rate (bytes/s) an import is called slow: a release of 1 GB then takes more than an hour.
SLOW = 256 * 1024
#: The rate is that of the last so many seconds, or of the last two steps where they lie further apart.
_WINDOW = 60.0
#: Moments of an import that are kept; beyond that, every other one is dropped.
_MOMENTS = 240


class Phase(StrEnum):
    """What an import does. `starting`: it runs, and no file of it has grown yet (it reads the mirror's index)."""

    UNKNOWN = "unknown"
    IDLE = "idle"
    STARTING = "starting"
    RUNNING = "running"
    SLOW = "slow"
    STALLED = "stalled"

    @property
    def importing(self) -> bool:
        return self not in {Phase.UNKNOWN, Phase.IDLE}


@dataclass(frozen=True, slots=True)
class Moment:
    """How far an import was: bytes, and seconds since the epoch."""

    at: float
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class LastImport:
    """What was seen of the import that ended last. Times are seconds since the epoch.

    Attributes:
        began, ended: when it was seen to.
        files: how many files it was to load.
        loaded: bytes that arrived.
        vanished: images that were half there and were gone at its end.
        half: images that were half there at its end and still are: the region stopped in the middle.
        missing: images that are wanted and not complete since; None where that could not be read.
        course: how far it was at moments from its begin, or the bot's, to its end.
    """

    began: float
    ended: float
    files: int
    loaded: int
    vanished: tuple[ImageName, ...] = ()
    half: tuple[ImageName, ...] = ()
    missing: tuple[ImageName, ...] | None = None
    course: tuple[Moment, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportState:
    """An import, or that there is none.

    Attributes:
        phase: what it does.
        at: when that was seen (seconds since the epoch); 0 before the first look.
        images: the images as they were seen then.
        began: since when an import runs, as far as was seen.
        moved_at: when something of it last arrived, or it began.
        done, total: bytes of the files that this import loads.
        rate: bytes a second, lately; None when nothing can be said yet.
        last: the import that ended last.
        course: how far the import was at moments since it began, or the bot.
    """

    phase: Phase = Phase.UNKNOWN
    at: float = 0.0
    images: Images = field(default_factory=Images)
    began: float | None = None
    moved_at: float | None = None
    done: int = 0
    total: int = 0
    rate: float | None = None
    last: LastImport | None = None
    course: tuple[Moment, ...] = ()

    @property
    def percent(self) -> float:
        """How far it is; below 100 as long as it runs."""
        return min(100.0 * self.done / self.total, 99.9) if self.total else 0.0

    @property
    def unchanged_for(self) -> float:
        """Seconds since anything arrived."""
        return max(0.0, self.at - self.moved_at) if self.moved_at is not None else 0.0

    @property
    def seconds_left(self) -> float | None:
        """How long it takes at this rate; None when that can't be said."""
        return (self.total - self.done) / self.rate if self.rate and self.total else None


class ImportFollower:
    """Turns looks into states. `began` and `moved_at` may come from an earlier run of the bot."""

    def __init__(self, stalled_after: float = STALLED_AFTER) -> None:
        self._stalled_after = stalled_after
        self._files: dict[str, int] = {}
        self._seen: dict[str, int] = {}
        self._steps: deque[tuple[float, int]] = deque(maxlen=64)
        self._course: list[Moment] = []
        self._loaded = 0
        self._longest = 0.0
        # Of the whole import: at its end a look may come between the images' going and the import's.
        self._ever: set[str] = set()
        self._half: set[ImageName] = set()
        self.state = ImportState()

    def recall(self, seen: Mapping[str, int], began: float, moved_at: float) -> None:
        """Go on from what an earlier run saw of the import that still runs."""
        self._seen = dict(seen)
        self._files = dict.fromkeys(seen, 0)
        self.state = ImportState(Phase.STARTING, began=began, moved_at=moved_at)

    @property
    def seen(self) -> Mapping[str, int]:
        """Bytes there were of each file of the import."""
        return self._seen

    def look(self, images: Images, now: float) -> ImportState:
        """The state after one more look."""
        before = self.state
        if images.importing:
            self.state = self._under_way(before, images, now)
        else:
            last = self._ended(before, images, now) if before.phase.importing else before.last
            self.state = ImportState(Phase.IDLE, now, images, last=last)
        return self.state

    def _under_way(self, before: ImportState, images: Images, now: float) -> ImportState:
        files = _files(images)
        if not before.phase.importing:
            self._files, self._seen, self._loaded, self._ever, self._half = {}, {}, 0, set(), set()
            self._steps.clear()
            self._longest = 0.0
            self._course = []
        for sha, file in files.items():
            if not file.complete:
                self._files[sha] = file.size
        # What a person deleted meanwhile is nothing that arrives, and nothing that is still to come.
        self._files = {sha: files[sha].size for sha in self._files if sha in files}
        self._ever |= set(self._files)
        self._half |= {image_name(one) for one in images.resources if is_half(one)}
        now_there = {sha: files[sha].done for sha in self._files}
        arrived = {sha: done - self._seen.get(sha, 0) for sha, done in now_there.items() if sha in self._seen}
        new = set(now_there) - set(self._seen)
        moved = any(more > 0 for more in arrived.values()) or bool(new)
        self._loaded += sum(more for more in arrived.values() if more > 0)
        self._seen = now_there
        began = before.began if before.phase.importing and before.began is not None else now
        moved_at = now if moved or before.moved_at is None else before.moved_at
        if moved and before.moved_at is not None and before.phase.importing:
            self._longest = max(self._longest, now - before.moved_at)
        done, total = sum(now_there.values()), sum(self._files.values())
        if moved or not self._steps:
            self._steps.append((now, self._loaded))
        rate = self._rate(now)
        phase = self._phase(now - moved_at, rate)
        self._course.append(Moment(now, done, total))
        if len(self._course) > _MOMENTS:
            del self._course[1::2]
        course = tuple(self._course)
        return ImportState(phase, now, images, began, moved_at, done, total, rate, before.last, course)

    def _phase(self, unchanged: float, rate: float | None) -> Phase:
        # A mirror so slow that it was called stalled once, and was not, gets longer the next time.
        if unchanged >= max(self._stalled_after, 1.5 * self._longest):
            return Phase.STALLED
        if not self._loaded:
            return Phase.STARTING
        return Phase.SLOW if rate is not None and rate < SLOW else Phase.RUNNING

    def _rate(self, now: float) -> float | None:
        steps = list(self._steps)
        if not self._loaded or len(steps) < 2:
            return None
        while len(steps) > 2 and now - steps[1][0] > _WINDOW:
            steps.pop(0)
        (since, then), (last, latest) = steps[0], steps[-1]
        # Between steps nothing shows. Only when the next one is overdue, the import has become slower.
        return (latest - then) / max(last - since, now - last, 1e-3)

    def _ended(self, before: ImportState, images: Images, now: float) -> LastImport:
        there = {image_name(one) for one in images.resources}
        half = {image_name(one) for one in images.resources if is_half(one)}
        began = before.began if before.began is not None else now
        files = _files(images)
        done = sum(files[sha].done for sha in self._files if sha in files)
        self._course.append(Moment(now, done, sum(self._files.values())))
        return LastImport(
            began=began,
            ended=now,
            files=len(self._ever),
            loaded=self._loaded,
            vanished=tuple(sorted(self._half - there)),
            half=tuple(sorted(half)),
            course=tuple(self._course),
        )


def _files(images: Images) -> dict[str, BootFile]:
    synced = [one.newest for one in images.resources if one.type.lower() != "uploaded" and one.newest is not None]
    return distinct_files(synced)
