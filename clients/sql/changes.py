"""What a statement that changes a database may be, and which ones change little enough to need no question."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from clients.errors import InvalidRequest
from clients.sql.address import Dialect
from clients.sql.columns import DIALECTS
from clients.sql.database import ONCE
from clients.sql.proven_statements import ESCAPED_NAME, harmless_functions, hazard, parsed
from clients.sql.service import NAME

if TYPE_CHECKING:
    from sqlglot import exp

_WORDS = frozenset(
    """insert update delete replace merge with select values create alter drop truncate comment grant revoke refresh
    reindex analyze""".split()
)
"""Not BEGIN, COMMIT and their like: the statement and its marker are one transaction. Not SET, COPY and ATTACH.
Not DO and CALL: what they execute is not in the statement."""

_NOT_ALIKE = re.compile(r"/\*|#|--(?!\s)")
"""Comments that not all databases take for one, or that some of them execute."""
_OF_SERVERS = frozenset({"pg_catalog", "information_schema", "mysql", "sys", "performance_schema"})
_FUNCTIONS = frozenset[str]().union(*(harmless_functions(dialect) for dialect in DIALECTS))


def require_change(statement: str, dialect: Dialect) -> None:
    """Raise InvalidRequest for a statement that would end its transaction, or touch the table of markers."""
    import sqlglot

    try:
        tokens = sqlglot.tokenize(statement, read=dialect)
    except sqlglot.errors.SqlglotError:
        tokens = []
    word = next((token.text.lower() for token in tokens if token.text != "("), "")
    if word not in _WORDS:
        raise InvalidRequest(
            f"{word.upper() or 'An empty statement'} cannot be executed here.",
            service=NAME,
            remedy="The statement runs in a transaction with its marker: write one that changes rows or tables.",
        )
    if ESCAPED_NAME.search(statement):
        raise InvalidRequest(
            'The statement has a name written by numbers of characters (`U&"…"`).',
            service=NAME,
            remedy="Write the name itself.",
        )
    if ONCE in statement.lower():
        raise InvalidRequest(
            f"The table {ONCE} belongs to this program: it says what was done already.",
            service=NAME,
            remedy="Take it out of the statement.",
        )


def is_harmless(statement: str) -> bool:
    """Return whether a statement only adds rows, or changes rows that it names by WHERE.

    All dialects must agree: what one of them takes for a comment or a text, another one executes.
    """
    if ESCAPED_NAME.search(statement) or _NOT_ALIKE.search(statement) or "\0" in statement:
        return False
    return all(_is_harmless(statement, dialect) for dialect in DIALECTS)


def inserted_into(statement: str) -> str:
    """Return the table that a statement adds rows to if it does no more, and returns them whole; otherwise ""."""
    if ESCAPED_NAME.search(statement) or _NOT_ALIKE.search(statement):
        return ""
    found = {_inserted_into(statement, dialect) for dialect in DIALECTS}
    return found.pop() if len(found) == 1 else ""


def _inserted_into(statement: str, dialect: Dialect) -> str:
    from sqlglot import exp

    try:
        found = parsed(statement, dialect)
    except InvalidRequest:
        return ""
    insert = found[0] if len(found) == 1 else None
    if not isinstance(insert, exp.Insert) or not _is_harmless_part(insert, dialect) or insert.args.get("conflict"):
        return ""
    returned, table = insert.args.get("returning"), insert.this.find(exp.Table)
    is_whole = isinstance(returned, exp.Returning) and [type(one) for one in returned.expressions] == [exp.Star]
    return ".".join(one.name for one in table.parts) if is_whole and table is not None else ""


def _is_harmless(statement: str, dialect: Dialect) -> bool:
    from sqlglot import exp

    try:
        found = parsed(statement, dialect)
    except InvalidRequest:
        return False
    if len(found) != 1 or not isinstance(found[0], exp.Insert | exp.Update):
        return False
    return all(_is_harmless_part(node, dialect) for node in found[0].walk())


def _is_harmless_part(node: exp.Expr, dialect: Dialect) -> bool:
    """Return whether a part of a statement only reads, adds rows, or changes named rows."""
    from sqlglot import exp

    match node:
        case exp.Insert():
            conflict = node.args.get("conflict")
            is_replacing = bool(node.args.get("overwrite") or node.args.get("alternative"))
            return not is_replacing and (conflict is None or _does_nothing(conflict))
        case exp.Update():
            where = node.args.get("where")
            return where is not None and _names_rows(where.this)
        case exp.Table():
            is_own = node.db.lower() in _OF_SERVERS or node.name.lower().startswith(("pg_", "sqlite_"))
            return not is_own
        case exp.Column():
            return not node.table  # PostgreSQL may call a function for it
        case _:
            return not hazard(node, dialect, _FUNCTIONS)


def _does_nothing(conflict: exp.Expr) -> bool:
    """Return whether existing rows stay unchanged."""
    action = conflict.args.get("action")
    return action is not None and str(action.name).upper() == "DO NOTHING" and not conflict.expressions


def _names_rows(condition: exp.Expr) -> bool:
    """Return whether a condition compares a column with something else in each of its cases."""
    from sqlglot import exp

    match condition:
        case exp.Paren():
            return _names_rows(condition.this)
        case exp.And():
            return _names_rows(condition.this) or _names_rows(condition.expression)
        case exp.Or():
            return _names_rows(condition.this) and _names_rows(condition.expression)
        case exp.EQ() | exp.GT() | exp.GTE() | exp.LT() | exp.LTE() | exp.Is() | exp.Like():
            sides = (condition.this, condition.expression)
            return any(isinstance(one, exp.Column) for one in sides) and sides[0] != sides[1]
        case exp.In() | exp.Between():
            return isinstance(condition.this, exp.Column)
    return False
