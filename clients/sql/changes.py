"""What a statement that changes a database may be, and which ones change little enough to need no question."""

from __future__ import annotations

from clients.errors import InvalidRequest
from clients.sql.address import Dialect
from clients.sql.columns import DIALECTS
from clients.sql.database import ONCE
from clients.sql.reading import parsed
from clients.sql.service import NAME

_WORDS = frozenset(
    """insert update delete replace merge with select values create alter drop truncate comment grant revoke refresh
    reindex analyze call do""".split()
)
"""Not BEGIN, COMMIT and their like: the statement and its marker are one transaction. Not SET, COPY and ATTACH."""


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
    if any(token.text.lower().strip('"`[]') == ONCE for token in tokens):
        raise InvalidRequest(
            f"The table {ONCE} belongs to this program: it says what was done already.",
            service=NAME,
            remedy="Take it out of the statement.",
        )


def is_harmless(statement: str) -> bool:
    """Return whether a statement only adds rows, or changes rows that it names by WHERE, in every dialect."""
    from sqlglot import exp

    for dialect in DIALECTS:
        try:
            found = parsed(statement, dialect)
        except InvalidRequest:
            continue
        if len(found) != 1:
            return False
        tree = found[0]
        is_addition = isinstance(tree, exp.Insert) and not tree.args.get("overwrite")
        is_named = isinstance(tree, exp.Update) and tree.args.get("where") is not None
        parts = (exp.Delete, exp.Merge, exp.Command, exp.DDL)
        others = [one for one in tree.walk() if isinstance(one, parts) and not isinstance(one, exp.Query | exp.Insert)]
        return (is_addition or is_named) and not [one for one in others if one is not tree]
    return False
