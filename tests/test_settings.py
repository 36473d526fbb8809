"""Settings: right ones are read, wrong ones are named, secrets never shown."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.settings import Settings, SettingsError, load_settings
from bot.settings_fields import parse_duration

GOOD = {
    "SLACK_BOT_TOKEN": "xoxb-secret-bot",
    "SLACK_APP_TOKEN": "xapp-secret-app",
    "MAAS_URL": "http://maas.test:5240/MAAS",
    "MAAS_API_KEY": "consumer:token:secretsecret",
}
SECRETS = ("xoxb-secret-bot", "xapp-secret-app", "secretsecret")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in list(os.environ):
        if name.startswith(("SLACK_", "MAAS_", "MAASBOT_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def load(monkeypatch: pytest.MonkeyPatch, **values: str) -> Settings:
    for name, value in {**GOOD, **values}.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def faults(monkeypatch: pytest.MonkeyPatch, **values: str) -> list[str]:
    with pytest.raises(SettingsError) as error:
        load(monkeypatch, **values)
    for secret in SECRETS:
        assert secret not in str(error.value)
        assert secret not in repr(error.value)
    return error.value.faults


def test_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch)
    assert settings.mode == "socket"
    assert (settings.http_host, settings.http_port) == ("127.0.0.1", 3000)
    assert settings.approval_ttl == timedelta(minutes=30)
    assert settings.import_stalled_after == timedelta(minutes=10)
    assert settings.channels == ()
    assert settings.all_regions()["default"].key().get_secret_value() == GOOD["MAAS_API_KEY"]
    assert all(secret not in repr(settings) for secret in SECRETS)


def test_lists_and_durations(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(
        monkeypatch,
        MAASBOT_CHANNELS="C0AAA, C0BBB",
        MAASBOT_OPERATORS="U0AAA,S0BBB",
        MAASBOT_APPROVAL_TTL="24 h",
    )
    assert settings.channels == ("C0AAA", "C0BBB")
    assert settings.operators == ("U0AAA", "S0BBB")
    assert settings.approval_ttl == timedelta(hours=24)


@pytest.mark.parametrize("bad", ["", "0m", "24", "-5m", "5 weeks", "m", "1.5h"])
def test_a_duration_needs_its_unit(bad: str) -> None:
    with pytest.raises(ValueError, match="number with its unit"):
        parse_duration(bad)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLACK_BOT_TOKEN", "xapp-secret-app"),
        ("SLACK_APP_TOKEN", "xoxb-secret-bot"),
        ("MAASBOT_MODE", "carrier-pigeon"),
        ("MAASBOT_HTTP_PORT", "99999"),
        ("MAASBOT_CHANNELS", "#ops"),
        ("MAASBOT_OPERATORS", "olga"),
        ("MAASBOT_APPROVAL_TTL", "30"),
        ("MAASBOT_LOG_LEVEL", "loud"),
        ("MAAS_URL", "maas.test"),
        ("MAAS_API_KEY", "secretsecret"),
        ("MAASBOT_DATABASE_URL", "mysql://user:secretsecret@host/db"),
        ("SLACK_API_URL", "slack"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    lines = faults(monkeypatch, **{name: value})
    assert len(lines) == 1
    assert lines[0].startswith(f"{name}: ")


def test_everything_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = faults(monkeypatch, SLACK_BOT_TOKEN="", SLACK_APP_TOKEN="", MAAS_URL="")
    assert [line.split(":")[0] for line in lines] == ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "MAAS_URL"]


def test_all_faults_are_told_in_one_round(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "maasbot.toml").write_text(
        "maasbot_chanels = 'C0A'\n[regions.lab]\napi_key = 'a:b:secretsecret'\n[policy]\nx = 1\n"
    )
    lines = faults(
        monkeypatch,
        SLACK_BOT_TOKEN="",
        MAAS_URL="",
        MAASBOT_HTTP_PORT="99999",
        MAASBOT_APPROVAL_TTL="30",
        MAASBOT_DATABASE_URL="mysql://h/db",
    )
    told = "\n".join(lines)
    for name in ("MAASBOT_HTTP_PORT: ", "MAASBOT_APPROVAL_TTL: ", "SLACK_BOT_TOKEN: ", "MAASBOT_DATABASE_URL: "):
        assert sum(line.startswith(name) for line in lines) == 1, told
    assert "did you mean MAASBOT_CHANNELS?" in told and "[policy] has no x" in told
    assert "regions.lab.url: field required" in told
    assert "MAAS_URL" not in told, "what follows from another fault is not told"
    assert len(lines) == 7


def test_a_wrong_mode_says_nothing_of_what_the_mode_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = faults(monkeypatch, MAASBOT_MODE="carrier-pigeon", SLACK_APP_TOKEN="", SLACK_BOT_TOKEN="")
    assert [line.split(":")[0] for line in lines] == ["MAASBOT_MODE", "SLACK_BOT_TOKEN"]


def test_http_mode_needs_the_signing_secret_and_no_app_token(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = faults(monkeypatch, MAASBOT_MODE="http", SLACK_APP_TOKEN="")
    assert [line.split(":")[0] for line in lines] == ["SLACK_SIGNING_SECRET"]
    assert load(monkeypatch, MAASBOT_MODE="http", SLACK_SIGNING_SECRET="s").mode == "http"


def test_the_key_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key = tmp_path / "key"
    lines = faults(monkeypatch, MAAS_API_KEY="", MAAS_API_KEY_FILE=str(key))
    assert lines[0].startswith("MAAS_API_KEY_FILE: ")
    key.write_text("secretsecret\n")
    assert faults(monkeypatch, MAAS_API_KEY="", MAAS_API_KEY_FILE=str(key))[0].endswith("joined by colons)")
    key.write_text("a:b:secretsecret\n")
    settings = load(monkeypatch, MAAS_API_KEY="", MAAS_API_KEY_FILE=str(key))
    assert settings.all_regions()["default"].key().get_secret_value() == "a:b:secretsecret"


def test_the_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "maasbot.toml").write_text(
        """
        maasbot_channels = ["C0FILE"]
        MAASBOT_HTTP_PORT = 8080
        [regions.lab]
        url = "http://lab:5240/MAAS"
        api_key = "a:b:c"
        [regions.lab.host]
        host = "lab"
        """
    )
    settings = load(monkeypatch, MAASBOT_HTTP_PORT="9090")
    assert settings.channels == ("C0FILE",)
    assert settings.http_port == 9090
    regions = settings.all_regions()
    assert set(regions) == {"lab", "default"}
    host = regions["lab"].host
    assert host is not None
    assert (host.host, host.ssh_port, host.ssh_user) == ("lab", 22, "maasbot")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("maasbot_chanels = 'C0A'", "did you mean MAASBOT_CHANNELS?"),
        ("= nonsense", "is not valid TOML"),
        ("[policy]\nx = 1", "maasbot.toml:2: [policy] has no x; it has [[policy.allow]]"),
        ("[regions.lab]\napi_key = 'a:b:secretsecret'", "regions.lab.url: field required"),
        ("[regions.lab]\nurl = 'http://x'\napi_key = 'secretsecret'", "three parts"),
    ],
)
def test_a_wrong_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "maasbot.toml").write_text(content)
    assert says in "\n".join(faults(monkeypatch))


def test_a_named_file_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert faults(monkeypatch, MAASBOT_CONFIG="/nowhere/maasbot.toml")[0].startswith("MAASBOT_CONFIG: ")


def test_the_policy_is_read_and_its_warnings_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rule = '[[policy.allow]]\nname = "lab"\nwho = []\ncommands = "*"\nchannels = ["C0ELSE"]\nregions = ["default"]\n'
    (tmp_path / "maasbot.toml").write_text(rule)
    settings = load(monkeypatch, MAASBOT_CHANNELS="C0OPS")
    assert [one.name for one in settings.policy.rules] == ["lab"]
    assert settings.policy_warnings() == [
        'maasbot.toml:1: [[policy.allow]] "lab": who is empty, so the rule is for nobody',
        'maasbot.toml:1: [[policy.allow]] "lab": channels: C0ELSE is not in MAASBOT_CHANNELS, '
        "so the rule never holds there",
    ]
    (tmp_path / "maasbot.toml").write_text(rule.replace('"default"', '"defautl"'))
    assert faults(monkeypatch) == [
        'maasbot.toml:1: [[policy.allow]] "lab": regions: no region is named defautl; did you mean default?'
    ]


def test_the_environment_can_not_slip_in_a_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = faults(monkeypatch, policy='{"rules": []}')
    assert lines[0].startswith("policy: ")


def test_database_password_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, MAASBOT_DATABASE_URL="postgresql://maasbot:pa%40ss@database:5432/maasbot")
    assert "pa@ss" in settings.secrets()
    assert settings.own_database_url() == settings.engine_database_url()
    assert "pa%40ss" not in repr(settings)


def test_unreadable_database_url_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    [fault] = faults(monkeypatch, MAASBOT_DATABASE_URL="postgresql://maasbot:secretsecret@database:port/maasbot")
    assert fault.startswith("MAASBOT_DATABASE_URL: can't be read")


def test_keep_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch).keep_operations == timedelta(days=90)
    assert load(monkeypatch, MAASBOT_KEEP_OPERATIONS="30d").keep_operations == timedelta(days=30)


def test_a_host_alone_is_a_region_that_is_yet_to_be_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nothing = {"MAAS_URL": "", "MAAS_API_KEY": "", "MAASBOT_STATE_DIR": str(tmp_path)}
    assert any("MAAS_URL: missing" in line for line in faults(monkeypatch, **nothing))
    settings = load(monkeypatch, **nothing, MAAS_HOST="maas-1")
    region = settings.all_regions()["default"]
    assert region.url == "http://maas-1:5240/MAAS"
    assert settings.key_of("default") is None
    own = settings.own_key_file("default")
    own.write_text("a:b:made-at-the-installation\n")
    made = settings.key_of("default")
    assert made is not None
    assert made.get_secret_value() == "a:b:made-at-the-installation"
    assert "a:b:made-at-the-installation" in settings.secrets()
    own.write_text("no key")
    assert any("holds no API key" in line for line in faults(monkeypatch, **nothing, MAAS_HOST="maas-1"))


def test_a_key_file_that_an_installation_will_write(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "region.key"
    without = {"MAAS_API_KEY": "", "MAAS_API_KEY_FILE": str(file)}
    assert any("can't be read" in line for line in faults(monkeypatch, **without))
    settings = load(monkeypatch, **without, MAAS_HOST="maas-1")
    assert settings.key_of("default") is None
    assert settings.own_key_file("default") == file
