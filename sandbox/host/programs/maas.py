"""`maas`, with the texts, exit codes and bad habits of 2.9, 3.4 and 3.5's own program; its tables are real ones."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import time
from urllib.parse import unquote, urlsplit

from sandbox.host.programs.standin import SNAP_DATA, SOCKETS, fail, fault, pause, psql, read_state, say

CONF = f"{SNAP_DATA}/current/regiond.conf"
MODE = f"{SNAP_DATA}/common/snap_mode"
MIGRATIONS = [f"maasserver.{number:04d}_step" for number in range(1, 41)]
_TABLES = (
    "CREATE TABLE IF NOT EXISTS auth_user (id serial PRIMARY KEY, username text UNIQUE, email text UNIQUE,"
    " is_superuser boolean, password text);"
    "CREATE TABLE IF NOT EXISTS maasserver_node (id serial PRIMARY KEY, system_id text, hostname text, status integer,"
    " node_type integer);"
    "CREATE TABLE IF NOT EXISTS standin_key (id serial PRIMARY KEY, username text, key text);"
)


def series() -> tuple[int, int]:
    version = read_state()["snaps"]["maas"]["version"]
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def config() -> dict[str, str]:
    """What regiond.conf and the mode's file say."""
    found = {"mode": "none", "url": "", "host": "", "port": "", "name": "", "user": "", "pass": ""}
    try:
        with open(MODE, encoding="utf-8") as stream:
            found["mode"] = stream.read().strip() or "none"
        with open(CONF, encoding="utf-8") as stream:
            for line in stream:
                name, _, value = line.strip().partition(": ")
                found[name.replace("database_", "").replace("maas_", "")] = value
    except FileNotFoundError:
        pass
    return found


def migrated(fields: dict[str, str]) -> int:
    said = psql(fields, "SELECT count(*) FROM django_migrations;")
    return int(said.stdout.strip() or 0) if said.returncode == 0 else 0


def read_input(prompt: str) -> str:
    """As the real one: at the end of its input it asks for ever."""
    while True:
        try:
            return input(prompt)
        except EOFError:
            print()
            continue


def write(path: str, text: str, mode: int) -> None:
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)
    os.chmod(path, mode)


def set_mode(fields: dict[str, str]) -> None:
    lines = [f"database_{name}: {fields[name]}" for name in ("host", "name", "pass", "user")]
    if fields["port"]:
        lines.append(f"database_port: {fields['port']}")
    write(CONF, "\n".join([*lines, f"maas_url: {fields['url']}"]) + "\n", 0o644)
    write(MODE, "region+rack\n", 0o644)


def init(words: list[str]) -> None:
    force = "--force" in words
    before = config()
    if before["mode"] != "none" and not force:
        answer = read_input(
            "Controller has already been initialized to region+rack mode."
            " Are you sure you want to initialize again (yes/no)? "
        )
        if answer != "yes":
            sys.exit(0)
    given = {one.partition("=")[0]: one.partition("=")[2] for one in words if "=" in one}
    uri = given.get("--database-uri") or read_input("Database URI (type 'help' for information): ")
    url = given.get("--maas-url") or read_input("MAAS URL [default=http://10.77.0.2:5240/MAAS]: ")
    if fault("init-asks-more"):
        read_input("Something that is new in this version: ")
    fields = database_fields(uri)
    fields["url"] = url or "http://10.77.0.2:5240/MAAS"
    time.sleep(float(fault("init-slow", 0)))
    said = psql(fields, "SELECT 1;")
    if series() < (3, 0):
        set_mode(fields)
    if said.returncode:
        fail(f"django.db.utils.OperationalError: {said.stderr.strip()}")
    tables = psql(fields, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public';").stdout.strip()
    # Newer ones pass the migrations over when there is any table.
    if series() < (3, 0) or tables == "0":
        migrate(fields)
    set_mode(fields)
    if tables == "0":
        say("MAAS has been set up.\n\nIf you want to configure external authentication or use")
        say("MAAS with Canonical RBAC, please run\n\n  sudo maas configauth")
    subprocess.run(["systemctl", "restart", "--no-block", "snap.maas.supervisor.service"], check=False)


def database_fields(uri: str) -> dict[str, str]:
    if uri == "maas-test-db:///":
        known = {"host": SOCKETS, "port": "", "name": "maasdb", "user": "maas", "pass": "test-db-s3cret"}
        return {**known, "mode": "region+rack"}
    parts = urlsplit(uri)
    if parts.scheme != "postgres":
        fail("Database URI needs to be either 'maas-test-db:///' or start with 'postgres://'")
    return {
        "host": parts.hostname or "localhost",
        "port": str(parts.port or ""),
        "name": parts.path.strip("/"),
        "user": unquote(parts.username or ""),
        "pass": unquote(parts.password or ""),
        "mode": "region+rack",
    }


def migrate(fields: dict[str, str]) -> None:
    say("Operations to perform:\n  Apply all migrations: maasserver\nRunning migrations:")
    psql(fields, "CREATE TABLE IF NOT EXISTS django_migrations (id serial PRIMARY KEY, app text, name text UNIQUE);")
    had = set(psql(fields, "SELECT name FROM django_migrations;").stdout.split())
    crash = int(fault("init-crash-after", 0))
    for number, name in enumerate(MIGRATIONS, 1):
        if name in had:
            continue
        sql = f"INSERT INTO django_migrations (app, name) VALUES ('maasserver', '{name}');"
        if number == len(MIGRATIONS) // 2:
            sql = _TABLES + sql
        made = psql(fields, sql)
        if made.returncode:
            fail(f"django.db.utils.ProgrammingError: {made.stderr.strip()}")
        say(f"  Applying {name}... OK")
        if crash and number >= crash:
            fail("django.db.utils.OperationalError: server closed the connection unexpectedly")
        time.sleep(float(fault("migration-slow", 0)))


def show_config(words: list[str]) -> None:
    fields = config()
    names = [("mode", "mode"), ("maas_url", "url"), ("database_host", "host"), ("database_port", "port")]
    names += [("database_name", "name"), ("database_user", "user")]
    if "--show-database-password" in words:
        names.append(("database_pass", "pass"))
    if fields["mode"] == "none":
        say("mode=none")
        return
    for shown, name in names:
        say(f"{shown}={fields[name] or None}")


def status() -> None:
    if os.geteuid() != 0:
        fail("The 'status' command must be run by root.")
    fields = config()
    if fields["mode"] == "none":
        fail("MAAS is not configured")
    active = (
        subprocess.run(["systemctl", "is-active", "-q", "snap.maas.supervisor.service"], check=False).returncode == 0
    )
    broken = str(fault("service-down", ""))
    if series() >= (3, 5):
        if not active:
            fail("Pebble exited with error code 1\nerror: cannot communicate with server")
        say("Service          Startup   Current   Since")
        for name in ("agent", "apiserver", "bind9", "http", "ntp", "proxy", "rackd", "regiond", "syslog", "temporal"):
            say(f"{name:<16} enabled   {'backoff' if name == broken else 'active':<9} today at 07:00 UTC")
        for name in ("dhcpd", "dhcpd6"):
            say(f"{name:<16} disabled  inactive  -")
        return
    if not active:
        fail("unix:///var/snap/maas/common/supervisor.sock no such file", 4)
    for name in ("bind9", "http", "ntp", "proxy", "rackd", "regiond", "syslog"):
        if name == broken:
            say(f"{name:<32} FATAL     Exited too quickly (process log may have details)")
        else:
            say(f"{name:<32} RUNNING   pid 1234, uptime 0:10:02")
    for name in ("dhcpd", "dhcpd6"):
        say(f"{name:<32} STOPPED   Not started")
    sys.exit(3)


def createadmin() -> None:
    fields = config()
    name, first, second = read_input("Username: "), read_input("Password: "), read_input("Again: ")
    mail = read_input("Email: ")
    read_input("Import SSH keys [] (lp:user-id or gh:user-id): ")
    if first != second:
        fail("CommandError: Passwords do not match")
    hashed = secrets.token_hex(8)
    made = psql(
        fields,
        "INSERT INTO auth_user (username, email, is_superuser, password)"
        f" VALUES ('{name}', '{mail}', true, '{hashed}');",
    )
    if made.returncode:
        if series() < (3, 0):
            fail(
                'IntegrityError: duplicate key value violates unique constraint "auth_user_username_key"',
                2,
            )
        fail(f"CommandError: A user with the email {mail} already exists.")


def given_key() -> str:
    """The key of the region stand-in that answers in this region's name, where there is one."""
    try:
        with open("/etc/standin/key", encoding="ascii") as stream:
            return stream.read().strip()
    except FileNotFoundError:
        return ""


def apikey(words: list[str]) -> None:
    fields = config()
    name = next((one.partition("=")[2] for one in words if one.startswith("--username=")), "")
    if not re.fullmatch(r"[\w@.+-]+", name):
        fail("CommandError: You must provide a username with --username.")
    if psql(fields, f"SELECT 1 FROM auth_user WHERE username = '{name}';").stdout.strip() != "1":
        fail("CommandError: User does not exist.")
    if "--generate" in words:
        key = given_key() or ":".join(secrets.token_hex(40)[start:end] for start, end in ((0, 18), (18, 36), (36, 68)))
        psql(fields, f"INSERT INTO standin_key (username, key) VALUES ('{name}', '{key}');")
        say(key)
        return
    print(psql(fields, f"SELECT key FROM standin_key WHERE username = '{name}' ORDER BY id;").stdout, end="")


def main(words: list[str]) -> None:
    command, *rest = words or [""]
    pause("maas-start", 0)
    if command not in ("config", "login", "logout", "list") and os.geteuid() != 0:
        fail(f"The '{command}' command must be run by root.")
    if command == "init":
        init(rest)
    elif command == "migrate":
        migrate(config())
    elif command == "config":
        show_config(rest)
    elif command == "status":
        status()
    elif command == "createadmin":
        createadmin()
    elif command == "apikey":
        apikey(rest)
    else:
        fail(f"usage: maas [-h] COMMAND ...\n\nargument COMMAND: invalid choice: '{command}'", 2)


if __name__ == "__main__":
    main(sys.argv[1:])
