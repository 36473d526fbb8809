"""The image, as far as it shows without an engine: its shape, its build's command, its health check."""

import http.server
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from tests.project.dockerfile import parse
from tests.project.places import ROOT, text

BUILDER, RUNTIME = parse(text("Dockerfile"))
STATE = "/var/lib/maasbot"


def test_the_runtime_takes_one_folder_from_the_builder_and_nothing_from_here():
    assert BUILDER.name == "builder"
    assert BUILDER.base == RUNTIME.base
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", RUNTIME.base)
    assert RUNTIME.all("COPY") == ["--from=builder /opt/maasbot /opt/maasbot"]
    assert not re.search(r"\b(pip|uv|apt-get|gcc|curl)\b", " ".join(RUNTIME.all("RUN")))


def test_it_runs_as_a_numbered_user_who_owns_the_state():
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", RUNTIME.only("USER"))
    uid, gid = RUNTIME.only("USER").split(":")
    made = " ".join(RUNTIME.all("RUN"))
    assert f"--uid {uid}" in made
    assert f"install -d -o {uid} -g {gid} -m 0700 {STATE}" in made
    assert RUNTIME.only("VOLUME") == f'["{STATE}"]'
    steps = [name for name, _ in RUNTIME.instructions]
    assert steps.index("USER") > max(index for index, name in enumerate(steps) if name in {"RUN", "COPY"})


def test_it_starts_the_bot_directly_so_that_signals_reach_it():
    assert RUNTIME.exec_form("ENTRYPOINT") == ["maasbot"]
    assert RUNTIME.exec_form("CMD") == ["run"]
    settings = " ".join(RUNTIME.all("ENV")).split()
    assert {"MAASBOT_HTTP_HOST=0.0.0.0", f"MAASBOT_STATE_DIR={STATE}", "PATH=/opt/maasbot/bin:$PATH"} <= set(settings)


def test_no_secret_is_set_or_copied():
    for stage in (BUILDER, RUNTIME):
        for name, arguments in stage.instructions:
            if name in {"ENV", "ARG", "LABEL"}:
                assert not re.search(r"TOKEN|SECRET|PASSWORD|KEY", arguments), arguments


def sources() -> list[str]:
    return [source for copied in BUILDER.all("COPY") for source in copied.split()[:-1]]


def test_what_is_copied_is_there_and_reaches_the_build():
    everything, *kept = text(".dockerignore").split()
    assert everything == "*"
    allowed = {line[1:] for line in kept if line.startswith("!")}
    assert set(sources()) == allowed
    for source in sources():
        assert (ROOT / source).exists()
    for secret in (".env", "maasbot.env", "maasbot.toml", ".git", ".venv", "tests"):
        assert not any(fnmatch(secret, pattern) for pattern in allowed)


def test_the_build_calls_the_set_up_with_options_that_it_has():
    (run,) = BUILDER.all("RUN")
    words = [word for word in shlex.split(run) if not word.startswith("--mount")]
    assert words[:2] == ["python3", "scripts/environment.py"]
    helped = subprocess.run(
        [sys.executable, ROOT / words[1], "--help"], capture_output=True, text=True, check=True, timeout=60
    )
    for option in (word for word in words if word.startswith("--")):
        assert re.search(rf"{option}\b", helped.stdout), option
    assert words[words.index("--venv") + 1] == "/opt/maasbot"


@contextmanager
def answering(status: int) -> Iterator[int]:
    """Serve this status at /healthz and 404 elsewhere; yield the port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def health_check(port: int) -> int:
    program, *arguments = RUNTIME.exec_form("HEALTHCHECK")
    assert program == "python3"
    # A proxy that the machine is configured for must not be asked for the container's own page.
    environ = {"MAASBOT_HTTP_PORT": str(port), "http_proxy": "http://127.0.0.1:9"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environ, capture_output=True, check=False, timeout=60).returncode


@pytest.mark.parametrize(("status", "well"), [(200, True), (503, False), (404, False)])
def test_the_health_check_tells_well_from_ill(status, well):
    with answering(status) as port:
        assert (health_check(port) == 0) is well
    assert health_check(port) != 0


@pytest.mark.parametrize("name", ["bot", "bot-2"])
def test_compose_runs_the_image_as_closed_as_it_is(name):
    composed = yaml.safe_load(text("compose.yml"))
    bot = composed["services"][name]
    assert bot["build"] == "."
    assert bot["read_only"] is True
    assert bot["cap_drop"] == ["ALL"]
    assert bot["security_opt"] == ["no-new-privileges:true"]
    (volume,) = bot["volumes"]
    volume_name, _, mounted = volume.partition(":")
    assert mounted == STATE
    assert volume_name in composed["volumes"]
    assert all(port.startswith("127.0.0.1:") for port in bot["ports"])
    assert not Path(ROOT / bot["env_file"]).exists() or bot["env_file"] in text(".gitignore")


def test_compose_has_two_bots_on_one_database_and_no_password():
    composed = yaml.safe_load(text("compose.yml"))
    bots = [composed["services"][name] for name in ("bot", "bot-2")]
    urls = {bot["environment"]["MAASBOT_DATABASE_URL"] for bot in bots}
    assert len(urls) == 1, "two databases would be two bots that know nothing of each other"
    (url,) = urls
    password = composed["services"]["database"]["environment"]["POSTGRES_PASSWORD"]
    assert password.startswith("${MAASBOT_DATABASE_PASSWORD:?")
    assert url == f"postgresql://maasbot:{password}@database:5432/maasbot"
    assert all(bot["depends_on"]["database"]["condition"] == "service_healthy" for bot in bots)
    assert len({bot["volumes"][0] for bot in bots}) == 2, "each bot has a state directory of its own"
    assert len({port for bot in bots for port in bot["ports"]}) == 2
    assert "ports" not in composed["services"]["database"]
    assert set(composed["volumes"]) == {"state", "state-2", "database"}
    assert ".env" in text(".gitignore").split()
