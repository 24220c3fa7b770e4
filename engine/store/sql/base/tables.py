"""The tables of the state, the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, Table, Text, text

if TYPE_CHECKING:
    from sqlalchemy import Connection

TEXT = Text().with_variant(Text(collation="C"), "postgresql")
"""Texts are sorted by their bytes everywhere: run ids and times must be."""
INTEGER = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite numbers new rows only if their key is declared as INTEGER (https://www.sqlite.org/autoinc.html)."""

SCHEMA_VERSION = "22"
"""The schema version that this release writes. 0.1.0 is the first release; the numbers before were never released."""

metadata = MetaData()

meta = Table("meta", metadata, Column("key", TEXT, primary_key=True), Column("value", TEXT, nullable=False))

_FAILED_PART = "json_extract(counts, '$.failed_steps') > 0 OR json_extract(counts, '$.failed_items') > 0"
PARTS_FAILED_SQLITE = f"status = 'succeeded' AND ({_FAILED_PART})"
"""The condition for runs that succeeded though parts failed; SQLite uses its index only for this very text."""
PARTS_FAILED_POSTGRES = (
    "status = 'succeeded' AND ((counts::json ->> 'failed_steps')::bigint > 0"
    " OR (counts::json ->> 'failed_items')::bigint > 0)"
)
"""The same for PostgreSQL."""


_POSTGRES_CONDITION = "postgres_condition"


def _index(name: str, *columns: str, where: str, postgres: str = "") -> Index:
    """Return an index of the rows that meet a condition."""
    return Index(name, *columns, sqlite_where=text(where), info={_POSTGRES_CONDITION: postgres or where})


runs = Table(
    "runs",
    metadata,
    Column("run_id", TEXT, primary_key=True),
    Column("workflow", TEXT, nullable=False),
    # What is kept of a workflow goes by its id, which stays the same when its file is renamed.
    Column("workflow_id", TEXT, nullable=False),
    Column("title", TEXT, nullable=False),
    Column("status", TEXT, nullable=False),
    Column("demo", INTEGER, nullable=False),
    Column("started_by", TEXT, nullable=False),
    Column("origin_run_id", TEXT),
    Column("parent_run_id", TEXT),
    Column("queued_at", TEXT, nullable=False),
    Column("started_at", TEXT),
    Column("ended_at", TEXT),
    Column("duration_seconds", Float),
    Column("sentence", TEXT, nullable=False, default=""),
    Column("counts", TEXT, nullable=False, default="{}"),
    Column("owner", TEXT),
    Column("due_at", TEXT),
    Column("cancel_requested", INTEGER, nullable=False, default=0),
    # The unchanging part of a run (inputs, definition, hash), until it ends: the start of its document.
    Column("acceptance", TEXT),
    Column("log", TEXT),
    # For a run that a trigger has queued and that still waits: the queue it is in (a workflow's id).
    Column("lane", TEXT),
    # 1 if the kind is a test (`RunKind.is_test`): processes of 0.1.0 know no other word for it.
    Column("is_test", INTEGER, nullable=False, server_default="0"),
    # The position of its last end among all ends, in the order in which they were stored, whatever clocks said: rising
    # milliseconds since 1970. A run whose process died at its very end is stored late, with the time of that end.
    Column("end_number", INTEGER),
    # Of a plan: the hash of its log, empty until it has ended. Null for a run that really runs.
    Column("plan_hash", TEXT),
    # Of a plan that no longer fitted the world when it was to be applied: 1, else null.
    Column("is_drifted", INTEGER),
    # What had changed then, as JSON: [{path, before, after}].
    Column("drift", TEXT),
    # The name of the environment in which it runs, empty if there were none.
    Column("environment", TEXT, nullable=False, server_default=""),
    # How urgent it is (`Priority`): 1 goes first.
    Column("priority", INTEGER, nullable=False, server_default="2"),
    # The real accounts that it may use: " mail notion ".
    Column("connections", TEXT, nullable=False, server_default=""),
    # 1 while a process works on it, or is about to: it counts for the limits then (engine/store/run_limits.py).
    Column("is_at_work", INTEGER, nullable=False, server_default="0"),
    # Of a run that a trigger has started: title and sender of the item in lower case, to find it by (`item_words`).
    Column("item", TEXT, nullable=False, server_default=""),
    # A `RunKind`; empty for a run that a process of 0.1.0 has accepted.
    Column("kind", TEXT, nullable=False, server_default=""),
    # One index per filter of the list: the newest 50 are read from its end, however many runs there are.
    Index("runs_by_status", "status", "run_id"),
    Index("runs_by_workflow", "workflow", "run_id"),
    Index("runs_by_workflow_id", "workflow_id", "run_id"),
    Index("runs_by_starter", "started_by", "run_id"),
    Index("runs_by_demo", "demo", "run_id"),
    Index("runs_by_environment", "environment", "run_id"),
    Index("runs_by_parent", "parent_run_id", "run_id"),
    # Ended runs have no owner, so that the index which processes read several times a second stays small.
    _index("runs_by_owner", "owner", where="owner IS NOT NULL"),
    _index("runs_by_lane", "lane", "run_id", where="lane IS NOT NULL"),
    # For processes that look for work, without those that have ended, and for what counts for the limits.
    _index("runs_by_turn", "priority", "run_id", where="owner IS NULL AND ended_at IS NULL"),
    _index("runs_at_work", "owner", where="is_at_work = 1"),
    # For runs that have ended since a number: a trigger asks every few seconds.
    _index("runs_by_end_number", "end_number", "run_id", where="end_number IS NOT NULL"),
    _index("runs_by_parts_failed", "run_id", where=PARTS_FAILED_SQLITE, postgres=PARTS_FAILED_POSTGRES),
    _index("runs_by_plan", "run_id", where="plan_hash IS NOT NULL"),
    _index("runs_by_end", "ended_at", "run_id", where="ended_at IS NOT NULL"),
)

# SQLite keeps rows without a rowid in the index of their key, so that one tree is written and read, not two
# (https://www.sqlite.org/withoutrowid.html).
events = Table(
    "events",
    metadata,
    Column("run_id", TEXT, primary_key=True),
    Column("number", INTEGER, primary_key=True, autoincrement=False),
    Column("event", TEXT, nullable=False),
    sqlite_with_rowid=False,
)

effects = Table(
    "effects",
    metadata,
    Column("identity", TEXT, primary_key=True),
    Column("account", TEXT, nullable=False),
    Column("state", TEXT, nullable=False),  # intent, done, unknown, undone
    Column("run_id", TEXT, nullable=False),
    Column("path", TEXT, nullable=False),
    Column("uses", TEXT, nullable=False),
    Column("arguments_hash", TEXT, nullable=False),
    Column("intended_at", TEXT, nullable=False),
    Column("done_at", TEXT),
    Column("receipt", TEXT),
    Column("output", TEXT),
    Column("sends", INTEGER, nullable=False, default=0),
    # How often a write of this identity was undone: each generation is another object in the service.
    Column("generation", INTEGER, nullable=False, server_default="0"),
    # The process that is about to send it, or was: until that process is proven dead, it may still do so.
    Column("owner", TEXT),
    Index("effects_by_account", "account"),
    Index("effects_by_run", "run_id"),
    # For the mails of the last days: the search for reports about them asks again and again.
    Index("effects_by_uses", "uses", "done_at"),
    sqlite_with_rowid=False,
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("run_id", TEXT, nullable=False),
    Column("path", TEXT, nullable=False),
    Column("workflow", TEXT, nullable=False),
    Column("message", TEXT, nullable=False),
    Column("details", TEXT, nullable=False),
    Column("asked_at", TEXT, nullable=False),
    Column("state", TEXT, nullable=False),  # open, scheduled, approved, rejected, expired, withdrawn
    Column("answered_at", TEXT),
    Column("answered_by", TEXT),
    Column("comment", TEXT, nullable=False, default=""),
    Column("call", TEXT, nullable=False, server_default=""),  # JSON; empty: a plain question
    Column("call_hash", TEXT, nullable=False, server_default=""),
    Column("terms", TEXT, nullable=False, server_default=""),  # JSON: who may answer
    Column("expires_at", TEXT),
    Column("edited", TEXT, nullable=False, server_default=""),  # JSON: the arguments as a person changed them
    Column("notified_at", TEXT),
    Index("approvals_by_state", "state", "id"),
    Index("approvals_by_run", "run_id"),
    sqlite_with_rowid=False,
)

# One row for each trigger of a workflow, account and source (a folder, a database): each has its own cursor.
triggers = Table(
    "triggers",
    metadata,
    Column("workflow", TEXT, primary_key=True),  # its id
    Column("trigger", TEXT, primary_key=True),
    Column("account", TEXT, primary_key=True),
    Column("source", TEXT, primary_key=True),
    Column("uses", TEXT, nullable=False),
    Column("is_on", INTEGER, nullable=False),
    Column("demo", INTEGER, nullable=False),
    Column("start", TEXT, nullable=False),  # where to start, as a person chose it: {"last": 10} | {"since": …} | {}
    Column("cursor", TEXT),  # null: not polled yet
    Column("turned_on_at", TEXT, nullable=False),
    Column("turned_on_by", TEXT, nullable=False),
    Column("looked_at", TEXT),  # the last poll, good or bad
    Column("succeeded_at", TEXT),  # the last good poll
    Column("look_again_at", TEXT),
    Column("item_at", TEXT),  # the watermark: when the newest item seen arrived, according to its service
    Column("failures", INTEGER, nullable=False, server_default="0"),  # failed polls in a row
    Column("error", TEXT),
    Column("note", TEXT, nullable=False, server_default=""),
    Column("alarmed_at", TEXT),
    sqlite_with_rowid=False,
)

# The items that a trigger has seen, for ever: each starts at most one run.
trigger_items = Table(
    "trigger_items",
    metadata,
    Column("workflow", TEXT, primary_key=True),  # its id
    Column("trigger", TEXT, primary_key=True),
    Column("account", TEXT, primary_key=True),
    Column("source", TEXT, primary_key=True),
    Column("item", TEXT, primary_key=True),
    Column("state", TEXT, nullable=False),  # started, skipped, failing, dead, dismissed
    Column("run_id", TEXT),
    Column("title", TEXT, nullable=False, server_default=""),
    Column("seen_at", TEXT, nullable=False),
    Column("item_at", TEXT),
    Column("note", TEXT, nullable=False, server_default=""),  # why it was left out
    Column("error", TEXT),  # of a dead item, or of one held back by failing reads
    Column("attempts", INTEGER, nullable=False, server_default="0"),  # polls in which it could not be read
    Column("value", TEXT),  # of a dead item, if it could be read
    Index("trigger_items_by_state", "state", "seen_at"),
    Index("trigger_items_by_run", "run_id"),
    sqlite_with_rowid=False,
)

# Accounts that refuse what workflows need: triggers that need them pause until that is resolved.
troubles = Table(
    "troubles",
    metadata,
    Column("connection", TEXT, primary_key=True),
    Column("mode", TEXT, primary_key=True),
    Column("workflow", TEXT, primary_key=True),  # the id of the workflow that is refused something; empty: all of them
    Column("service", TEXT, nullable=False),
    Column("kind", TEXT, nullable=False),  # revoked, reduced, refused
    Column("account", TEXT, nullable=False),
    Column("message", TEXT, nullable=False),
    Column("since", TEXT, nullable=False),
    # A hash of the settings it occurred with: another key resolves it.
    Column("key_mark", TEXT, nullable=False),
    sqlite_with_rowid=False,
)

request_keys = Table(
    "request_keys",
    metadata,
    Column("key", TEXT, primary_key=True),
    Column("content_hash", TEXT, nullable=False),
    Column("run_id", TEXT, nullable=False),
    sqlite_with_rowid=False,
)

# Runs whose process died while working on them: how often since a step of theirs last ended, and in total.
run_deaths = Table(
    "run_deaths",
    metadata,
    Column("run_id", TEXT, primary_key=True),
    Column("in_a_row", INTEGER, nullable=False),
    Column("in_all", INTEGER, nullable=False),
    sqlite_with_rowid=False,
)


def _amounts() -> list[Column[int]]:
    """Return the columns of what model calls use."""
    names = ("calls", "input_tokens", "output_tokens", "nano_usd", "unpriced")
    return [Column(name, INTEGER, nullable=False) for name in names]


# What model calls use, of a run, a workflow or all, in a period; with what is reserved (engine/store/spending.py).
spending = Table(
    "spending",
    metadata,
    Column("scope", TEXT, primary_key=True),
    Column("period", TEXT, primary_key=True),
    *_amounts(),
    sqlite_with_rowid=False,
)

# Model calls that have not been settled: they are being made, or their answer was lost.
reservations = Table(
    "reservations",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("run_id", TEXT, nullable=False),
    Column("owner", TEXT, nullable=False),
    Column("pots", TEXT, nullable=False),
    Column("at", TEXT, nullable=False),
    Column("over_at", TEXT, nullable=False),
    *_amounts(),
    Index("reservations_by_end", "over_at"),
    sqlite_with_rowid=False,
)

# Runs that wait because a budget is used up.
paused_runs = Table(
    "paused_runs",
    metadata,
    Column("run_id", TEXT, primary_key=True),
    Column("at", TEXT, nullable=False),
    sqlite_with_rowid=False,
)

# Steps that wait for mail: one row for each id of the conversation (engine/store/mail_waits.py).
mail_waits = Table(
    "mail_waits",
    metadata,
    Column("run_id", TEXT, primary_key=True),
    Column("path", TEXT, primary_key=True),
    Column("name", TEXT, primary_key=True),
    Column("connection", TEXT, nullable=False),
    Column("mode", TEXT, nullable=False),
    Column("looked_at", TEXT, nullable=False),
    # How often mail in the conversation was noticed.
    Column("hints", INTEGER, nullable=False),
    Index("mail_waits_by_name", "connection", "mode", "name"),
    sqlite_with_rowid=False,
)

# What reports say of mails that runs have sent (engine/store/bounces.py).
bounces = Table(
    "bounces",
    metadata,
    Column("number", INTEGER, primary_key=True),
    Column("run_id", TEXT, nullable=False),
    Column("path", TEXT, nullable=False),
    Column("recipient", TEXT, nullable=False),
    Column("action", TEXT, nullable=False),
    Column("status", TEXT, nullable=False),
    Column("diagnostic", TEXT, nullable=False),
    Column("connection", TEXT, nullable=False),
    # The id of the report in the mailbox.
    Column("mail", TEXT, nullable=False),
    Column("at", TEXT, nullable=False),
    Index("bounces_by_mail", "run_id", "path", "recipient", "action", unique=True),
)

# How far debug runs may go: the members of DebugState as JSON (engine/store/debugging.py).
debugging = Table(
    "debugging",
    metadata,
    Column("run_id", TEXT, primary_key=True),
    Column("state", TEXT, nullable=False),
    sqlite_with_rowid=False,
)

owners = Table(
    "owners",
    metadata,
    Column("owner", TEXT, primary_key=True),
    Column("pid", INTEGER, nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("started_at", TEXT, nullable=False),
    Column("heartbeat_at", TEXT, nullable=False),
    # How long it may be silent before others may adopt its runs: its own promise, whatever their settings are.
    Column("lease_seconds", Float, nullable=False, server_default="30"),
    Column("host", TEXT, nullable=False, server_default=""),
    Column("slots", INTEGER, nullable=False, server_default="0"),
    # A person has asked it to take no more runs, and to end.
    Column("is_draining", INTEGER, nullable=False, server_default="0"),
)

settings = Table("settings", metadata, Column("key", TEXT, primary_key=True), Column("value", TEXT, nullable=False))

users = Table(
    "users",
    metadata,
    Column("id", TEXT, primary_key=True),
    Column("name", TEXT, nullable=False),
    Column("role", TEXT, nullable=False),
    Column("password_hash", TEXT),
    Column("created_at", TEXT, nullable=False),
    Column("sign_outs", INTEGER, nullable=False, server_default="0"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id_hash", TEXT, primary_key=True),
    Column("user_id", TEXT, nullable=False),
    Column("created_at", TEXT, nullable=False),
    Column("expires_at", TEXT, nullable=False),
    # Where it was opened, according to the request: IP address and browser name; "" if unknown.
    Column("address", TEXT, nullable=False, server_default=""),
    Column("agent", TEXT, nullable=False, server_default=""),
    Column("issuer", TEXT, nullable=False, server_default=""),  # the sign-in provider; "": a password or a link
    # 1 if its user had not signed in with that browser before.
    Column("is_new_device", INTEGER, nullable=False, server_default="0"),
)

identities = Table(
    "identities",
    metadata,
    Column("user_id", TEXT, primary_key=True),
    Column("issuer", TEXT, nullable=False),
    Column("subject", TEXT, nullable=False),
    Index("identities_by_subject", "issuer", "subject", unique=True),
)
"""Who a user is at a sign-in provider."""

login_links = Table(
    "login_links",
    metadata,
    Column("token_hash", TEXT, primary_key=True),
    Column("user_id", TEXT, nullable=False),
    Column("expires_at", TEXT, nullable=False),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id_hash", TEXT, primary_key=True),
    Column("user_id", TEXT, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("role", TEXT, nullable=False),  # empty: the role of the user
    Column("mcp_only", INTEGER, nullable=False),
    Column("created_at", TEXT, nullable=False),
    Column("expires_at", TEXT, nullable=False),  # empty: never
    Column("used_at", TEXT, nullable=False),  # empty: never
    Column("networks", TEXT, nullable=False, server_default=""),  # where it was used from, separated by blanks
    Index("api_tokens_by_user", "user_id"),
)

login_failures = Table(
    "login_failures",
    metadata,
    Column("number", INTEGER, primary_key=True),
    Column("user_id", TEXT, nullable=False),
    Column("at", TEXT, nullable=False),
    Column("address", TEXT, nullable=False, server_default=""),
    Index("login_failures_by_user", "user_id", "at"),
    Index("login_failures_by_address", "address", "at"),
)

login_addresses = Table(
    "login_addresses",
    metadata,
    Column("user_id", TEXT, primary_key=True),
    Column("address", TEXT, primary_key=True),
    Column("at", TEXT, nullable=False),
)
"""Addresses where a user signed in recently: other people's failed tries do not lock them out there."""

audit = Table(
    "audit",
    metadata,
    Column("number", INTEGER, primary_key=True),
    Column("at", TEXT, nullable=False),
    Column("principal", TEXT, nullable=False),
    Column("action", TEXT, nullable=False),
    Column("target", TEXT, nullable=False),
    Column("detail", TEXT, nullable=False, default=""),
)


def insertion_into(table: Table, connection: Connection) -> Any:
    """Return an insertion that may say `on_conflict_…`, for which SQLAlchemy has one class per database."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # 20 modules, which a state in a file does not need

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


def set_postgres_conditions() -> None:
    """Give the indexes their conditions for PostgreSQL, before tables are created there.

    SQLAlchemy checks such a condition with the dialect, which it would load wherever the tables are named.
    """
    for table in metadata.tables.values():
        for index in table.indexes:
            if condition := index.info.get(_POSTGRES_CONDITION):
                index.dialect_kwargs["postgresql_where"] = text(condition)


def insertion(table: Table) -> tuple[str, dict[str, Any]]:
    """Return the driver's statement that adds a row with these columns, and the defaults of the row.

    For the few tables that every run writes to; SQLAlchemy's own statements take longer than SQLite does.
    """
    columns = [column for column in table.columns if not (column.primary_key and isinstance(column.type, Integer))]
    names = [column.name for column in columns]
    values = {column.name: getattr(column.default, "arg", None) for column in columns}
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES (:{', :'.join(names)})", values  # noqa: S608
