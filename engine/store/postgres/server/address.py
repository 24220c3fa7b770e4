"""Where a PostgreSQL server is: how long a connection to it waits, and what its errors mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from shlex import quote
from typing import Any
from urllib.parse import urlsplit

import psycopg
from msgspec import Struct
from psycopg.types.string import StrDumper

from engine.base.errors import StateAway, StorageError

_DEFAULTS = {
    "connect_timeout": "3",
    "tcp_user_timeout": "5000",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "application_name": "ai-orchestra",
}
"""https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS; what the address says comes first.

Together they are less than a server may be silent before its parent replaces it: to wait for the state is not to hang.
"""
_SETTINGS = (
    "SET idle_in_transaction_session_timeout = '5s'; SET lock_timeout = '30s'; SET client_encoding = 'UTF8';"
    " SET jit = off; SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3;"
    " SET tcp_user_timeout = 10000"
)
"""A process that is frozen in the middle of a transaction must not stop all others.

The server, too, must notice when a machine is gone: until then, by default for two hours, it keeps its locks. And all
statements are short: where PostgreSQL expects more rows than there are, compiling one takes a second.
"""
_READS_ONLY = "SET default_transaction_read_only = on"
_WRONG = "See what the server says in its log."
_NO_DATABASE = re.compile(r'database "(.+)" does not exist')
"""SQLSTATE 3D000, in the words of the server: the driver has no code for a connection that was not made."""
_ADDRESS = "`postgresql+psycopg://user:password@host:5432/database`"


class ReadOnly(Struct, frozen=True):
    """Why a process must not write to a state."""

    why: str
    """The beginning of a sentence."""
    remedy: str


class ServerAddress:
    """Where the server is: `postgresql+psycopg://user:password@host:5432/database?options=…`."""

    def __init__(self, url: str, read_only: ReadOnly | None = None) -> None:
        self.read_only = read_only
        self._settings = f"{_SETTINGS}; {_READS_ONLY}" if read_only else _SETTINGS
        self._url = re.sub(r"^postgres(ql)?(\+psycopg)?://", "postgresql://", url)
        self._known = set(psycopg.conninfo.conninfo_to_dict(self._url))
        parts = urlsplit(self._url)
        self.shown = f"postgresql://{parts.hostname or 'localhost'}{f':{parts.port}' if parts.port else ''}{parts.path}"
        """Without user, password and options, for messages."""

    @classmethod
    def parsed(cls, url: str, read_only: ReadOnly | None = None) -> ServerAddress:
        """Return the address; the server keeps sessions that are `read_only` from writing. Raises StorageError."""
        try:
            return cls(url, read_only)
        except (psycopg.Error, ValueError) as error:  # libpq's message has the whole text, which has the password
            raise StorageError("The address of the state cannot be read.", remedy=f"Write {_ADDRESS}.") from error

    def connect(self) -> psycopg.Connection[Any]:
        """Open a connection outside of transactions. Raises psycopg.OperationalError."""
        more = {name: value for name, value in _DEFAULTS.items() if name not in self._known}
        connection = psycopg.connect(self._url, autocommit=True, **more)  # type: ignore[arg-type]
        connection.adapters.register_dumper(str, _Text)
        connection.execute(self._settings)
        return connection


class _Text(StrDumper):
    """PostgreSQL's texts cannot hold U+0000: JSON escapes it, and elsewhere, as in a title, it becomes U+FFFD."""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "\ufffd") if "\0" in obj else obj)


@contextmanager
def storage_errors(address: ServerAddress) -> Iterator[None]:
    """Turn errors of the server or of the way to it into StorageError."""
    from sqlalchemy.exc import DBAPIError

    try:
        yield
    except DBAPIError as error:
        raise refusal(address, error.orig) from error
    except (psycopg.Error, OSError) as error:
        raise refusal(address, error) from error


def refusal(address: ServerAddress, error: BaseException | None) -> StorageError:
    """Return an error of the server, or of the way to it, in words."""
    if address.read_only is not None and isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
        said_why = f"{address.read_only.why}, so this process only reads the state at {address.shown}."
        return StorageError(said_why, remedy=address.read_only.remedy)
    said = str(error).strip().splitlines()
    is_down = isinstance(error, psycopg.OperationalError | OSError) and not getattr(error, "sqlstate", None)
    message = f"The state at {address.shown}: {said[0] if said else type(error).__name__}.".replace("..", ".")
    if missing := _NO_DATABASE.search(message):
        return StateAway(message, remedy=f"Make it: `createdb {quote(missing[1])}`.")
    return StateAway(message) if is_down else StorageError(message, remedy=_WRONG)
