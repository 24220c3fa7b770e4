"""The tables of state.db, the same on SQLite and later on PostgreSQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Float, Index, Integer, MetaData, Table, Text, text

metadata = MetaData()

meta = Table("meta", metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))

_FAILED_PART = "json_extract(counts, '$.failed_steps') > 0 OR json_extract(counts, '$.failed_items') > 0"
PARTS_FAILED = f"status = 'succeeded' AND ({_FAILED_PART})"
"""The condition for runs that succeeded though parts failed; SQLite uses its index only for this very text."""

runs = Table(
    "runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("workflow", Text, nullable=False),
    # What is kept of a workflow goes by its id, which stays the same when its file is renamed.
    Column("workflow_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("demo", Integer, nullable=False),
    Column("started_by", Text, nullable=False),
    Column("origin_run_id", Text),
    Column("parent_run_id", Text),
    Column("queued_at", Text, nullable=False),
    Column("started_at", Text),
    Column("ended_at", Text),
    Column("duration_seconds", Float),
    Column("sentence", Text, nullable=False, default=""),
    Column("counts", Text, nullable=False, default="{}"),
    Column("owner", Text),
    Column("due_at", Text),
    Column("cancel_requested", Integer, nullable=False, default=0),
    # What a run needs and that does not change (inputs, definition, hash): the start of its document.
    Column("acceptance", Text),
    Column("log", Text),
    # For a run that a trigger has queued and that still waits: the queue it is in (a workflow's id).
    Column("lane", Text),
    # A test run: one step alone, or with pinned outputs.
    Column("is_test", Integer, nullable=False, server_default="0"),
    # The position of its last end among all ends, in the order in which they were stored, whatever clocks said: rising
    # milliseconds since 1970. A run whose process died at its very end is stored late, with the time of that end.
    Column("end_number", Integer),
    # Of a plan: the hash of its log, empty until it has ended. Null for a run that really runs.
    Column("plan_hash", Text),
    # Of a plan that did not fit the world any more when it was to be applied: 1, else null.
    Column("is_drifted", Integer),
    # What had changed then, as JSON: [{path, before, after}].
    Column("drift", Text),
    # The name of the environment in which it runs, empty if there were none.
    Column("environment", Text, nullable=False, server_default=""),
    # One index per filter of the list: the newest 50 are read from its end, however many runs there are.
    Index("runs_by_status", "status", "run_id"),
    Index("runs_by_workflow", "workflow", "run_id"),
    Index("runs_by_workflow_id", "workflow_id", "run_id"),
    Index("runs_by_starter", "started_by", "run_id"),
    Index("runs_by_demo", "demo", "run_id"),
    Index("runs_by_environment", "environment", "run_id"),
    Index("runs_by_parent", "parent_run_id", "run_id"),
    # Ended runs have no owner, so that the index which processes read several times a second stays small.
    Index("runs_by_owner", "owner", sqlite_where=text("owner IS NOT NULL")),
    Index("runs_by_lane", "lane", "run_id", sqlite_where=text("lane IS NOT NULL")),
    # For runs that have ended since a number: a trigger asks every few seconds.
    Index("runs_by_end_number", "end_number", "run_id", sqlite_where=text("end_number IS NOT NULL")),
    Index("runs_by_parts_failed", "run_id", sqlite_where=text(PARTS_FAILED)),
    Index("runs_by_plan", "run_id", sqlite_where=text("plan_hash IS NOT NULL")),
    Index("runs_by_end", "ended_at", "run_id", sqlite_where=text("ended_at IS NOT NULL")),
)

events = Table(
    "events",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("event", Text, nullable=False),
    sqlite_with_rowid=False,
)

effects = Table(
    "effects",
    metadata,
    Column("identity", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("state", Text, nullable=False),  # intent, done, unknown, undone
    Column("run_id", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("uses", Text, nullable=False),
    Column("arguments_hash", Text, nullable=False),
    Column("intended_at", Text, nullable=False),
    Column("done_at", Text),
    Column("receipt", Text),
    Column("output", Text),
    Column("sends", Integer, nullable=False, default=0),
    # How often a write of this identity was undone: each generation is another object in the service.
    Column("generation", Integer, nullable=False, server_default="0"),
    # The process that is about to send it, or was: until that process is proven dead, it may still do so.
    Column("owner", Text),
    Index("effects_by_account", "account"),
    Index("effects_by_run", "run_id"),
    sqlite_with_rowid=False,
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("workflow", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("asked_at", Text, nullable=False),
    Column("state", Text, nullable=False),  # open, approved, rejected, expired, withdrawn
    Column("answered_at", Text),
    Column("answered_by", Text),
    Column("comment", Text, nullable=False, default=""),
    Column("call", Text, nullable=False, server_default=""),  # JSON; empty: a plain question
    Column("call_hash", Text, nullable=False, server_default=""),
    Column("terms", Text, nullable=False, server_default=""),  # JSON: who may answer
    Column("expires_at", Text),
    Column("edited", Text, nullable=False, server_default=""),  # JSON: the arguments as a person changed them
    Column("notified_at", Text),
    Index("approvals_by_state", "state", "id"),
    Index("approvals_by_run", "run_id"),
    sqlite_with_rowid=False,
)

# One row for each trigger of a workflow, account and source (a folder, a database): each has its own cursor.
triggers = Table(
    "triggers",
    metadata,
    Column("workflow", Text, primary_key=True),  # its id
    Column("trigger", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("uses", Text, nullable=False),
    Column("is_on", Integer, nullable=False),
    Column("demo", Integer, nullable=False),
    Column("start", Text, nullable=False),  # where to start, as a person chose it: {"last": 10} | {"since": …} | {}
    Column("cursor", Text),  # null: not polled yet
    Column("turned_on_at", Text, nullable=False),
    Column("turned_on_by", Text, nullable=False),
    Column("looked_at", Text),  # the last poll, good or bad
    Column("succeeded_at", Text),  # the last good poll
    Column("look_again_at", Text),
    Column("item_at", Text),  # the watermark: when the newest item seen arrived, according to its service
    Column("failures", Integer, nullable=False, server_default="0"),  # failed polls in a row
    Column("error", Text),
    Column("note", Text, nullable=False, server_default=""),
    Column("alarmed_at", Text),
    sqlite_with_rowid=False,
)

# The items that a trigger has seen, for ever: each starts at most one run.
trigger_items = Table(
    "trigger_items",
    metadata,
    Column("workflow", Text, primary_key=True),  # its id
    Column("trigger", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("state", Text, nullable=False),  # started, skipped, failing, dead, dismissed
    Column("run_id", Text),
    Column("title", Text, nullable=False, server_default=""),
    Column("seen_at", Text, nullable=False),
    Column("item_at", Text),
    Column("note", Text, nullable=False, server_default=""),  # why it was left out
    Column("error", Text),  # of a dead item, or of one held back by failing reads
    Column("attempts", Integer, nullable=False, server_default="0"),  # polls in which it could not be read
    Column("value", Text),  # of a dead item, if it could be read
    Index("trigger_items_by_state", "state", "seen_at"),
    Index("trigger_items_by_run", "run_id"),
    sqlite_with_rowid=False,
)

# Accounts that refuse what workflows need: triggers that need them pause until that is resolved.
troubles = Table(
    "troubles",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("mode", Text, primary_key=True),
    Column("workflow", Text, primary_key=True),  # the id of the workflow that is refused something; empty: all of them
    Column("service", Text, nullable=False),
    Column("kind", Text, nullable=False),  # revoked, reduced, refused
    Column("account", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("since", Text, nullable=False),
    # A hash of the settings it occurred with: another key resolves it.
    Column("key_mark", Text, nullable=False),
    sqlite_with_rowid=False,
)

request_keys = Table(
    "request_keys",
    metadata,
    Column("key", Text, primary_key=True),
    Column("content_hash", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    sqlite_with_rowid=False,
)

# Runs whose process died while working on them: how often since a step of theirs last ended, and in total.
run_deaths = Table(
    "run_deaths",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("in_a_row", Integer, nullable=False),
    Column("in_all", Integer, nullable=False),
    sqlite_with_rowid=False,
)


def _amounts() -> list[Column[int]]:
    """Return the columns of what model calls use."""
    names = ("calls", "input_tokens", "output_tokens", "nano_usd", "unpriced")
    return [Column(name, Integer, nullable=False) for name in names]


# What model calls use, of a run, a workflow or all, in a period; with what is reserved (engine/store/spending.py).
spending = Table(
    "spending",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    *_amounts(),
    sqlite_with_rowid=False,
)

# Model calls that have not been settled: they are being made, or their answer was lost.
reservations = Table(
    "reservations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("pots", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("over_at", Text, nullable=False),
    *_amounts(),
    Index("reservations_by_end", "over_at"),
    sqlite_with_rowid=False,
)

# Runs that wait because a budget is used up.
paused_runs = Table(
    "paused_runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("at", Text, nullable=False),
    sqlite_with_rowid=False,
)

# How far debug runs may go: the members of DebugState as JSON (engine/store/debugging.py).
debugging = Table(
    "debugging",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    sqlite_with_rowid=False,
)

owners = Table(
    "owners",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("pid", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("heartbeat_at", Text, nullable=False),
    # How long it may be silent before others may adopt its runs: its own promise, whatever their settings are.
    Column("lease_seconds", Float, nullable=False, server_default="30"),
)

settings = Table("settings", metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password_hash", Text),
    Column("created_at", Text, nullable=False),
    Column("sign_outs", Integer, nullable=False, server_default="0"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id_hash", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
    # Where it was opened, according to the request: IP address and browser name; "" if unknown.
    Column("address", Text, nullable=False, server_default=""),
    Column("agent", Text, nullable=False, server_default=""),
)

login_links = Table(
    "login_links",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id_hash", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),  # empty: that of the user
    Column("mcp_only", Integer, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("expires_at", Text, nullable=False),  # empty: never
    Column("used_at", Text, nullable=False),  # empty: never
    Index("api_tokens_by_user", "user_id"),
)

login_failures = Table(
    "login_failures",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("address", Text, nullable=False, server_default=""),
    Index("login_failures_by_user", "user_id", "at"),
    Index("login_failures_by_address", "address", "at"),
)

login_addresses = Table(
    "login_addresses",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("at", Text, nullable=False),
)
"""Addresses from which a user signed in recently: other people's failed tries do not lock them out there."""

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("principal", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("detail", Text, nullable=False, default=""),
)


def insertion(table: Table) -> tuple[str, dict[str, Any]]:
    """Return the driver's statement that adds a row with these columns, and the defaults of the row.

    For the few tables that every run writes to; SQLAlchemy's own statements take longer than SQLite does.
    """
    columns = [column for column in table.columns if not (column.primary_key and isinstance(column.type, Integer))]
    names = [column.name for column in columns]
    values = {column.name: getattr(column.default, "arg", None) for column in columns}
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES (:{', :'.join(names)})", values  # noqa: S608
