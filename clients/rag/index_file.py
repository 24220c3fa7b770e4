"""The file of a collection: its tables, and how a document gets into them and out of them."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from clients.rag import vectors
from clients.rag.passages import passages
from clients.rag.records import Document, PassageHit
from clients.rag.words import marked_signs, queries, signs

VERSION = 3
# `remove_diacritics 2` also covers letters with several marks (https://sqlite.org/fts5.html#unicode61_tokenizer).
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS documents (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, url TEXT NOT NULL, sha256 TEXT NOT NULL, characters INTEGER NOT NULL,
    indexed_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS passages (
    number INTEGER PRIMARY KEY, document TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, page INTEGER
);
CREATE INDEX IF NOT EXISTS passages_of_document ON passages (document);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (
    text, headings, signs, tokenize = 'porter unicode61 remove_diacritics 2'
);
{vectors.SCHEMA}
"""
# FTS5's bm25() is negative, and lower for a better match.
_BY_WORDS = """
SELECT rowid, -bm25(words, 1.0, 3.0, 1.0) AS score, highlight(words, 0, char(2), char(3)) FROM words
WHERE words MATCH ? ORDER BY score DESC, rowid LIMIT ?
"""
_PASSAGE = """
SELECT passages.document, documents.title, documents.url, passages.page, passages.first, passages.last, words.text,
       words.headings
FROM passages JOIN words ON words.rowid = passages.number JOIN documents ON documents.id = passages.document
"""
_MARK = re.compile("\x02([^\x03]*)\x03")


def by_words(
    file: sqlite3.Connection, question: str, limit: int
) -> dict[int, tuple[float, tuple[tuple[int, int], ...]]]:
    """Return the passages with words of a question, the best first: by number, their score and where the words are.

    Of a question with very many words, the shorter ones count only if no passage has one of the longest.
    """
    found = (file.execute(_BY_WORDS, (wanted, limit)).fetchall() for wanted in queries(question))
    rows = next(filter(None, found), [])
    return {number: (score, _marks(text, question)) for number, score, text in rows}


def passage(file: sqlite3.Connection, number: int, score: float, marks: tuple[tuple[int, int], ...] = ()) -> PassageHit:
    """Return a passage by its number."""
    row = file.execute(f"{_PASSAGE} WHERE passages.number = ?", (number,)).fetchone()
    return _found(row, score, marks)


def passages_of(file: sqlite3.Connection, document: str) -> list[PassageHit]:
    """Return the passages of a document in order."""
    rows = file.execute(f"{_PASSAGE} WHERE passages.document = ? ORDER BY passages.first", (document,))
    return [_found(row, 0.0) for row in rows]


def _found(row: Sequence[Any], score: float, marks: tuple[tuple[int, int], ...] = ()) -> PassageHit:
    document, title, url, page, start, end, text, headings = row
    return PassageHit(document, title, url, page, start, end, text, headings, score, marks)


def indexed(file: sqlite3.Connection, document: Document) -> bool:
    """Index a document; return False if it is unchanged. Vectors of unchanged passages stay."""
    told = json.dumps([document.title, document.url, list(document.page_starts), document.text])
    digest = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
    known = file.execute("SELECT sha256 FROM documents WHERE id = ?", (document.id,)).fetchone()
    if known is not None and known[0] == digest:
        return False
    kept = _vectors_by_text(file, document.id)
    removed(file, document.id)
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    row = (document.id, document.title, document.url, digest, len(document.text), at)
    file.execute("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?)", row)
    for one in passages(document.text, document.page_starts):
        place = (document.id, one.start, one.end, one.page)
        number = file.execute("INSERT INTO passages (document, first, last, page) VALUES (?, ?, ?, ?)", place).lastrowid
        text, above = document.text[one.start : one.end], " > ".join(filter(None, (document.title, one.headings)))
        words = (number, text, above, signs(text))
        file.execute("INSERT INTO words (rowid, text, headings, signs) VALUES (?, ?, ?, ?)", words)
        if (above, text) in kept:
            file.execute("INSERT INTO vectors VALUES (?, ?)", (number, kept[above, text]))
    return True


def removed(file: sqlite3.Connection, document: str) -> int:
    """Delete a document with its passages and vectors; return 1 if it was there."""
    file.execute("DELETE FROM vectors WHERE number IN (SELECT number FROM passages WHERE document = ?)", (document,))
    file.execute("DELETE FROM words WHERE rowid IN (SELECT number FROM passages WHERE document = ?)", (document,))
    file.execute("DELETE FROM passages WHERE document = ?", (document,))
    return file.execute("DELETE FROM documents WHERE id = ?", (document,)).rowcount


def _vectors_by_text(file: sqlite3.Connection, document: str) -> dict[tuple[str, str], bytes]:
    rows = file.execute(
        "SELECT words.headings, words.text, vector FROM vectors JOIN passages USING (number)"
        " JOIN words ON words.rowid = number WHERE document = ?",
        (document,),
    )
    return {(headings, text): vector for headings, text, vector in rows}


def _marks(highlighted: str, question: str) -> tuple[tuple[int, int], ...]:
    """Return the places of words of a question in the text of a passage."""
    plain = highlighted.replace("\x02", "").replace("\x03", "")
    return tuple(sorted({*_highlights(highlighted), *marked_signs(plain, question)}))


def _highlights(highlighted: str) -> Iterator[tuple[int, int]]:
    for count, found in enumerate(_MARK.finditer(highlighted)):
        start = found.start() - 2 * count  # two signs for each mark before it
        yield start, start + len(found[1])
