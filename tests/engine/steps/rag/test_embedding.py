"""Vectors of collections: made once, within budgets, only of what a run gives, and by one model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from clients.models.vectors import AT_ONCE
from engine.base.errors import InvalidFile
from engine.people.access import Principal
from tests.engine.budgets.conftest import Desk, desk
from tests.engine.conftest import OWNER

__all__ = ["desk"]

EMBED = "POST /v1/embeddings"
MANUAL = {"id": "manual", "text": "The device has a power supply.\n\nThe Lagerhalle is heated at night."}
LEASE = {"id": "lease", "text": "The rent is due on the first day of the month."}
LONG = {"id": "book", "text": "\n\n".join(f"Page {number}.{' A long sentence.' * 60}" for number in range(3 * AT_ONCE))}
"""A document with as many passages as fit into three requests."""


def index(*documents: Mapping[str, str], connection: str = "llm", collection: str = "home") -> dict[str, Any]:
    fields = {"collection": collection, "documents": list(documents), "embedding_connection": connection}
    return {"id": "keep", "uses": "rag.index", "with": {name: one for name, one in fields.items() if one}}


def find(query: str, connection: str = "llm") -> dict[str, Any]:
    fields = {"collection": "home", "query": query, "embedding_connection": connection}
    return {"id": "find", "uses": "rag.search", "with": {name: one for name, one in fields.items() if one}}


def embedded(desk: Desk) -> int:
    return desk.standins.requests("openai").get(EMBED, 0)


def model(desk: Desk, embedding_model: str = "vectors", **more: Any) -> None:
    server = desk.standins["openai"]
    llm = {"service": "openai", "base_url": server.base_url, "api_key": "env:BUDGET_KEY", "model": "big"}
    prices = {embedding_model: {"input": 1_000, "output": 0}, "big": {"input": 0, "output": 10_000}}
    config = {"prices": prices, **more}
    desk.config(connections={"llm": {**llm, "embedding_model": embedding_model}}, **config)


def output(run: Mapping[str, Any], step: str = "keep") -> Any:
    assert run["status"] == "succeeded", run["error"]
    return next(one["output"] for one in run["steps"] if one["id"] == step)


def test_only_new_passages_are_embedded_and_what_they_cost_is_in_the_run(desk: Desk) -> None:
    model(desk)
    desk.workflow([index(MANUAL, LEASE), find("Halle")])
    before = embedded(desk)
    run = desk.run()
    assert output(run)["embedded"] == 2
    assert embedded(desk) == before + 2, "the passages in one request, the question in another"
    assert run["usage"]["cost_usd"] == pytest.approx(run["usage"]["input_tokens"] / 1_000)
    assert output(run, "find")["results"][0]["document"] == "manual", "no word of the question is in it"
    again = desk.run()
    assert (output(again)["embedded"], output(again)["unchanged"], embedded(desk)) == (0, 2, before + 3)
    changed = {**LEASE, "text": "The rent is due on the third day of the month."}
    desk.workflow([index(MANUAL, changed)])
    assert (output(desk.run())["embedded"], embedded(desk)) == (1, before + 4)


def test_of_documents_with_the_same_id_only_the_last_one_is_indexed_and_paid(desk: Desk) -> None:
    model(desk)
    desk.workflow([index({"id": "manual", "text": "An older text."}, LEASE, MANUAL)])
    before = embedded(desk)
    first, again = output(desk.run()), output(desk.run())
    assert (first["indexed"], first["embedded"]) == (2, 2)
    assert (again["indexed"], again["unchanged"], again["embedded"]) == (0, 2, 0)
    assert embedded(desk) == before + 1


def test_without_a_model_nothing_is_asked_and_words_alone_count(desk: Desk) -> None:
    model(desk)
    before = embedded(desk)
    desk.workflow([index(MANUAL, connection=""), find("power supply", connection="")])
    run = desk.run()
    assert output(run)["embedded"] == 0
    assert len(output(run, "find")["results"]) == 1
    desk.workflow([find("power supply")])
    late = desk.run()
    assert late["steps"][0]["note"] == "Searched by words alone: the collection home has no vectors."
    desk.workflow([index(LEASE)])
    assert output(desk.run())["embedded"] == 1, "documents that this run was not given stay as they are"
    assert embedded(desk) == before + 1


def test_what_was_paid_is_kept_when_the_model_fails_and_the_run_is_resumed(desk: Desk) -> None:
    model(desk)
    desk.workflow([index(LONG)])
    before = embedded(desk)
    desk.standins.faults("openai", match=EMBED, times=2)  # these two are answered
    desk.standins.faults("openai", match=EMBED, status=400, body=json.dumps({"error": {"message": "no"}}))
    run = desk.run()
    assert run["status"] == "failed"
    assert "`embedding_model`" in run["steps"][0]["error"]["remedy"]
    assert desk.orchestra.collections.show(OWNER, "home").vectors == 2 * AT_ONCE
    desk.orchestra.runs.resume(OWNER, run["run_id"])
    assert output(desk.wait(run["run_id"]))["embedded"] == AT_ONCE
    assert embedded(desk) == before + 4, "only the request that failed was sent again"


@pytest.mark.parametrize("on_limit", ["pause", {"model": "small"}])
def test_a_budget_stops_embedding_and_what_is_missing_follows_when_it_is_raised(desk: Desk, on_limit: Any) -> None:
    model(desk)
    desk.workflow([index(LONG)], budget={"run": {"calls": 2, "on_limit": on_limit}}, id="work")
    run = desk.run()
    assert run["status"] == "waiting"
    assert desk.orchestra.collections.show(OWNER, "home").vectors == 2 * AT_ONCE, "no other model can take its place"
    desk.workflow([index(LONG)], budget={"run": {"calls": 5}}, id="work")
    desk.orchestra.runs.resume(OWNER, run["run_id"], newest=True)
    assert output(desk.wait(run["run_id"]))["embedded"] == AT_ONCE


def test_vectors_of_another_model_are_refused_before_anything_is_paid(desk: Desk) -> None:
    model(desk)
    desk.workflow([index(MANUAL)])
    output(desk.run())
    model(desk, "other")
    before = embedded(desk)
    for step in (index(LEASE), find("rent")):
        desk.workflow([step])
        error = desk.run()["steps"][0]["error"]
        assert "come from vectors with 256 dimensions; vectors of other cannot" in error["message"]
        assert "orchestra collections forget-vectors home" in error["remedy"]
    assert [one.id for one in desk.orchestra.collections.documents(OWNER, "home")] == ["manual"]
    assert embedded(desk) == before
    assert desk.orchestra.collections.forget_vectors(OWNER, "home") == 1
    desk.workflow([index(MANUAL)])
    assert output(desk.run())["embedded"] == 1


def test_a_connection_that_makes_no_vectors_is_a_mistake_of_the_file(desk: Desk) -> None:
    claude = {"service": "anthropic", "api_key": "env:BUDGET_KEY", "model": "big"}
    desk.config(connections={"claude": claude, "llm": {"service": "openai"}})
    assert desk.orchestra.connections.choices(OWNER, "embedding_connection") == ["llm"]
    for name, words in (
        ("claude", "it is for anthropic, and rag.index needs a model that makes vectors"),
        ("nobody", "The connection 'nobody' cannot be used: there is none"),
        ("{{ inputs.name }}", "must be known before a run"),
    ):
        desk.workflow([index(MANUAL, connection=name)], inputs={"type": "object", "properties": {"name": {}}})
        with pytest.raises(InvalidFile, match=words):
            desk.run()


def test_the_estimate_knows_the_price_of_vectors(desk: Desk) -> None:
    model(desk, prices={"vectors": {"input": 1, "output": 0}, "big": {"input": 900, "output": 900}})
    texts = {"id": "embed", "uses": "llm.embed", "connection": "llm", "with": {"texts": ["a", "b"]}}
    desk.workflow([index(MANUAL), texts])
    found = desk.orchestra.preview(OWNER, "work", {}).estimate
    assert found is not None
    assert found["low_usd"] == 0
    assert found["high_usd"] == pytest.approx(0.006, abs=0.0002), "three texts with 2,000 tokens each"
    assert "the vectors of at most 3 new texts" in found["sentence"]


def test_private_text_does_not_go_to_a_model_elsewhere(desk: Desk) -> None:
    away = {"service": "openai", "base_url": "https://models.example.com/v1", "model": "big"}
    gmail = {"service": "gmail"}
    desk.config(connections={"llm": away, "gmail": gmail})
    mails = {"id": "mails", "uses": "gmail.search_messages", "with": {"query": "in:inbox"}}
    documents = "{{ steps.mails.output.messages.map(m, {'id': m.id, 'text': m.text}) }}"
    keep = {"id": "keep", "uses": "rag.index", "with": {**index()["with"], "documents": documents}}
    desk.workflow([mails, keep], privacy="local")
    with pytest.raises(
        InvalidFile, match=r"Text of gmail leaves this machine: `keep` sends it to models\.example\.com"
    ):
        desk.orchestra.runs.start(OWNER, "work", {})


def test_people_who_try_a_question_use_the_vectors_within_their_rights(desk: Desk) -> None:
    model(desk)
    desk.workflow([index(MANUAL, LEASE)])
    output(desk.run())
    collections = desk.orchestra.collections
    found = collections.search(OWNER, "home", "Halle")
    assert (found.by_meaning, found.note, found.results[0].document) == (True, "", "manual")
    assert collections.search(OWNER, "home", " ?! … ").results == []
    seen = collections.search(Principal("eve", "viewer"), "home", "Halle")
    assert (seen.by_meaning, seen.results) == (False, [])
    assert "may not ask models" in seen.note
    model(desk, "other")
    assert "leads to another model than 'vectors'" in collections.search(OWNER, "home", "Halle").note
    model(desk, budgets={"day": {"calls": 0}})
    assert "budget of all workflows is used up" in collections.search(OWNER, "home", "Halle").note
