"""What can be wished of a set-up, and what each bad wish is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.operations.setup_wish import SetupWish, WishFault, faults_of, make_wish, read_toml

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx3Yh7mPcT8n6mGm0y0N5mIkzj4mCqS1c5Jx8mQk7Qe bot@test"
WHOLE = f"""
name = "lab"
upstream_dns = ["8.8.8.8", "1.1.1.1"]
main_archive = "http://mirror.example/ubuntu"
ports_archive = "http://mirror.example/ports"
releases = ["focal", "jammy"]
architectures = ["amd64", "arm64"]
ssh_keys = ["{KEY}"]
ssh_import = ["lp:olga"]
import_images = false
[dhcp]
subnet = "10.98.0.0/24"
range = "10.98.0.100-200"
rack = "maas"
[settings]
ntp_servers = "ntp.example"
enable_analytics = false
node_timeout = 45
"""


def test_everything_that_can_be_wished_for() -> None:
    assert read_toml(WHOLE) == SetupWish(
        name="lab",
        upstream_dns="8.8.8.8 1.1.1.1",
        main_archive="http://mirror.example/ubuntu",
        ports_archive="http://mirror.example/ports",
        releases=("focal", "jammy"),
        architectures=("amd64", "arm64"),
        ssh_keys=(KEY,),
        ssh_import=("lp:olga",),
        dhcp_subnet="10.98.0.0/24",
        dhcp_range="10.98.0.100-10.98.0.200",
        dhcp_rack="maas",
        import_images=False,
        complete_intro=True,
        settings={"ntp_servers": "ntp.example", "enable_analytics": "false", "node_timeout": "45"},
    )


def test_nothing_is_a_wish_too_and_releases_are_for_amd64_unless_said() -> None:
    assert read_toml("") == make_wish({}) == SetupWish()
    assert read_toml('releases = "jammy, noble"').architectures == ("amd64",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name = \n", "this is no TOML: Invalid value (at line 1"),
        ("<!DOCTYPE html><html>", "this is a web page"),
        ('nmae = "lab"', "nmae means nothing here; did you mean name?"),
        ('[dhcp]\nsubnt = "10.0.0.0/24"', "dhcp.subnt means nothing here; did you mean dhcp.subnet?"),
        ('dhcp = "10.0.0.0/24"', "dhcp is a table; write [dhcp]"),
        ("name = 3", "name is a text, or a list of texts"),
        ("[dhcp]\nsubnet = 3", "dhcp.subnet is a text, or a list of texts"),
        ('import_images = "yes"', "import_images is true or false"),
        ('upstream_dns = "8.8.8.8 not-an-ip"', "not-an-ip in upstream_dns is no IP address"),
        ('main_archive = "ftp://mirror"', "ftp://mirror in main_archive is no web address"),
        ('main_archive = "http://a:b@mirror/"', "holds a password"),
        ('releases = ["jam my!"]', "my! is no name of a release"),
        ('architectures = ["amd64"]', "architectures go with releases"),
        ('releases = "jammy"\narchitectures = ["amd46"]', "amd46 is no architecture of MAAS; did you mean amd64?"),
        ('ssh_keys = ["ssh-ed25519 AAAA"]', "ssh_keys: that ssh-ed25519 key is cut off or mistyped"),
        ('ssh_keys = """-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n"""', "that is a private key"),
        ('ssh_import = ["olga"]', "olga names nobody's keys"),
        ('[dhcp]\nrange = "10.0.0.9-10.0.0.1"', "10.0.0.9 comes after 10.0.0.1"),
        ('[dhcp]\nrange = "10.0.0.1-10.0.0.9"', "goes with a subnet, and none is named"),
        ('[settings]\nvcenter_password = "x"', "settings.vcenter_password is a secret"),
        ('[settings]\nmaas_name = "lab"', "settings.maas_name has a name of its own here: name"),
        ("[settings]\nx = [1]", "settings.x is a text, a number, true or false"),
        (f'name = "{"x" * 130}"', "name is 130 characters long; 120 fit"),
    ],
)
def test_what_each_bad_wish_is_told(text: str, told: str) -> None:
    with pytest.raises(WishFault, match=r".") as fault:
        read_toml(text)
    assert told in str(fault.value)
    assert "b3BlbnNz" not in str(fault.value)


def test_all_faults_of_a_form_show_at_once() -> None:
    found = faults_of({"upstream_dns": "x", "releases": "jammy", "ssh_import": "olga", "name": "lab"})
    assert found.keys() == {"upstream_dns", "ssh_import"}
    assert found["upstream_dns"] == "x in upstream_dns is no IP address."


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    try:
        read_toml(text)
    except WishFault as fault:
        assert str(fault)


def test_the_example_of_the_documentation_is_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "fresh-region.md").read_text(encoding="utf-8")
    wish = read_toml(page.split("```toml\n", 1)[1].split("```", 1)[0])
    assert wish.dhcp_range == "10.98.0.100-10.98.0.200" and wish.settings["commissioning_distro_series"] == "jammy"
