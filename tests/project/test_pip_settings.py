"""What pip is told about the index and its certificates is told to uv, and what uv is told itself wins."""

from pathlib import Path

import pytest

from tests.project.places import script

pip_settings = script("pip_settings")

MIRROR = "https://mirror.example/simple"
OTHER = "https://other.example/simple"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return an environment whose only configuration is in an empty home, whatever this machine has."""
    monkeypatch.setattr(pip_settings, "SYSTEM_PIP_FILES", (tmp_path / "etc/pip.conf",))
    monkeypatch.setattr(pip_settings, "SYSTEM_UV_FILE", tmp_path / "etc/uv.toml")
    nowhere = str(tmp_path / "none")
    return {
        "HOME": str(tmp_path),
        "XDG_CONFIG_DIRS": nowhere,
        "PIP_CONFIG_FILE": str(tmp_path / "named.conf"),
    }


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


@pytest.mark.parametrize(
    ("pip", "value", "uv", "becomes"),
    [
        ("PIP_INDEX_URL", MIRROR, "UV_DEFAULT_INDEX", MIRROR),
        ("PIP_EXTRA_INDEX_URL", f"{MIRROR}\n{OTHER}", "UV_INDEX", f"{MIRROR} {OTHER}"),
        ("PIP_FIND_LINKS", "/wheels /more", "UV_FIND_LINKS", "/wheels,/more"),
        ("PIP_CERT", "/ca.pem", "SSL_CERT_FILE", "/ca.pem"),
        ("PIP_TRUSTED_HOST", "a.example b.example", "UV_INSECURE_HOST", "a.example b.example"),
        ("PIP_PROXY", "http://proxy.example", "ALL_PROXY", "http://proxy.example"),
        ("PIP_DEFAULT_TIMEOUT", "90", "UV_HTTP_TIMEOUT", "90"),
    ],
)
def test_pips_variables_reach_uv_unless_it_has_its_own(home, pip, value, uv, becomes):
    assert pip_settings.for_installing(home | {pip: value})[uv] == becomes
    assert pip_settings.for_installing(home | {pip: value, uv: "own"})[uv] == "own"


def test_the_nearest_file_wins_and_a_variable_beats_every_file(home, tmp_path):
    write(tmp_path / "etc/pip.conf", f"[global]\nindex-url = {OTHER}\ncert = /old.pem\n")
    assert pip_settings.for_installing(home)["UV_DEFAULT_INDEX"] == OTHER
    write(tmp_path / ".config/pip/pip.conf", f"[install]\nindex_url = {MIRROR}\n[global]\nindex-url = {OTHER}\n")
    told = pip_settings.for_installing(home)
    assert (told["UV_DEFAULT_INDEX"], told["SSL_CERT_FILE"]) == (MIRROR, "/old.pem")
    write(tmp_path / "named.conf", "[install]\nindex-url = https://named.example/simple\n")
    assert pip_settings.for_installing(home)["UV_DEFAULT_INDEX"] == "https://named.example/simple"
    told = pip_settings.for_installing(home | {"PIP_INDEX_URL": "https://set.example/simple"})
    assert told["UV_DEFAULT_INDEX"] == "https://set.example/simple"


def test_a_percent_sign_in_a_password_is_left_alone(home, tmp_path):
    write(tmp_path / "named.conf", "[global]\nindex-url = https://me:p%40ss@mirror.example/simple\n")
    assert pip_settings.for_installing(home)["UV_DEFAULT_INDEX"] == "https://me:p%40ss@mirror.example/simple"


def test_no_file_is_read_when_pip_is_told_to_read_none(home, tmp_path):
    write(tmp_path / ".config/pip/pip.conf", f"[global]\nindex-url = {MIRROR}\n")
    assert "UV_DEFAULT_INDEX" not in pip_settings.for_installing(home | {"PIP_CONFIG_FILE": "/dev/null"})


def test_a_broken_file_is_named_and_left_out_without_its_content(home, tmp_path, capsys):
    write(tmp_path / "named.conf", "index-url = https://me:secret@mirror.example/simple\n")
    assert "UV_DEFAULT_INDEX" not in pip_settings.for_installing(home)
    said = capsys.readouterr().err
    assert "named.conf is left out" in said
    assert "secret" not in said


def test_uvs_own_file_keeps_its_indexes_and_takes_the_certificates(home, tmp_path):
    write(tmp_path / ".config/uv/uv.toml", "")
    told = pip_settings.for_installing(home | {"PIP_INDEX_URL": MIRROR, "PIP_CERT": "/ca.pem"})
    assert "UV_DEFAULT_INDEX" not in told
    assert told["SSL_CERT_FILE"] == "/ca.pem"


def test_locking_looks_in_one_index_only(home):
    told = pip_settings.for_locking(home | {"PIP_INDEX_URL": MIRROR, "PIP_EXTRA_INDEX_URL": OTHER})
    assert told["UV_DEFAULT_INDEX"] == MIRROR
    assert "UV_INDEX" not in told
    assert "UV_INDEX_STRATEGY" not in told


@pytest.mark.parametrize("index", [MIRROR, f"our-mirror={MIRROR}", f"{MIRROR}?token=abc"])
def test_uvs_index_and_certificates_reach_pip(home, index):
    told = pip_settings.for_pip(home | {"UV_DEFAULT_INDEX": index, "SSL_CERT_FILE": "/ca.pem"})
    assert told["PIP_INDEX_URL"] == index.removeprefix("our-mirror=")
    assert told["PIP_CERT"] == "/ca.pem"
    assert pip_settings.for_pip(home | {"UV_DEFAULT_INDEX": index, "PIP_INDEX_URL": OTHER})["PIP_INDEX_URL"] == OTHER
