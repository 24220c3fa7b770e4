"""The address of a database: which dialect it speaks, and where it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

from clients.addresses import is_loopback
from clients.errors import InvalidRequest
from clients.in_workspace.machine import why_closed
from clients.in_workspace.own_files import COPY_IT, SECOND_NAME, has_second_name
from clients.sql.service import NAME

Dialect = Literal["sqlite", "postgres", "mysql", "duckdb"]
Security = Literal["none", "encrypted", "verified"]

_DIALECTS: Mapping[str, Dialect] = {
    "sqlite": "sqlite",
    "postgresql": "postgres",
    "postgres": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
    "duckdb": "duckdb",
}
_FILES = ("sqlite", "duckdb")
_PORTS: Mapping[Dialect, int] = {"postgres": 5432, "mysql": 3306}
_SECURITY: Mapping[str, Security] = {"disable": "none", "require": "encrypted", "verify-full": "verified"}
_DEMO_FILE = Path("demo", "shop.db")
"""The stand-in of the demo, in the folder of the state (`demo.endpoints`)."""
_FORMS = (
    "Write `sqlite:///data/shop.db`, `duckdb:///data/shop.duckdb`, "
    "`postgresql://user:password@host:5432/database` or `mysql://user:password@host:3306/database`."
)


@dataclass(frozen=True)
class DatabaseAddress:
    """Where a database is, and which user signs in."""

    dialect: Dialect
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    database: str = ""
    """Of a server. SQLite and DuckDB: the file, as written."""
    security: Security = "none"

    @property
    def shown(self) -> str:
        """The address without user and password, as in errors and in the identity of writes."""
        if self.is_file:
            return f"{self.dialect}:{self.database}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.dialect}://{host}:{self.port}/{self.database}"

    @property
    def is_file(self) -> bool:
        """Whether it is a file of this machine, not a server."""
        return self.dialect in _FILES

    @property
    def secrets(self) -> tuple[str, ...]:
        """The password, in each spelling that an address may have."""
        return (self.password, quote(self.password, safe="")) if self.password else ()


def parsed(url: str) -> DatabaseAddress:
    """Return the address that a URL names. Raises InvalidRequest, which never repeats a password."""
    if not url.strip():
        raise _wrong("The connection has no `url`.")
    try:
        parts = urlsplit(url.strip())
        # `postgresql+psycopg://`, as SQLAlchemy writes it; the driver is ours to choose.
        scheme, _, _driver = parts.scheme.lower().partition("+")
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise _wrong("The database's `url` is not an address.") from None
    if scheme not in _DIALECTS:
        raise _wrong("The database's `url` must begin with sqlite, postgresql, mysql, mariadb or duckdb.")
    dialect = _DIALECTS[scheme]
    if dialect in _FILES:
        return _file(parts, dialect)
    options = dict(parse_qsl(parts.query))
    database = unquote(parts.path.lstrip("/"))
    if not host or not parts.username or not database or "/" in database:
        raise _wrong("The database's `url` needs a user, a host and the name of one database.")
    return DatabaseAddress(
        dialect,
        host,
        port or _PORTS[dialect],
        unquote(parts.username),
        unquote(parts.password or ""),
        database,
        _security(host, options),
    )


def _file(parts: SplitResult, dialect: Dialect) -> DatabaseAddress:
    path = unquote(parts.path)
    if parts.netloc or not path.strip("/") or parts.query:
        raise _wrong("The `url` of a database file has no host and no options.")
    # Three slashes are relative, four absolute, as in SQLAlchemy: only the first of the path is dropped.
    return DatabaseAddress(dialect, database=path.removeprefix("/"))


def _security(host: str, options: Mapping[str, str]) -> Security:
    asked = options.pop("sslmode", "") if isinstance(options, dict) else ""
    if options:
        raise _wrong("The database's `url` has an unknown option; `sslmode` is the only one.")
    if asked and asked not in _SECURITY:
        raise _wrong(f"`sslmode` must be one of {', '.join(_SECURITY)}.")
    return _SECURITY[asked] if asked else ("none" if is_loopback(host) else "verified")


def _wrong(message: str) -> InvalidRequest:
    return InvalidRequest(message, service=NAME, remedy=_FORMS)


def file_of(
    address: DatabaseAddress, workspace: Path | None, state_folder: Path | None, *, is_demo: bool = False
) -> Path:
    """Return the file of an address: relative ones are in the workspace.

    Raises InvalidRequest for the files that this program itself keeps: its state, secrets and settings. The demo's own
    database is beside its state, and is the only file there that may be opened, by the demo alone.
    """
    root = Path("/") if workspace is None else workspace.resolve()
    path = (root / address.database).resolve()
    inside = path.relative_to(root).parts if workspace is not None and path.is_relative_to(root) else ()
    is_hidden = any(part.startswith(".") for part in inside)
    is_state = state_folder is not None and path.is_relative_to(state_folder.resolve())
    if is_demo and path in _of_demo(workspace, state_folder):
        return path
    if is_hidden or is_state or path.name == "state.db":
        raise InvalidRequest(
            f"The database {address.database!r} is one of this program's own files.",
            service=NAME,
            remedy=f"Put your database into a folder of its own, such as `{address.dialect}:///data/shop.db`.",
        )
    if why := why_closed(path, root):
        raise InvalidRequest(
            f"The database {address.database!r} cannot be used: it {why}.",
            service=NAME,
            remedy=f"Put your database into a folder of its own, such as `{address.dialect}:///data/shop.db`.",
        )
    if path.exists() and has_second_name(path.stat()):
        message = f"The database {address.database!r} cannot be used: {SECOND_NAME}."
        raise InvalidRequest(message, service=NAME, remedy=COPY_IT)
    return path


def _of_demo(workspace: Path | None, state_folder: Path | None) -> list[Path]:
    """Return where the database of the demo may be."""
    state = [] if workspace is None else [workspace / ".orchestra"]
    state += [] if state_folder is None else [state_folder]
    return [folder.resolve() / _DEMO_FILE for folder in state]
