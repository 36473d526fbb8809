"""How an import is followed: true percent, rate, time left, and when it has stalled; from what real regions showed."""

from __future__ import annotations

import pytest

from bot.maas.image_defaults import Packaging, restart_commands
from bot.maas.image_reader import Images
from bot.maas.images import images_of
from bot.maas.import_state import CHUNK, STALLED_AFTER, ImportFollower, Phase
from bot.maas.models_images import BootFile
from bot.maas.models_region import BootResource, BootSet
from bot.operations.image_words import progress, size
from tests.images.lab import recorded

MIB = 1024 * 1024


def one(release: str, done: int, total: int = 400 * MIB, *, kernel: str = "ga", number: int = 1) -> BootResource:
    """A resource as the API gives it: the files' progress is upside down."""
    file = BootFile("squashfs", f"sha-{release}", total, done >= total, total / done if 0 < done < total else 0)
    whole = BootSet("20261110", "stable", total, done >= total, 100 * done / total, {"squashfs": file})
    return BootResource(number, f"ubuntu/{release}", "Synced", f"amd64/{kernel}", sets={"20261110": whole})


def running(*resources: BootResource) -> Images:
    return Images(resources, importing=True)


def test_a_files_progress_is_read_upside_down() -> None:
    assert BootFile(size=47185920, progress=2.25).done == 20971520
    assert BootFile(size=47185920, progress=0).done == 0
    assert BootFile(size=100, complete=True).done == 100
    assert BootFile(size=100, progress=0.4).done == 0, "a share below 1 is not MAAS's figure, and must not look done"


def test_the_percent_of_a_recorded_import_counts_what_kernels_share_once() -> None:
    images = images_of(recorded("import_hang_0", importing=True).resources)
    bionic = next(image for image in images if image.name.release == "bionic")
    # ga: initrd 12 of 12 MiB, kernel 0 of 3; hwe: kernel and initrd complete; squashfs 10 of 45, for both.
    assert bionic.kernels == ("ga-18.04", "hwe-18.04")
    assert bionic.size == (15 + 15 + 45) * MIB
    assert bionic.done == (12 + 15 + 10) * MIB
    assert not bionic.usable
    assert round(bionic.percent) == 49
    assert bionic.age() is not None


def test_a_recorded_import_that_ends_complete_is_100_percent() -> None:
    images = images_of(recorded("import_after_regiond_restart_import2", importing=False).resources)
    assert [(str(image.name), image.percent, image.complete) for image in images] == [
        ("ubuntu/bionic amd64", 100.0, True)
    ]


def test_a_recorded_stall_is_told_after_the_setting_and_not_before() -> None:
    follower = ImportFollower()
    hanging = recorded("import_hang_1", importing=True)
    assert follower.look(recorded("import_hang_0", importing=True), 1000.0).phase is Phase.STARTING
    assert follower.look(hanging, 1003.0).phase in {Phase.RUNNING, Phase.SLOW}
    assert follower.look(hanging, 1003.0 + STALLED_AFTER - 1).phase is not Phase.STALLED
    state = follower.look(hanging, 1003.0 + STALLED_AFTER)
    assert state.phase is Phase.STALLED
    assert progress(state) == f"stalled at {int(state.percent)} %: nothing has arrived for 10 min"


@pytest.mark.parametrize("writers", [1, 2])
def test_a_slow_import_is_never_called_stalled(writers: int) -> None:
    """50 kB/s for all writers together; MAAS shows nothing between two steps of 10 MiB."""
    follower = ImportFollower()
    total, now, phases = 60 * MIB, 0.0, set()
    while now < 60 * MIB * writers / 50_000:
        arrived = int(50_000 * now / writers)
        shown = min(total, arrived - arrived % CHUNK)
        resources = [one(f"r{number}", shown, total, number=number) for number in range(writers)]
        phases.add(follower.look(running(*resources), now).phase)
        now += 5.0
    assert Phase.STALLED not in phases
    assert Phase.SLOW in phases


def test_a_mirror_slower_than_the_limit_is_called_stalled_once_and_then_given_longer() -> None:
    follower, alarms, was = ImportFollower(), 0, Phase.IDLE
    for look in range(0, 7000, 5):
        phase = follower.look(running(one("focal", (look // 700) * CHUNK)), float(look)).phase
        alarms += phase is Phase.STALLED and was is not Phase.STALLED
        was = phase
    assert alarms == 1


def test_rate_and_time_left() -> None:
    follower = ImportFollower()
    for second in range(0, 60, 5):
        state = follower.look(running(one("focal", second * 2 * MIB)), float(second))
    assert state.phase is Phase.RUNNING
    assert state.rate == pytest.approx(2 * MIB, rel=0.1)
    assert state.percent == pytest.approx(100 * 110 / 400)
    assert state.seconds_left == pytest.approx(145, rel=0.1)
    assert progress(state) == "27 % of 419 MB, 2.1 MB/s, about 2 min 25 s left"


def test_what_somebody_deletes_is_nothing_that_arrives() -> None:
    """The notes' case: the image was deleted while the import hung, and MAAS went on saying that it imports."""
    follower = ImportFollower(stalled_after=600)
    both = running(one("focal", 50 * MIB), one("bionic", 0, number=2))
    follower.look(both, 0.0)
    follower.look(running(one("focal", 60 * MIB), one("bionic", 0, number=2)), 10.0)
    state = follower.look(running(one("bionic", 0, number=2)), 400.0)
    assert state.unchanged_for == 390.0
    assert follower.look(Images((), importing=True), 620.0).phase is Phase.STALLED


def test_the_end_is_remembered_with_what_vanished() -> None:
    follower = ImportFollower()
    follower.look(Images((one("focal", 400 * MIB),)), 0.0)
    follower.look(running(one("focal", 400 * MIB), one("bionic", 0, number=2)), 10.0)
    follower.look(running(one("focal", 400 * MIB), one("bionic", 30 * MIB, number=2)), 20.0)
    last = follower.look(Images((one("focal", 400 * MIB),)), 30.0).last
    assert last is not None
    assert [str(name) for name in last.vanished] == ["ubuntu/bionic amd64"]
    assert (last.files, last.loaded, last.half) == (1, 30 * MIB, ())


def test_an_image_that_goes_before_the_import_does_is_remembered() -> None:
    """MAAS drops a half image and gives the lock back in two steps: a look may come in between."""
    follower = ImportFollower()
    follower.look(running(one("bionic", 20 * MIB)), 0.0)
    follower.look(running(one("bionic", 30 * MIB)), 5.0)
    follower.look(running(), 6.0)
    last = follower.look(Images(), 7.0).last
    assert last is not None
    assert (last.files, [str(name) for name in last.vanished]) == (1, ["ubuntu/bionic amd64"])


def test_a_restart_of_the_bot_does_not_begin_to_count_anew() -> None:
    first = ImportFollower()
    first.look(running(one("focal", 10 * MIB)), 0.0)
    first.look(running(one("focal", 20 * MIB)), 100.0)
    second = ImportFollower()
    second.recall(first.seen, first.state.began or 0.0, first.state.moved_at or 0.0)
    state = second.look(running(one("focal", 20 * MIB)), 699.0)
    assert (state.began, state.unchanged_for, state.phase) == (0.0, 599.0, Phase.STARTING)
    assert second.look(running(one("focal", 20 * MIB)), 701.0).phase is Phase.STALLED


def test_a_newer_version_of_a_complete_image_leaves_it_usable() -> None:
    old = BootSet("20261001", "stable", 10, True, None, {})
    new = BootSet("20261110", "stable", 10, False, 0.0, {"squashfs": BootFile("squashfs", "x", 10)})
    image = images_of([BootResource(1, "ubuntu/focal", "Synced", "amd64/ga", sets={"20261001": old, "20261110": new})])[
        0
    ]
    assert (image.usable, image.complete, image.version) == (True, False, "20261110")


@pytest.mark.parametrize(("count", "words"), [(0, "0 B"), (900, "900 B"), (2_500_000, "2.5 MB"), (35_000_000, "35 MB")])
def test_sizes(count: int, words: str) -> None:
    assert size(count) == words


@pytest.mark.parametrize(
    ("version", "packaging", "words"),
    [
        ("2.9.3", Packaging.SNAP, ["sudo snap restart maas.supervisor"]),
        ("3.4.10", Packaging.SNAP, ["sudo snap restart maas.supervisor"]),
        ("3.5.0", Packaging.SNAP, ["sudo snap restart maas"]),
        ("3.7.3", Packaging.SNAP, ["sudo snap restart maas"]),
        ("2.9.3", Packaging.DEB, ["sudo systemctl restart maas-regiond"]),
        ("3.4.10", None, ["sudo snap restart maas.supervisor", "sudo systemctl restart maas-regiond"]),
    ],
)
def test_what_restarts_a_region(version: str, packaging: Packaging | None, words: list[str]) -> None:
    assert restart_commands(version, packaging) == words
