"""Connections to the server: how long they wait, how statements name parameters, and what their errors mean."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self
from urllib.parse import urlsplit

import psycopg
from psycopg.types.string import StrDumper

from engine.base.errors import StorageError
from engine.store.sql.base.database import Parameters

_DEFAULTS = {
    "connect_timeout": "5",
    "tcp_user_timeout": "10000",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "application_name": "ai-orchestra",
}
"""https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS; what the address says comes first."""
_SETTINGS = "SET idle_in_transaction_session_timeout = '5s'; SET lock_timeout = '30s'; SET client_encoding = 'UTF8'"
"""A process that is frozen in the middle of a transaction must not stop all others."""
_BEGIN = "BEGIN; SELECT pg_advisory_xact_lock({key}, 0), pg_current_xact_id()::text"
_PARAMETER = re.compile(r"'[^']*'|\?|(?<!:):([a-z_]+)|%")
_DOWN = "See that PostgreSQL runs and can be reached from here; work goes on by itself once it does."
_WRONG = "See what the server says in its log."
_ADDRESS = "`postgresql+psycopg://user:password@host:5432/database`"


class ServerAddress:
    """Where the server is: `postgresql+psycopg://user:password@host:5432/database?options=…`."""

    def __init__(self, url: str) -> None:
        self._url = re.sub(r"^postgres(ql)?(\+psycopg)?://", "postgresql://", url)
        self._known = set(psycopg.conninfo.conninfo_to_dict(self._url))
        parts = urlsplit(self._url)
        self.shown = f"postgresql://{parts.hostname or 'localhost'}{f':{parts.port}' if parts.port else ''}{parts.path}"
        """Without user, password and options, for messages."""

    @classmethod
    def parsed(cls, url: str) -> ServerAddress:
        """Return the address. Raises StorageError if it is none."""
        try:
            return cls(url)
        except (psycopg.Error, ValueError) as error:  # libpq's message has the whole text, which has the password
            raise StorageError("The address of the state cannot be read.", remedy=f"Write {_ADDRESS}.") from error

    def connect(self) -> psycopg.Connection[Any]:
        """Open a connection outside of transactions. Raises psycopg.OperationalError."""
        more = {name: value for name, value in _DEFAULTS.items() if name not in self._known}
        connection = psycopg.connect(self._url, autocommit=True, **more)  # type: ignore[arg-type]
        connection.adapters.register_dumper(str, _Text)
        connection.execute(_SETTINGS)
        return connection


@dataclass(frozen=True)
class Server:
    """A server, and the number of the advisory locks of a workspace on it."""

    address: ServerAddress
    key: int

    def begin(self, connection: psycopg.Connection[Any]) -> str:
        """Begin a transaction that writes, once no other one does; return its number."""
        cursor = connection.execute(_BEGIN.format(key=self.key))
        cursor.nextset()
        [_, number] = cursor.fetchone() or ("", "")
        return str(number)


class _Text(StrDumper):
    """PostgreSQL's texts cannot hold U+0000; JSON escapes it, and a title may lose it."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "\ufffd") if "\0" in obj else obj)


class PostgresCursor:
    """A driver cursor that takes statements with `?` or `:name` (https://peps.python.org/pep-0249/#paramstyle)."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._cursor = connection.cursor()

    @property
    def rowcount(self) -> int:
        """How many rows the last statement changed."""
        return self._cursor.rowcount

    def execute(self, statement: str, parameters: Parameters = (), /) -> Self:
        """Run a statement."""
        self._cursor.execute(translated(statement), parameters)
        return self

    def executemany(self, statement: str, parameters: Iterable[Parameters], /) -> Self:
        """Run a statement once for each of the parameters."""
        self._cursor.executemany(translated(statement), parameters)
        return self

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        return self._cursor.fetchone() if self._cursor.description else None

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        return self._cursor.fetchall()

    def __iter__(self) -> Iterator[Any]:
        """Yield the rows that are left."""
        return iter(self._cursor)


@lru_cache(maxsize=1000)
def translated(statement: str) -> str:
    """Return a statement with the driver's placeholders, `%s` and `%(name)s`; texts in quotes stay as they are."""

    def placeholder(found: re.Match[str]) -> str:
        if found[0] == "?":
            return "%s"
        return f"%({found[1]})s" if found[1] else found[0].replace("%", "%%")

    return _PARAMETER.sub(placeholder, statement)


@contextmanager
def storage_errors(address: ServerAddress) -> Iterator[None]:
    """Turn errors of the server or of the way to it into StorageError."""
    from sqlalchemy.exc import DBAPIError

    try:
        yield
    except DBAPIError as error:
        raise _refusal(address, error.orig) from error
    except (psycopg.Error, OSError) as error:
        raise _refusal(address, error) from error


def _refusal(address: ServerAddress, error: BaseException | None) -> StorageError:
    said = str(error).strip().splitlines()
    is_down = isinstance(error, psycopg.OperationalError | OSError) and not getattr(error, "sqlstate", None)
    return StorageError(
        f"The state at {address.shown}: {said[0] if said else type(error).__name__}.".replace("..", "."),
        remedy=_DOWN if is_down else _WRONG,
    )


def key_of(text: str) -> int:
    """Return a 32-bit number for an advisory lock (https://www.postgresql.org/docs/current/explicit-locking.html)."""
    return zlib.crc32(text.encode()) - 2**31
