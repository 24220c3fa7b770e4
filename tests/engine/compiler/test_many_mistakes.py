"""A file with one mistake has one problem, a file with many has them all at once; each with a line and a remedy."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from engine.base.definitions import PromptDefinition
from engine.base.errors import UnknownName
from engine.compiler.compiler import Compiled, CompilerContext, compile_workflow
from engine.documents.json_file import parse

PROMPTS: Mapping[str, PromptDefinition] = {
    "sort@production": {
        "variables": {"subject": {"type": "string"}},
        "messages": [{"role": "user", "content": "{{ subject }}"}],
        "output_schema": {"type": "object", "properties": {"kind": {"type": "string"}}},
    }
}


def prompt(reference: str) -> PromptDefinition:
    if reference not in PROMPTS:
        raise UnknownName("prompt", reference, list(PROMPTS))
    return PROMPTS[reference]


AROUND = CompilerContext({"gmail": "gmail", "github": "github", "llm": "openai", "web": "http"}, prompt)
Change = Callable[[dict[str, Any]], object]


def sound() -> dict[str, Any]:
    """A workflow in which every part is used by another."""
    return {
        "schema_version": 1,
        "title": "Work",
        "inputs": {"type": "object", "properties": {"limit": {"type": "integer"}, "query": {"type": "string"}}},
        "timeout_seconds": 600,
        "steps": [
            {
                "id": "mails",
                "uses": "gmail.search_messages",
                "with": {"query": "{{ inputs.query }}", "limit": "{{ inputs.limit }}"},
                "retry": {"attempts": 3, "backoff_seconds": 1, "on": ["NotFound"]},
            },
            {
                "id": "each_mail",
                "foreach": "{{ steps.mails.output.messages }}",
                "as": "mail",
                "key": "{{ mail.id }}",
                "item_title": "{{ mail.subject }}",
                "parallel": 4,
                "on_item_error": "drop",
                "steps": [
                    {
                        "id": "sort",
                        "uses": "llm.extract",
                        "with": {"prompt": "sort@production", "variables": {"subject": "{{ mail.subject }}"}},
                        "timeout_seconds": 60,
                    },
                    {
                        "id": "issue",
                        "if": "{{ steps.sort.output.kind == 'bug' }}",
                        "uses": "github.create_issue",
                        "connection": "github",
                        "once": "{{ mail.id }}",
                        "with": {"repository": "acme/app", "title": "{{ mail.subject }}"},
                    },
                ],
            },
            {
                "id": "page",
                "uses": "http.request",
                "connection": "web",
                "with": {"url": "https://example.com/{{ inputs.query }}"},
                "on_error": {"steps": [{"id": "instead", "uses": "flow.set", "with": {"values": {"text": "-"}}}]},
            },
            {
                "id": "sum",
                "steps": [{"id": "count", "uses": "flow.set", "with": {"values": {"n": "{{ inputs.limit }}"}}}],
                "output": {"n": "{{ steps.count.output.n }}", "page": "{{ steps.page.output.text }}"},
            },
            {"id": "last", "needs": ["sum", "each_mail"], "uses": "flow.set", "with": {"values": {"n": 1}}},
            {"id": "check", "uses": "flow.assert", "with": {"condition": "{{ steps.last.output.n == 1 }}"}},
        ],
        "outputs": {
            "n": "{{ steps.sum.output.n }}",
            "kinds": "{{ steps.each_mail.output.map(one, one.sort.kind) }}",
            "page": "{{ steps.page.output.text }}",
            "last": "{{ steps.last.output.n }}",
        },
    }


def compiled(document: Any) -> tuple[str, Compiled]:
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return text, compile_workflow(parse(text, "workflows/work.json"), "work", AROUND)


def put(path: str, value: Any) -> Change:
    """Put a value at a dotted path."""

    def change(document: dict[str, Any]) -> None:
        *outer, name = path.split(".")
        holder: Any = document
        for part in outer:
            holder = holder[int(part) if part.isdigit() else part]
        holder[int(name) if name.isdigit() else name] = value

    return change


def drop(path: str) -> Change:
    """Take a key out."""

    def change(document: dict[str, Any]) -> None:
        *outer, name = path.split(".")
        holder: Any = document
        for part in outer:
            holder = holder[int(part) if part.isdigit() else part]
        del holder[name]

    return change


def rename(path: str, name: str) -> Change:
    """Give a key another name, in its place."""

    def change(document: dict[str, Any]) -> None:
        *outer, old = path.split(".")
        holder: Any = document
        for part in outer:
            holder = holder[int(part) if part.isdigit() else part]
        items = [(name if key == old else key, value) for key, value in holder.items()]
        holder.clear()
        holder.update(items)

    return change


# (what is done to the sound file, what stands in the line that is named)
SINGLE = [
    pytest.param(put("schema_version", 2), '"schema_version"', id="version"),
    pytest.param(put("schema_version", "1"), '"schema_version"', id="version-text"),
    pytest.param(drop("schema_version"), "{", id="no-version"),
    pytest.param(put("title", 5), '"title": 5', id="title-number"),
    pytest.param(put("title", None), '"title": null', id="title-null"),
    pytest.param(rename("title", "tittle"), '"tittle"', id="title-misspelt"),
    pytest.param(put("colour", "red"), '"colour"', id="stray-key"),
    pytest.param(put("inputs", 5), '"inputs": 5', id="inputs-number"),
    pytest.param(put("inputs", []), '"inputs": []', id="inputs-list"),
    pytest.param(rename("inputs", "input"), '"input"', id="inputs-misspelt"),
    pytest.param(rename("inputs.properties", "propertys"), '"propertys"', id="properties-misspelt"),
    pytest.param(put("inputs.type", "array"), '"inputs"', id="inputs-no-object"),
    pytest.param(put("inputs.required", ["limmit"]), '"limmit"', id="required-unknown"),
    pytest.param(put("inputs.required", "limit"), '"required"', id="required-text"),
    pytest.param(put("inputs.properties.limit.type", "int"), '"type": "int"', id="input-type"),
    pytest.param(put("inputs.properties.limit", 5), '"limit": 5', id="input-number"),
    pytest.param(put("inputs.properties.limit.default", "x"), '"default": "x"', id="input-default"),
    pytest.param(put("inputs.properties.a-b", {}), '"a-b"', id="input-name"),
    pytest.param(put("inputs.properties.token", {"type": "string"}), '"token"', id="input-secret"),
    pytest.param(put("timeout_seconds", 0), '"timeout_seconds": 0', id="timeout-zero"),
    pytest.param(put("timeout_seconds", "60"), '"60"', id="timeout-in-quotes"),
    pytest.param(put("timeout_seconds", "soon"), '"soon"', id="timeout-text"),
    pytest.param(put("triggers", 5), '"triggers": 5', id="triggers-number"),
    pytest.param(put("triggers", [{"id": "t", "uses": "no.such"}]), '"no.such"', id="trigger-type"),
    pytest.param(put("triggers", [{"id": "t"}]), "    {", id="trigger-without-uses"),
    pytest.param(drop("steps"), "{", id="no-steps"),
    pytest.param(put("steps", []), '"steps": []', id="steps-empty"),
    pytest.param(put("steps", {}), '"steps": {}', id="steps-object"),
    pytest.param(rename("steps", "stepps"), '"stepps"', id="steps-misspelt"),
    pytest.param(put("steps.0", 5), "    5,", id="step-number"),
    pytest.param(put("steps.2", "x"), '    "x",', id="step-text"),
    pytest.param(put("outputs", 5), '"outputs": 5', id="outputs-number"),
    pytest.param(put("outputs.n", "{{ steps.summ.output.n }}"), "summ", id="outputs-misspelt-step"),
    # ids
    pytest.param(drop("steps.0.id"), "    {", id="no-id"),
    pytest.param(drop("steps.1.steps.0.id"), "{", id="no-id-inside"),
    pytest.param(rename("steps.0.id", "Id"), '"Id"', id="id-misspelt"),
    pytest.param(put("steps.0.id", 5), '"id": 5', id="id-number"),
    pytest.param(put("steps.0.id", ""), '"id": ""', id="id-empty"),
    pytest.param(put("steps.0.id", "x" * 65), '"id": "xxx', id="id-long"),
    pytest.param(put("steps.5.id", "last"), '"id": "last"', id="id-twice"),
    pytest.param(put("steps.1.steps.1.id", "mails"), '"id": "mails"', id="id-twice-inside"),
    # the content of a step
    pytest.param(put("steps.0.uses", "gmail.serch_messages"), "serch", id="type-unknown"),
    pytest.param(put("steps.0.uses", 5), '"uses": 5', id="type-number"),
    pytest.param(put("steps.0.uses", None), "    {", id="type-null"),
    pytest.param(rename("steps.0.uses", "use"), '"use"', id="uses-misspelt"),
    pytest.param(rename("steps.0.uses", "type"), '"type"', id="uses-called-otherwise"),
    pytest.param(drop("steps.5.uses"), "    {", id="no-uses"),
    pytest.param(put("steps.3.uses", "flow.set"), "    {", id="uses-and-steps"),
    pytest.param(put("steps.0.with", 5), '"with": 5', id="with-number"),
    pytest.param(put("steps.4.with", "x"), '"with": "x"', id="with-text"),
    pytest.param(rename("steps.2.with", "wiht"), '"wiht"', id="with-misspelt"),
    pytest.param(drop("steps.2.with.url"), '"with"', id="field-missing"),
    pytest.param(drop("steps.2.with"), "    {", id="with-missing"),
    pytest.param(rename("steps.2.with.url", "urll"), '"urll"', id="field-misspelt"),
    pytest.param(rename("steps.2.with.url", "address"), '"address"', id="field-called-otherwise"),
    pytest.param(rename("steps.1.steps.1.with.repository", "repo"), '"repo"', id="field-short"),
    pytest.param(rename("steps.1.steps.0.with.prompt", "promt"), '"promt"', id="prompt-misspelt"),
    pytest.param(rename("steps.4.with.values", "vales"), '"vales"', id="values-misspelt"),
    pytest.param(put("steps.0.with.limit", "many"), '"many"', id="field-type"),
    pytest.param(put("steps.0.with.limit", [1]), '"limit": [', id="field-list"),
    pytest.param(put("steps.1.steps.1.with.labels", "bug"), '"labels": "bug"', id="field-no-list"),
    pytest.param(put("steps.1.steps.0.with.prompt", "srot"), '"srot"', id="prompt-unknown"),
    pytest.param(put("steps.1.steps.0.with.prompt", "{{ mail.id }}"), "{{ mail.id }}", id="prompt-expression"),
    pytest.param(rename("steps.1.steps.0.with.variables.subject", "subjct"), '"subjct"', id="variable-misspelt"),
    pytest.param(put("steps.1.steps.0.with.variables", 5), '"variables": 5', id="variables-number"),
    pytest.param(drop("steps.1.steps.0.with.variables"), '"with"', id="variables-missing"),
    pytest.param(put("steps.2.connection", "wob"), '"wob"', id="connection-unknown"),
    pytest.param(put("steps.2.connection", 5), '"connection": 5', id="connection-number"),
    pytest.param(put("steps.2.connection", "gmail"), '"connection": "gmail"', id="connection-of-another"),
    pytest.param(put("steps.0.title", []), '"title": []', id="step-title-list"),
    pytest.param(put("steps.0.timeout", 5), '"timeout"', id="stray-key-of-a-step"),
    pytest.param(put("steps.0.colour", 5), '"colour"', id="strange-key-of-a-step"),
    # loops
    pytest.param(put("steps.1.foreach", 5), '"foreach": 5', id="foreach-number"),
    pytest.param(put("steps.1.foreach", ["a"]), '"foreach": [', id="foreach-list"),
    pytest.param(put("steps.1.foreach", "steps.mails"), '"foreach"', id="foreach-no-expression"),
    pytest.param(put("steps.1.foreach", "{{ 'x' }}"), '"foreach"', id="foreach-text"),
    pytest.param(put("steps.1.foreach", "{{ steps.mails.output.mesages }}"), "mesages", id="foreach-misspelt"),
    pytest.param(rename("steps.1.foreach", "for_each"), '"for_each"', id="foreach-key-misspelt"),
    pytest.param(put("steps.1.as", 5), '"as": 5', id="as-number"),
    pytest.param(put("steps.1.as", "steps"), '"as": "steps"', id="as-reserved"),
    pytest.param(put("steps.1.as", "inputs"), '"as": "inputs"', id="as-inputs"),
    pytest.param(put("steps.1.key", 5), '"key": 5', id="key-number"),
    pytest.param(put("steps.1.item_title", {}), '"item_title": {}', id="item-title-object"),
    pytest.param(put("steps.1.parallel", 0), '"parallel": 0', id="parallel-zero"),
    pytest.param(put("steps.1.parallel", 1000), '"parallel": 1000', id="parallel-many"),
    pytest.param(put("steps.1.on_item_error", "skip"), '"skip"', id="on-item-error"),
    pytest.param(put("steps.1.steps", []), '"steps": []', id="body-empty"),
    pytest.param(put("steps.1.steps", {}), '"steps": {}', id="body-object"),
    pytest.param(put("steps.1.steps.0", None), "null", id="body-null"),
    pytest.param(put("steps.0.parallel", 2), "    {", id="loop-key-without-loop"),
    pytest.param(put("steps.3.retry", {"attempts": 2}), "    {", id="retry-of-a-group"),
    pytest.param(put("steps.0.output", 1), "    {", id="output-of-a-call"),
    # expressions
    pytest.param(put("steps.0.with.limit", "{{ inputs.limmit }}"), "limmit", id="misspelt-input"),
    pytest.param(put("steps.0.with.query", "{{ inputs.limit }}"), "inputs.limit", id="type-of-an-expression"),
    pytest.param(put("steps.0.with.query", "{{ inputs.query"), "{{ inputs.query", id="open-braces"),
    pytest.param(put("steps.1.steps.1.if", 5), '"if": 5', id="if-number"),
    pytest.param(put("steps.1.steps.1.if", {"type": "x"}), '"if": {', id="if-object"),
    pytest.param(put("steps.1.steps.1.if", "yes"), '"if": "yes"', id="if-no-expression"),
    pytest.param(put("steps.1.steps.1.once", []), '"once": []', id="once-list"),
    pytest.param(put("steps.3.output.n", "{{ steps.count.output.m }}"), "output.m", id="misspelt-output"),
    pytest.param(put("steps.0.with.query", "{{ steps.page.output.text + steps.page.output.text }}"), "steps.page",
                 id="later-step-twice"),
    # order
    pytest.param(put("steps.4.needs", ["summ"]), '"summ"', id="needs-misspelt"),
    pytest.param(put("steps.4.needs", "sum"), '"needs": "sum"', id="needs-text"),
    pytest.param(put("steps.4.needs", ["sum", 5]), "5", id="needs-number"),
    pytest.param(put("steps.4.needs", ["check"]), "    {", id="needs-circle"),
    pytest.param(rename("steps.4.needs", "need"), '"need"', id="needs-key-misspelt"),
    # errors, retry
    pytest.param(put("steps.2.on_error", "contiue"), '"contiue"', id="on-error-word"),
    pytest.param(put("steps.2.on_error", None), '"on_error": null', id="on-error-null"),
    pytest.param(put("steps.2.on_error", {}), '"on_error": {}', id="on-error-empty"),
    pytest.param(put("steps.2.on_error", {"steps": []}), '"steps": []', id="on-error-no-steps"),
    pytest.param(put("steps.2.on_error.steps.0.uses", "flow.sett"), "flow.sett", id="on-error-step"),
    pytest.param(put("steps.2.on_error.steps.0.foo", 1), '"foo"', id="on-error-step-stray"),
    pytest.param(rename("steps.2.on_error.steps", "step"), '"step"', id="on-error-steps-misspelt"),
    pytest.param(put("steps.0.retry", 5), '"retry": 5', id="retry-number"),
    pytest.param(put("steps.0.retry.foo", 5), '"foo"', id="retry-stray"),
    pytest.param(put("steps.0.retry.attempts", 0), '"attempts": 0', id="retry-none"),
    pytest.param(put("steps.0.retry.on", "NotFound"), '"on": "NotFound"', id="retry-on-text"),
    pytest.param(put("steps.0.retry.on", [5]), "5", id="retry-on-number"),
]  # fmt: skip


def test_the_sound_file_has_no_problem() -> None:
    assert [str(one) for one in compiled(sound())[1].problems] == []


@pytest.mark.parametrize(("change", "seen"), SINGLE)
def test_one_mistake_is_one_problem_at_its_line_with_a_remedy(change: Change, seen: str | None) -> None:
    document = sound()
    change(document)
    text, result = compiled(document)
    if seen is None:
        assert [str(one) for one in result.problems] == []
        return
    assert len(result.problems) == 1, [str(one) for one in result.problems]
    [problem] = result.problems
    assert seen in text.splitlines()[problem.line - 1], problem
    assert problem.remedy
    assert not re.search(r"Value error|Input should|valid (string|integer|number|list)|\?steps", str(problem)), problem


WRONG_IDS = ["_mails", "Mails", "my-mails", "my mails", "mäils", "1mails", "item", "key", "in", "null", "as", "steps"]


@pytest.mark.parametrize("step_id", WRONG_IDS)
def test_a_wrong_id_is_told_once_and_what_names_it_is_not_called_unknown(step_id: str) -> None:
    def renamed(new: str) -> str:
        return json.dumps(sound(), indent=2, ensure_ascii=False).replace('"mails"', f'"{new}"')

    text = renamed(step_id).replace("steps.mails.", f"steps.{step_id}.")
    result = compile_workflow(parse(text, "workflows/work.json"), "work", AROUND)
    assert [(one.code, one.step, one.field) for one in result.problems] == [("wrong_value", step_id, "id")]
    assert result.problems[0].remedy


@pytest.mark.parametrize("name", ["Mail", "_mail", "my-mail", "for", "in", "steps", "inputs", "run", "index", "key"])
def test_a_wrong_name_of_a_loop_is_told_once_and_what_names_it_is_not_called_unknown(name: str) -> None:
    text = json.dumps(sound(), indent=2).replace('"as": "mail"', f'"as": "{name}"').replace("{{ mail.", f"{{{{ {name}.")
    result = compile_workflow(parse(text, "workflows/work.json"), "work", AROUND)
    assert [(one.code, one.field) for one in result.problems] == [("wrong_value", "as")], [*map(str, result.problems)]


def test_what_stands_under_a_misspelt_key_is_checked_and_told_where_it_stands() -> None:
    document = sound()
    for change in (
        rename("steps.1.steps", "stepps"),
        put("steps.1.stepps.1.with.title", "{{ mail.subjct }}"),
        rename("steps.1.stepps.1.with", "wth"),
        rename("steps.2.with.url", "urll"),
        put("steps.2.with.urll", "{{ inputs.querry }}"),
    ):
        change(document)
    text, result = compiled(document)
    seen = [(one.code, text.splitlines()[one.line - 1].strip()) for one in result.problems]
    assert seen == [
        ("unknown_key", '"stepps": ['),
        ("unknown_key", '"wth": {'),
        ("expression", '"title": "{{ mail.subjct }}"'),
        ("unknown_field", '"urll": "{{ inputs.querry }}"'),
        ("expression", '"urll": "{{ inputs.querry }}"'),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(put("steps.0.retry.foo", 1), "Known here: attempts, backoff_seconds, on.", id="known-in-retry"),
        pytest.param(put("steps.2.on_error.foo", 1), "Known here: steps.", id="known-in-a-fallback"),
        pytest.param(put("steps.2.on_error", "stop"), "'fail', 'continue' or {\"steps\": [ … ]}", id="on-error"),
        pytest.param(put("steps.1.steps.1.if", 5), "text in quotes or true or false", id="alternatives"),
        pytest.param(put("steps.0.timeout_seconds", 0), "'timeout_seconds' must be more than 0, not 0.", id="limit"),
        pytest.param(put("steps.0.timeout_seconds", 99999999), "must be at most 31622400, not 99999999.", id="digits"),
        pytest.param(drop("steps.0.id"), "Add 'id', such as \"read_mail\".", id="example"),
        pytest.param(put("steps.0.uses", "x.y"), "… and ", id="long-list"),
        pytest.param(put("steps.0.id", "readMail-2"), "Write it like 'read_mail_2'.", id="id-proposed"),
    ],
)
def test_a_problem_says_what_would_be_right(change: Change, said: str) -> None:
    document = sound()
    change(document)
    _, result = compiled(document)
    assert any(said in f"{one.message} {one.remedy}" for one in result.problems), [*map(str, result.problems)]


# Mistakes that all stand in one file; (what is done, what stands in the line that is named, its code)
MANY: list[tuple[Change, str, str]] = [
    (put("schema_version", 3), '"schema_version"', "wrong_value"),
    (rename("title", "tittle"), '"tittle"', "unknown_key"),
    (put("description", 5), '"description": 5', "wrong_type"),
    (put("inputs.properties.query.type", "strng"), '"strng"', "inputs"),
    (put("inputs.properties.password", {"type": "string"}), '"password"', "inputs"),
    (put("inputs.required", ["limmit"]), '"limmit"', "inputs"),
    (put("timeout_seconds", -1), '"timeout_seconds": -1', "wrong_value"),
    (put("triggers", [{"id": "t", "uses": "no.such"}]), '"no.such"', "unknown_trigger_type"),
    (put("steps.0.with.limt", 3), '"limt"', "unknown_field"),
    (put("steps.0.with.limit", "many"), '"many"', "field"),
    (put("steps.0.retry.attempts", 0), '"attempts": 0', "wrong_value"),
    (put("steps.0.retry.foo", 0), '"foo"', "unknown_key"),
    (put("steps.0.retry.on", "NotFound"), '"on": "NotFound"', "wrong_type"),
    (put("steps.1.key", "{{ mail.idd }}"), "mail.idd", "expression"),
    (put("steps.1.parallel", 0), '"parallel": 0', "wrong_value"),
    (put("steps.1.on_item_error", "skip"), '"skip"', "wrong_value"),
    (put("steps.1.steps.0.with.prompt", "srot"), '"srot"', "unknown_prompt"),
    (put("steps.1.steps.0.timeout_seconds", "soon"), '"soon"', "wrong_type"),
    (put("steps.1.steps.1.if", "{{ 'yes' }}"), "'yes'", "type"),
    (put("steps.1.steps.1.connection", "gitub"), '"gitub"', "connection"),
    (drop("steps.1.steps.1.with.repository"), '"with"', "missing_field"),
    (put("steps.1.steps.1.with.labels", "bug"), '"labels": "bug"', "field"),
    (put("steps.2.on_error.steps.0.uses", "flow.sett"), "flow.sett", "unknown_step_type"),
    (put("steps.2.on_error.steps.0.id", "_b2"), '"_b2"', "wrong_value"),
    (put("steps.2.with.url", "{{ inputs.querry }}"), "querry", "expression"),
    (put("steps.3.steps.0.with.values.n", "{{ steps.nope.output }}"), "steps.nope", "expression"),
    (put("steps.3.parallel", 2), "    {", "wrong_value"),
    (put("steps.4.needs", ["summ"]), '"summ"', "needs"),
    (put("steps.4.on_error", "contiue"), '"contiue"', "wrong_value"),
    (put("steps.5.with.condition", "{{ 1 + 1.5 }}"), "1.5", "expression"),
    (put("steps.6", 5), "    5,", "wrong_type"),
    (put("steps.7", {"id": "Big", "uses": "flow.set", "with": {"values": {"x": 1}}}), '"Big"', "wrong_value"),
    (put("steps.7.with.values.x", "{{ nothing }}"), "nothing", "expression"),
    (put("steps.8", {"id": "check", "uses": "flow.set", "wiht": {"values": {}}}), '"check"', "duplicate_id"),
    (put("steps.8.wiht", {"values": {}}), '"wiht"', "unknown_key"),
    (put("steps.9", {"id": "empty"}), "    {", "wrong_value"),
    (put("outputs.n", "{{ steps.count.output.n }}"), "steps.count", "expression"),
]  # fmt: skip


def test_all_mistakes_of_a_file_are_told_at_once() -> None:
    document = copy.deepcopy(sound())
    document["steps"] += [None] * 4
    for change, _, _ in MANY:
        change(document)
    text, result = compiled(document)
    lines = text.splitlines()
    told = [(lines[one.line - 1], one.code) for one in result.problems]
    missing = [
        (seen, code) for _, seen, code in MANY if not any(code == other and seen in line for line, other in told)
    ]
    # A step that cannot be read at all may be the one that is named; a name that is near another one is told.
    assert missing == [("steps.nope", "expression")]
    errors = [one for one in result.problems if one.severity == "error"]
    assert len(errors) == len(MANY) - len(missing), [*map(str, errors)]
    warnings = {(one.code, one.step, one.field) for one in result.problems if one not in errors}
    assert ("unused_input", None, "inputs.properties.limit") in warnings  # what used it has become "many"
    assert all(one.remedy for one in result.problems)
