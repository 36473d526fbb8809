"""What makes the audit's tables append-only in the database itself: triggers, and the first head row.

Whoever can drop a trigger can still change the past; the chain shows that (see bot.audit.chain). The statements hold
no percent sign, so that no driver takes them for a format.
"""

from __future__ import annotations

#: What the first record continues.
GENESIS = "0" * 64

_FIRST_HEAD = f"INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, '{GENESIS}')"  # noqa: S608 - our own constant

_APPEND_ONLY = "the audit is append-only"
_OUT_OF_ORDER = "an audit record must continue the last one"
_HEAD = "the head of the audit only moves on to the record that was appended"

#: Conditions under which a write is refused, in the SQL that both databases speak.
_NOT_NEXT = "NOT EXISTS (SELECT 1 FROM audit_head WHERE id = 1 AND seq + 1 = NEW.seq AND hash = NEW.previous)"
_NOT_ONWARDS = """NOT (
    NEW.id = OLD.id AND (
        (NEW.seq = OLD.seq AND NEW.hash = OLD.hash)
        OR (NEW.seq = OLD.seq + 1 AND EXISTS (
            SELECT 1 FROM audit_records WHERE seq = NEW.seq AND hash = NEW.hash AND previous = OLD.hash))))"""
_SECOND_HEAD = "EXISTS (SELECT 1 FROM audit_head)"

#: Trigger name, event, table, condition (empty: always), what the database says.
_TRIGGERS = (
    ("audit_records_keep", "UPDATE", "audit_records", "", _APPEND_ONLY),
    ("audit_records_stay", "DELETE", "audit_records", "", _APPEND_ONLY),
    ("audit_records_follow", "INSERT", "audit_records", _NOT_NEXT, _OUT_OF_ORDER),
    ("audit_head_onwards", "UPDATE", "audit_head", _NOT_ONWARDS, _HEAD),
    ("audit_head_stays", "DELETE", "audit_head", "", _APPEND_ONLY),
    ("audit_head_alone", "INSERT", "audit_head", _SECOND_HEAD, _APPEND_ONLY),
)


def statements(dialect: str) -> tuple[str, ...]:
    """What to run once, right after both tables were made, on `sqlite` or `postgresql`.

    Raises:
        ValueError: another database.
    """
    if dialect == "sqlite":
        # BEFORE INSERT also stops INSERT OR REPLACE, which deletes without asking the DELETE trigger.
        return (_FIRST_HEAD, *(_sqlite(*one) for one in _TRIGGERS))
    if dialect == "postgresql":
        found = [_FIRST_HEAD]
        for name, verb, table, condition, text in _TRIGGERS:
            found += _postgresql(name, verb, table, condition, text)
        for table in ("audit_records", "audit_head"):
            function = "audit_records_stay_fn"
            found.append(
                f"CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
            )
        return tuple(found)
    raise ValueError(f"no audit on {dialect}")


def _sqlite(name: str, verb: str, table: str, condition: str, text: str) -> str:
    when = f" WHEN {condition}" if condition else ""
    return f"CREATE TRIGGER {name} BEFORE {verb} ON {table}{when} BEGIN SELECT RAISE(ABORT, '{text}'); END"


def _postgresql(name: str, verb: str, table: str, condition: str, text: str) -> tuple[str, str]:
    refuse = f"RAISE EXCEPTION '{text}' USING ERRCODE = 'integrity_constraint_violation';"
    body = f"IF {condition} THEN {refuse} END IF; RETURN NEW;" if condition else refuse
    function = (
        f"CREATE OR REPLACE FUNCTION {name}_fn() RETURNS trigger LANGUAGE plpgsql AS $audit$ BEGIN {body} END $audit$"
    )
    trigger = f"CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}_fn()"
    return function, trigger
