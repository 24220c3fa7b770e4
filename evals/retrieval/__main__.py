"""`python -m evals.retrieval`: indexes documents of our own, asks questions, and prints how many find their passage.

With `missed` as argument, it also prints the questions whose passage is not among the first five. With `--here`, or
with `--server URL --model NAME` of a model that makes vectors, such as http://127.0.0.1:11434/v1 and bge-m3, two more
tables follow: by vectors alone, and by words and vectors. Its key, if it needs one, is the variable OPENAI_API_KEY.
`--here` fetches the encoder of this machine (32 MB) unless it is there.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from bench.base.opened import opened
from bench.base.workspace import OWNER
from clients.local_vectors.client import LocalVectorsClient
from clients.local_vectors.service import LOCAL_VECTORS, MODEL
from clients.rag.index_file import passage
from clients.rag.records import PassageHit
from clients.rag.service import RAG
from clients.rag.vectors import blended, likeness
from engine.base.statuses import AccountMode
from engine.orchestra import Orchestra

_HERE = Path(__file__).parent
_COLLECTION = "bench"
_GIVEN = 5
"""Passages for an answer: the default of `rag.search`."""
_MOST = 10
_CHARACTERS_PER_TOKEN = 4
"""A usual estimate for English; German takes more tokens, Japanese about four times as many."""
_LANGUAGES = {"en": "English", "de": "German", "ja": "Japanese"}
_CLASSES = {
    "same": "words of the text",
    "other": "other words",
    "inflected": "other forms of the words",
    "foreign": "another language",
    "form": "a single word in another form",
}
_CONNECTION = "llm"
_KEY = "OPENAI_API_KEY"


@dataclass(frozen=True)
class Question:
    """A question, and where its answer is."""

    kind: str
    """A key of `_CLASSES`."""
    asked_in: str
    text: str
    document: str
    """The name of its file, which begins with its language."""
    phrase: str
    """Words that only the right passage of the document has."""

    @property
    def language(self) -> str:
        """The language of the document."""
        return self.document[:2]


@dataclass(frozen=True)
class Asked:
    """A question, and what was found."""

    question: Question
    rank: int | None
    """Of the right passage, from 1; None if it is not among the first ten."""
    characters: int
    """Of the passages that an answer gets."""


def main(arguments: Sequence[str]) -> None:
    """Print the size of the collection, the seconds for indexing, and a table of recall by class and language."""
    given = _given(arguments)
    documents = _documents()
    questions = _questions()
    workflows = {"index": _workflow(), "embed": _workflow(embedding_connection=_CONNECTION)}
    has_vectors = given.here or given.server
    if given.here:
        LocalVectorsClient.fetch_model(MODEL.name, lambda _arrived: None)
    with opened(workflows, _config(given.server, given.model, here=given.here)) as (orchestra, root):
        seconds = _indexed(orchestra, "index", documents)
        count = orchestra.collections.show(OWNER, _COLLECTION).passages
        asked = [_asked(orchestra, one) for one in questions]
        embedding = _indexed(orchestra, "embed", documents) if has_vectors else 0.0
        both = [_asked(orchestra, one) for one in questions] if has_vectors else []
        alone = _by_vectors_alone(orchestra, root, questions) if has_vectors else []
    words = sum(len(one["text"].split()) for one in documents if not one["id"].startswith("ja"))
    lines = [
        f"{len(documents)} documents ({words:,} words of English and German) in {count} passages,",
        f"indexed in {seconds:.2f} seconds; {len(asked)} questions.",
        "",
        *_table(asked),
        *(_missed(asked) if given.missed else ()),
    ]
    if has_vectors:
        model = MODEL.name if given.here else given.model
        lines += ["", f"By vectors of {model} alone, made in {embedding:.2f} seconds:", "", *_table(alone)]
        lines += ["", "By words and vectors:", "", *_table(both)]
        lines += _missed(both) if given.missed else ()
    sys.stdout.write("\n".join([*lines, ""]))


def _given(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evals.retrieval")
    parser.add_argument("missed", nargs="?", choices=["missed"])
    parser.add_argument("--here", action="store_true", help="make vectors on this machine")
    parser.add_argument("--server", default="", help="the address of a server with the API of OpenAI")
    parser.add_argument("--model", default="", help="its model that makes vectors")
    return parser.parse_args(arguments)


def _config(server: str, model: str, *, here: bool) -> str:
    if here:
        return json.dumps({"connections": {_CONNECTION: {"service": LOCAL_VECTORS.name}}})
    connection = {"service": "openai", "base_url": server or "http://127.0.0.1:1/v1", "embedding_model": model}
    if _KEY in os.environ:
        connection["api_key"] = f"env:{_KEY}"
    return json.dumps({"connections": {_CONNECTION: connection}})


def _workflow(**more: str) -> dict[str, Any]:
    fields = {"collection": _COLLECTION, "documents": "{{ inputs.documents }}", **more}
    return {
        "schema_version": 1,
        "title": "Index",
        "inputs": {"type": "object", "properties": {"documents": {"type": "array"}}, "required": ["documents"]},
        "steps": [{"id": "keep", "uses": "rag.index", "with": fields}],
    }


def _documents() -> list[dict[str, str]]:
    """Return the documents as `rag.index` takes them, by name."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted((_HERE / "documents").glob("*.md"))}
    return [{"id": name, "text": text} for name, text in texts.items()]


def _questions() -> list[Question]:
    listed = json.loads((_HERE / "questions.json").read_text(encoding="utf-8"))
    return [Question(one["class"], one["asked_in"], one["question"], one["document"], one["phrase"]) for one in listed]


def _indexed(orchestra: Orchestra, workflow: str, documents: Sequence[dict[str, Any]]) -> float:
    """Return the seconds of a run that indexes the documents, from its start to its end."""
    started = time.perf_counter()
    run_id = orchestra.runs.start(OWNER, workflow, {"documents": documents})
    orchestra._families.work.worker.wait(run_id, 120)  # noqa: SLF001 - without the time to read the run again
    seconds = time.perf_counter() - started
    run = orchestra.runs.get(OWNER, run_id)
    assert run["status"] == "succeeded", run["error"]
    return seconds


def _asked(orchestra: Orchestra, question: Question) -> Asked:
    return _found(question, orchestra.collections.search(OWNER, _COLLECTION, question.text, limit=_MOST).results)


def _found(question: Question, found: Sequence[PassageHit]) -> Asked:
    right = (
        rank for rank, one in enumerate(found, 1) if one.document == question.document and question.phrase in one.text
    )
    return Asked(question, next(right, None), sum(len(one.text) for one in found[:_GIVEN]))


def _by_vectors_alone(orchestra: Orchestra, root: Path, questions: Sequence[Question]) -> list[Asked]:
    """Return what is found if words do not count."""
    client: Any = orchestra._families.opened.accounts.open(_CONNECTION, None, AccountMode.MINE).client  # noqa: SLF001
    file = next(root.rglob(f"{RAG.shared_file}{_COLLECTION}.db"))
    with contextlib.closing(sqlite3.connect(file)) as collection:

        def asked(question: Question) -> Asked:
            vector = client.embed([question.text])["vectors"][0]
            best = blended({}, likeness(collection, vector), _MOST)
            return _found(question, [passage(collection, number, score) for number, score in best])

        return [asked(one) for one in questions]


def _table(asked: Sequence[Asked]) -> Iterator[str]:
    yield "| Questions | Number | First | Of the first 5 | Of the first 10 | Tokens per answer |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for kind, name in _CLASSES.items():
        yield _row(name, [one for one in asked if one.question.kind == kind])
    sentences = [one for one in asked if one.question.kind != "form"]
    for language, name in _LANGUAGES.items():
        own = [one for one in sentences if one.question.language == one.question.asked_in == language]
        yield _row(f"{name}, asked in {name}", own)
    yield _row("all but single words", sentences)
    yield _row("of these, every second one from the first", sentences[::2])
    yield _row("of these, the others", sentences[1::2])


def _row(name: str, chosen: Sequence[Asked]) -> str:
    within = [sum(one.rank is not None and one.rank <= limit for one in chosen) for limit in (1, _GIVEN, _MOST)]
    shares = " | ".join(f"{count} ({count / len(chosen):.0%})" for count in within)
    tokens = mean(one.characters for one in chosen) / _CHARACTERS_PER_TOKEN
    return f"| {name} | {len(chosen)} | {shares} | {tokens:.0f} |"


def _missed(asked: Sequence[Asked]) -> Iterator[str]:
    yield from ("", "Not among the first five:")
    for one in asked:
        if one.rank is None or one.rank > _GIVEN:
            place = f"place {one.rank}" if one.rank else "not found"
            yield f"- {one.question.text} ({_CLASSES[one.question.kind]}; {one.question.document}: {place})"


if __name__ == "__main__":
    main(sys.argv[1:])
