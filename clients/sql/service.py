"""The declaration of SQL databases, and their settings."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from clients.service import AccountKey, Extra, Service

NAME = "sql"


class SqlSettings(BaseModel):
    """Settings of an `sql` connection, `connections.<name>` in config.yaml."""

    model_config = ConfigDict(extra="forbid")

    url: SecretStr = Field(
        SecretStr(""),
        description="Where the database is: `sqlite:///data/shop.db` or `duckdb:///data/shop.duckdb` (relative to the "
        "workspace), `postgresql://user:password@host/database` or `mysql://user:password@host/database`.",
    )
    ca_file: str = Field("", description="A certificate of your own, for a server that has no public one.")


SQL = Service(
    name=NAME,
    title="SQL database",
    icon="table_view",
    settings=SqlSettings,
    error_name="The database",
    usual_name="database",
    key=AccountKey(
        setting="url",
        variable="DATABASE_URL",
        place="Your database's host shows it as connection string (the link explains its form)",
        hint="Such as sqlite:///data/shop.db or postgresql://user:password@host/database",
        url="https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS",
        label="Connection string",
        is_address=True,
    ),
    extra=Extra("duckdb", "duckdb", "duckdb", of="A DuckDB file", setting="url", begins="duckdb:"),
    proven_reads="single SELECT statements that a parser has checked, in transactions that cannot write",
    pickers={"sql-table": "tables", "sql-column": "columns", "sql-statement": "statements"},
    link="Database",
)
