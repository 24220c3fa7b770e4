"""API tokens in `state.db`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from engine.store.people.api_tokens import TokenRecord
from engine.store.people.audit import AuditEntry
from engine.store.sql.base.database import StateDatabase
from engine.store.sql.base.tables import api_tokens, users
from engine.store.sql.people import audit

if TYPE_CHECKING:
    from sqlalchemy import Connection

_ONE = f"SELECT {', '.join(TokenRecord._fields)} FROM api_tokens WHERE id_hash = ?"  # noqa: S608 - our own names


class SqlTokens:
    """Writes and reads the table `api_tokens`."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def found(self, id_hash: str) -> TokenRecord | None:
        """Return a token, expired or not."""
        with self._database.asking() as cursor:
            row = cursor.execute(_ONE, (id_hash,)).fetchone()
        return None if row is None else TokenRecord(*row)

    def of(self, user_id: str) -> list[TokenRecord]:
        """Return the tokens of a user, by name."""
        theirs = api_tokens.select().where(api_tokens.c.user_id == user_id).order_by(api_tokens.c.name)
        with self._database.reading() as connection:
            return [TokenRecord(**row) for row in connection.execute(theirs).mappings()]

    def add(self, token: TokenRecord, most: int, entry: AuditEntry) -> bool | None:
        """Store a token; return False if the name is taken, None if there are too many or no such user."""
        theirs = api_tokens.c.user_id == token.user_id
        count = select(func.count()).select_from(api_tokens).where(theirs)
        same = select(api_tokens.c.name).where(theirs & (api_tokens.c.name == token.name))
        is_user = select(users.c.id).where(users.c.id == token.user_id)
        with self._database.writing() as connection:
            if connection.execute(same).first() is not None:
                return False
            if connection.execute(count).scalar_one() >= most or connection.execute(is_user).first() is None:
                return None
            connection.execute(api_tokens.insert().values(token._asdict()))
            audit.record(connection, entry)
            return True

    def note_use(self, id_hash: str, used_at: str) -> None:
        """Store when a token was used."""
        with self._database.writing() as connection:
            used = api_tokens.update().where(api_tokens.c.id_hash == id_hash).values(used_at=used_at)
            connection.execute(used)

    def note_network(self, id_hash: str, network: str, most: int, entry: AuditEntry) -> None:
        """Store a network that a token is used from, up to `most`."""
        is_it = api_tokens.c.id_hash == id_hash
        with self._database.writing() as connection:
            found = connection.execute(select(api_tokens.c.networks).where(is_it)).scalar()
            known = (found or "").split()
            if found is None or network in known or len(known) >= most:
                return
            connection.execute(api_tokens.update().where(is_it).values(networks=" ".join([*known, network])))
            if known:
                audit.record(connection, entry)

    def revoke(self, user_id: str, prefix: str, entry: AuditEntry) -> bool:
        """Delete the token of a user whose hash begins with `prefix`; return whether there was one."""
        is_it = (api_tokens.c.user_id == user_id) & api_tokens.c.id_hash.startswith(prefix, autoescape=True)
        with self._database.writing() as connection:
            if connection.execute(api_tokens.delete().where(is_it)).rowcount == 0:
                return False
            audit.record(connection, entry)
            return True


def revoke_all(connection: Connection, user_id: str) -> None:
    """Delete the tokens of a user, in the caller's transaction."""
    connection.execute(api_tokens.delete().where(api_tokens.c.user_id == user_id))
