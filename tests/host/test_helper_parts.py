"""Parts of the helper by themselves: pg_hba's lines, PostgreSQL's passwords, what snapd, apt and MAAS say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.host.helper.base import Place
from bot.host.helper.debian import apt, classified_apt, install_packages
from bot.host.helper.hba import BEGIN, END, block, of_region, replace_file, without_ours
from bot.host.helper.postgres import fits, literal, name_in, verifier
from bot.host.helper.programs import Said, Tools
from bot.host.helper.region import expected, services
from bot.host.helper.snapd import classified, series

LINES = st.lists(st.sampled_from(["# a comment", "", "local all postgres peer", "host x x 127.0.0.1/32 md5", "junk"]))


@given(LINES, st.sampled_from(["narrow", "wide"]))
def test_our_lines_come_and_go_and_leave_the_rest_as_it_was(lines: list[str], reach: str):
    ours = block("maas", "maas", reach, "md5")
    assert without_ours([*ours, *lines]) == lines
    assert without_ours(lines + ours) == lines
    assert without_ours(without_ours([*ours, *lines])) == lines


def test_a_block_whose_end_was_cut_by_hand_takes_nothing_else_with_it():
    lines = [BEGIN, "host maas maas 127.0.0.1/32 md5", "local all all peer", "host all all ::1/128 md5"]
    assert without_ours(lines) == lines[2:]
    assert without_ours([END, "local all all peer"]) == [END, "local all all peer"]


def test_narrow_is_this_host_alone_and_wide_is_what_it_says():
    narrow = " ".join(block("maas", "maas", "narrow", "scram-sha-256"))
    assert "127.0.0.1/32" in narrow
    assert "0.0.0.0/0" not in narrow
    assert "0.0.0.0/0" in " ".join(block("maas", "maas", "wide", "md5"))


@pytest.mark.parametrize(
    ("line", "ours"),
    [
        ("host    maas    maas   0/0     md5", True),
        ('host "maas" maas 0.0.0.0/0 md5 # mine', True),
        ("hostssl maas maas 10.0.0.0/8 scram-sha-256", True),
        ("host maas other 0/0 md5", False),
        ("host all maas 0/0 md5", False),
        ("host all all 127.0.0.1/32 md5", False),
        ("# host maas maas 0/0 md5", False),
        ("local maas maas peer", False),
    ],
)
def test_lines_that_people_wrote_by_hand(line: str, ours: bool):
    assert of_region(line, "maas", "maas") is ours


def test_a_file_is_replaced_whole_with_its_mode(tmp_path: Path):
    path = tmp_path / "pg_hba.conf"
    path.write_text("a\n")
    path.chmod(0o640)
    replace_file(str(path), ["b", "\udcff"])
    assert path.read_bytes() == b"b\n\xff\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert [one.name for one in tmp_path.iterdir()] == ["pg_hba.conf"]


@given(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=8, max_size=30),
    st.sampled_from(["md5", "scram-sha-256"]),
)
def test_postgresqls_form_of_a_password_fits_it_alone(password: str, encryption: str):
    kept = verifier(password, "maas", encryption)
    assert password not in kept
    assert fits(password, "maas", kept)
    assert not fits(password + "x", "maas", kept)
    assert not fits(password, "maas", "-")
    assert not fits(password, "maas", "SCRAM-SHA-256$nonsense")


def test_text_in_a_statement_stays_text():
    assert literal("a'; DROP TABLE x; --") == "'a''; DROP TABLE x; --'"
    assert name_in('a"b') == '"a""b"'
    with pytest.raises(ValueError):
        literal("a\0b")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ('error: snap "maas" has "install-snap" change in progress', "snap_busy"),
        ('error: snap "maas" not found', "snap_not_found"),
        ('error: snap "maas" is not available on 2.9/stable but is available to install on …', "channel_not_found"),
        ("error: cannot write file part: write /var/lib/snapd/snaps/x: no space left on device", "disk_full"),
        ('error: cannot install "maas": Post "https://…": dial tcp: lookup api.snapcraft.io: …', "store_unreachable"),
        (
            'error: cannot install "maas": persistent network error: … Temporary failure in name resolution',
            "store_unreachable",
        ),
        ('error: cannot install "maas": got unexpected HTTP status code 503 via POST', "store_unreachable"),
        ("error: something new", "failed"),
        ("", "failed"),
    ],
)
def test_what_stood_in_snapds_way(text: str, cause: str):
    stop = classified(Said(1, text), "installing maas")
    assert stop.cause == cause
    assert stop.message.startswith("installing maas failed: ")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt-get)", "dpkg_lock"),
        ("E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)", "apt_lists_lock"),
        ("E: Failed to fetch http://mirror/x  Connection refused", "mirror_down"),
        (
            "Waiting for cache lock: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7… 1s\r"
            "E: Unable to locate package postgresql",
            "mirror_down",
        ),
        (
            "dpkg: error: … No space left on device\nE: Sub-process /usr/bin/dpkg returned an error code (1)",
            "disk_full",
        ),
        (
            "postgresql is already the newest version.\nE: Sub-process /usr/bin/dpkg returned an error code (1)",
            "half_installed",
        ),
        ("E: something new", "failed"),
    ],
)
def test_what_stood_in_apts_way(text: str, cause: str):
    assert classified_apt(Said(100, text), "installing postgresql").cause == cause


def test_apts_own_progress_is_told(tmp_path: Path):
    program = tmp_path / "apt-get"
    # As apt does with -o APT::Status-Fd: dlstatus while it fetches, pmstatus while dpkg works, and other lines.
    program.write_text(
        "#!/usr/bin/env python3\nimport os, sys\n"
        "number = next(int(word.partition('=')[2]) for word in sys.argv if word.startswith('APT::Status-Fd='))\n"
        "os.write(number, b'dlstatus:1:20.5:Retrieving file 1 of 2\\npmstatus:x:no number:y\\npmconffile:/x:60:a\\n')\n"
        "os.write(number, b'pmstatus:postgresql-15:55.55:Unpacking postgresql-15 (amd64)\\n')\n"
    )
    program.chmod(0o755)
    told: list[tuple[str, int | None]] = []
    tools = Tools(Place(path=f"{tmp_path}:/usr/bin:/bin", become=False), progress=lambda *one: told.append(one))
    apt(tools, "installing postgresql", "install", "postgresql")
    assert told == [
        ("installing postgresql: Retrieving file 1 of 2", 20),
        ("installing postgresql: Unpacking postgresql-15 (amd64)", 55),
    ]


def test_the_lists_are_asked_for_once_in_a_while_and_again_when_they_do_not_do(tmp_path: Path):
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/apt-get"
    program.write_text(
        f"#!/bin/sh\necho \"$*\" | grep -o 'update\\|install.*' >>{tmp_path}/asked\n"
        f"case $* in *update*) rm -f {tmp_path}/stale;; esac\n"
        f"[ ! -e {tmp_path}/stale ] || {{ echo 'E: Unable to locate package'; exit 100; }}\n"
    )
    program.chmod(0o755)
    tools = Tools(Place(root=str(tmp_path), path=f"{tmp_path}/bin:/usr/bin:/bin", become=False))

    def asked() -> list[str]:
        lines = (tmp_path / "asked").read_text().splitlines()
        (tmp_path / "asked").unlink()
        return lines

    install_packages(tools, "snapd")
    assert asked() == ["update", "install snapd"]
    install_packages(tools, "postgresql")
    assert asked() == ["install postgresql"]
    (tmp_path / "stale").touch()
    install_packages(tools, "postgresql")
    assert asked() == ["install postgresql", "update", "install postgresql"]
    os.utime(tmp_path / "run/maasbot/.lists-updated", (1, 1))
    install_packages(tools, "postgresql")
    assert asked() == ["update", "install postgresql"]


def standin_maas(tmp_path: Path, status: str, code: int, config: str) -> Tools:
    program = tmp_path / "usr/bin/maas"
    program.parent.mkdir(parents=True)
    program.write_text(
        f"#!/bin/sh\ncase $1 in status) cat <<'E'\n{status}\nE\nexit {code};; config) echo '{config}';; esac\n"
    )
    program.chmod(0o755)
    return Tools(Place(root="", path=f"{program.parent}:/usr/bin:/bin", become=False))


def test_a_healthy_29_has_exit_status_3(tmp_path: Path):
    status = "dhcpd         STOPPED   Not started\nregiond       RUNNING   pid 7, uptime 0:01:02"
    found = services(standin_maas(tmp_path, status, 3, "mode=region+rack"))
    assert (found["initialised"], found["manager"], found["fault"]) == (True, "supervisor", "")
    assert [(one["name"], one["running"], one["expected"]) for one in found["services"]] == [
        ("dhcpd", False, None),
        ("regiond", True, True),
    ]


def test_35_speaks_of_pebble(tmp_path: Path):
    lines = ["Service   Startup   Current   Since", "regiond   enabled   backoff   today at 07:00 UTC"]
    status = "\n".join([*lines, "dhcpd     disabled  inactive  -"])
    found = services(standin_maas(tmp_path, status, 0, "mode=region"))
    assert found["manager"] == "pebble"
    assert [(one["name"], one["running"], one["expected"]) for one in found["services"]] == [
        ("regiond", False, True),
        ("dhcpd", False, None),
    ]


@pytest.mark.parametrize(
    ("text", "code", "initialised", "fault"),
    [
        ("MAAS is not configured", 1, False, "MAAS is not initialised"),
        (
            "MAAS supervisor is currently restarting. Please wait and try again.",
            255,
            True,
            "MAAS supervisor is currently",
        ),
        ("Pebble exited with error code 1", 1, True, "Pebble exited with error code 1"),
        ("", 4, True, "exit status 4"),
    ],
)
def test_a_status_that_tells_of_no_service(tmp_path: Path, text: str, code: int, initialised: bool, fault: str):
    found = services(standin_maas(tmp_path, text, code, "mode=none"))
    assert found["initialised"] is initialised
    assert fault in found["fault"]


def test_which_services_should_run():
    assert expected("rackd", "region") is False
    assert expected("rackd", "region+rack") is True
    assert expected("dhcpd6", "region+rack") is None
    assert expected("something-new", "region+rack") is None
    assert series("2.9.2-9165-g.c3e7848d1") == (2, 9)
    assert series("latest/stable") is None


def test_a_program_that_asks_for_ever_is_ended(tmp_path: Path):
    tools = Tools(Place(root="", path="/usr/bin:/bin", become=False))
    said = tools.do("sh", "-c", "while :; do echo 'Database URI: '; done", timeout=30, flood=50_000)
    assert said.flood
    assert not said.late
    late = tools.ask("sleep", "30", timeout=0.2)
    assert late.late
    assert tools.ask("no-such-program").rc == 127
    # What is not on the fixed path is not there, whatever the environment says.
    assert Tools(Place(path=str(tmp_path))).find("sh") is None
