"""The tables of state.db, the same on SQLite and later on PostgreSQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Float, Index, Integer, MetaData, Table, Text, text

metadata = MetaData()

meta = Table("meta", metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))

runs = Table(
    "runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("workflow", Text, nullable=False),
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
    # Everything a run needs that does not change (inputs, definition, hash): the start of its document.
    Column("acceptance", Text),
    Column("log", Text),
    # Of a run that a trigger has queued and that still waits for its turn: whose turns these are (a workflow's name).
    Column("lane", Text),
    # A test run: one step alone, or with pinned outputs.
    Column("is_test", Integer, nullable=False, server_default="0"),
    # The place of its last end among all ends, in the order in which they were stored, whatever clocks said: rising
    # milliseconds since 1970. A run whose process died at its very end is stored late, with the time of that end.
    Column("end_number", Integer),
    # One for each filter of the list: its newest 50 are read off the end, however many runs there are.
    Index("runs_by_status", "status", "run_id"),
    Index("runs_by_workflow", "workflow", "run_id"),
    Index("runs_by_starter", "started_by", "run_id"),
    Index("runs_by_demo", "demo", "run_id"),
    Index("runs_by_parent", "parent_run_id", "run_id"),
    # Runs that have ended have no owner: what a process looks up several times a second stays small.
    Index("runs_by_owner", "owner", sqlite_where=text("owner IS NOT NULL")),
    Index("runs_by_lane", "lane", "run_id", sqlite_where=text("lane IS NOT NULL")),
    # What has ended since: a trigger asks every few seconds.
    Index("runs_by_end_number", "end_number", "run_id", sqlite_where=text("end_number IS NOT NULL")),
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
    # How often a write of this identity was undone: each time it is another one in the service.
    Column("generation", Integer, nullable=False, server_default="0"),
    # The process that is about to send it, or was: while that one is not proven dead, it may still do so.
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
    Column("state", Text, nullable=False),  # open, approved, rejected, withdrawn
    Column("answered_at", Text),
    Column("answered_by", Text),
    Column("comment", Text, nullable=False, default=""),
    Index("approvals_by_state", "state", "id"),
    Index("approvals_by_run", "run_id"),
    sqlite_with_rowid=False,
)

# One row for each trigger of a workflow, account and source (a folder, a database): each has a cursor of its own.
triggers = Table(
    "triggers",
    metadata,
    Column("workflow", Text, primary_key=True),
    Column("trigger", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("uses", Text, nullable=False),
    Column("is_on", Integer, nullable=False),
    Column("demo", Integer, nullable=False),
    Column("start", Text, nullable=False),  # from where on, as a person chose it: {"last": 10} | {"since": …} | {}
    Column("cursor", Text),  # null: not looked at yet
    Column("turned_on_at", Text, nullable=False),
    Column("turned_on_by", Text, nullable=False),
    Column("looked_at", Text),  # the last look, good or bad
    Column("succeeded_at", Text),  # the last good look
    Column("look_again_at", Text),
    Column("item_at", Text),  # the watermark: when the newest item seen came, as its service says
    Column("failures", Integer, nullable=False, server_default="0"),  # looks that failed, one after the other
    Column("error", Text),
    Column("note", Text, nullable=False, server_default=""),
    Column("alarmed_at", Text),
    sqlite_with_rowid=False,
)

# The things that a trigger has seen, for ever: each starts at most one run.
trigger_items = Table(
    "trigger_items",
    metadata,
    Column("workflow", Text, primary_key=True),
    Column("trigger", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("item", Text, primary_key=True),
    Column("state", Text, nullable=False),  # started, skipped, dead, dismissed
    Column("run_id", Text),
    Column("title", Text, nullable=False, server_default=""),
    Column("seen_at", Text, nullable=False),
    Column("item_at", Text),
    Column("note", Text, nullable=False, server_default=""),  # why it was left out
    Column("error", Text),  # of a dead one
    Column("value", Text),  # of a dead one, where it could be read
    Index("trigger_items_by_state", "state", "seen_at"),
    Index("trigger_items_by_run", "run_id"),
    sqlite_with_rowid=False,
)

# Accounts that refuse what workflows need: triggers that need them stand still until it is made good.
troubles = Table(
    "troubles",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("mode", Text, primary_key=True),
    Column("workflow", Text, primary_key=True),  # the one that may not do something; empty: it concerns them all
    Column("service", Text, nullable=False),
    Column("kind", Text, nullable=False),  # revoked, reduced, refused
    Column("account", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("since", Text, nullable=False),
    # The settings it was met with, hashed: with another key it is over.
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

owners = Table(
    "owners",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("pid", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("heartbeat_at", Text, nullable=False),
    # How long it may be silent before others may take its runs over: its own word, whatever their settings are.
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
)

sessions = Table(
    "sessions",
    metadata,
    Column("id_hash", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
)

login_links = Table(
    "login_links",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("expires_at", Text, nullable=False),
)

login_failures = Table(
    "login_failures",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("at", Text, nullable=False),
    Index("login_failures_by_user", "user_id", "at"),
)

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
    """Return the driver's own statement that adds a row with these names, and what a row has where nothing is given.

    For the few tables that every run is written to; SQLAlchemy's own statements take longer than SQLite does.
    """
    columns = [column for column in table.columns if not (column.primary_key and isinstance(column.type, Integer))]
    names = [column.name for column in columns]
    values = {column.name: getattr(column.default, "arg", None) for column in columns}
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES (:{', :'.join(names)})", values  # noqa: S608
