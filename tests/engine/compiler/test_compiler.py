"""Every kind of mistake in a workflow file, with place, words and remedy; and no file breaks the compiler."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.base.checkout import CHECKOUT
from engine.base.definitions import PromptDefinition
from engine.base.errors import InvalidFile, UnknownName
from engine.base.problem import Problem
from engine.compiler.compiler import Compiled, CompilerContext, compile_workflow
from engine.documents.json_file import parse
from engine.prompts.prompts import PromptStore
from engine.workspace.workspace import Workspace
from tests.engine.compiler.test_odd_documents import spoilt
from tests.engine.conftest import set_step
from tests.few import examples

ANSWER = {"type": "object", "properties": {"kind": {"enum": ["bug", "task"]}, "share": {"type": "number"}}}
PROMPTS: Mapping[str, PromptDefinition] = {
    "sort@production": {
        "variables": {"subject": {"type": "string"}, "language": {"type": "string", "default": "en"}},
        "messages": [{"role": "user", "content": "{{ subject }}"}],
        "output_schema": ANSWER,
    }
}


def prompt(reference: str) -> PromptDefinition:
    if reference not in PROMPTS:
        raise UnknownName("prompt", reference, list(PROMPTS))
    return PROMPTS[reference]


SERVICES = {"gmail": "gmail", "notion": "notion", "work": "github", "home": "github", "llm": "openai", "web": "http"}
AROUND = CompilerContext(SERVICES, prompt)


def flow(*steps: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"schema_version": 1, "title": "Work", **more, "steps": list(steps)}


def call(step_id: str, uses: str, fields: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": step_id, "uses": uses, "with": dict(fields), **more}


def use(expression: str, **more: Any) -> dict[str, Any]:
    return set_step("user", {"v": f"{{{{ {expression} }}}}"}, **more)


def loop(**more: Any) -> dict[str, Any]:
    return {"id": "each", "foreach": "{{ [1] }}", "steps": [set_step("a")], **more}


def inputs(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def compiled(document: Any) -> tuple[str, Compiled]:
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return text, compile_workflow(parse(text, "workflows/work.json"), "work", AROUND)


MAILS = call("mails", "gmail.search_messages", {"query": "in:inbox"})
SORT = call("sort", "llm.extract", {"prompt": "sort@production", "variables": {"subject": "x"}})
SEARCH = "gmail.search_messages"
ISSUE = {"repository": "acme/app", "issue": 1}
INNER_LOOP = {"id": "inner", "foreach": "{{ [2] }}", "steps": [set_step("a")]}

# (document, code, step, field, what stands at the place, part of the message, part of the remedy)
MISTAKES = [
    pytest.param(
        flow(call("a", "gmail.serch_messages", {})), "unknown_step_type", "a", "uses", '"gmail.serch_messages"',
        "no step type named 'gmail.serch_messages'", "'gmail.search_messages'", id="step-type",
    ),
    pytest.param(
        flow(call("a", SEARCH, {"querry": "x"})), "unknown_field", "a", "with.querry", '"x"',
        "no field 'querry'", "Did you mean 'query'?", id="field-of-a-step",
    ),
    pytest.param(
        flow(call("a", "github.get_issue", {"repository": "a/b"}, connection="work")), "missing_field", "a", "with",
        '{\n        "repository"', "needs the field 'issue'", "", id="missing-field",
    ),
    pytest.param(
        flow(call("a", SEARCH, {"query": "x", "limit": "many"})), "field", "a", "with.limit", '"many"',
        "a whole number, not 'many'", "", id="literal",
    ),
    pytest.param(
        flow(call("a", "store.upsert", {"table": "Invoices 2026", "key": "k", "value": 1})), "field", "a", "with.table",
        '"Invoices 2026"', "'Invoices 2026' cannot be the name of a table.", "such as invoices_2026",
        id="name-of-a-table",
    ),
    pytest.param(
        flow(call("a", "rag.search", {"collection": "My mail", "query": "x"})), "field", "a", "with.collection",
        '"My mail"', "'My mail' cannot be the name of a collection.", "such as my_mail", id="name-of-a-collection",
    ),
    pytest.param(
        flow(call("a", "flow.wait", {"seconds": 1, "until": "2026-01-01T00:00:00Z"})), "field", "a", "with",
        '{\n        "seconds"', "Takes 'seconds' or 'until', not both", "", id="fields-that-do-not-go-together",
    ),
    pytest.param(
        flow(call("a", "flow.wait", {})), "field", "a", "with.seconds", "{}", "needs `seconds` or `until`", "",
        id="neither-of-two",
    ),
    pytest.param(
        flow(call("a", SEARCH, {"query": "{{ [1] }}"})), "type", "a", "with.query", '"{{ [1]',
        "takes text, and this is a list", "json(…)", id="type-of-an-expression",
    ),
    pytest.param(
        flow(call("a", SEARCH, {"query": "x", "limit": "{{ 1 }}0"})), "type", "a", "with.limit", '"{{ 1 }}0"',
        "takes a whole number, and this is text", "one expression", id="mixed-text-for-a-number",
    ),
    pytest.param(
        flow(MAILS, use("steps.maiils.output")), "expression", "user", "with.values.v", ".maiils",
        "no field 'maiils'", "`steps.maiils`: did you mean `steps.mails`?", id="misspelt-step",
    ),
    pytest.param(
        flow(MAILS, use("steps.mails.output.mesages")), "expression", "user", "with.values.v", ".mesages",
        "no field 'mesages'", "did you mean `steps.mails.output.messages`?", id="misspelt-output",
    ),
    pytest.param(
        flow(MAILS, use("steps.mails.output.messages.map(m, m.subjct)")), "expression", "user", "with.values.v",
        ".subjct", "no field 'subjct'", "`m.subjct`: did you mean `m.subject`?", id="misspelt-in-a-macro",
    ),
    pytest.param(
        flow(SORT, use("steps.sort.output.knd")), "expression", "user", "with.values.v", ".knd", "no field 'knd'",
        "did you mean `steps.sort.output.kind`?", id="misspelt-answer-of-a-prompt",
    ),
    pytest.param(
        flow(SORT, use("steps.sort.output.share + 1")), "expression", "user", "with.values.v", "+ 1",
        "'+' does not work on a number with a point and a whole number", "1.0", id="two-kinds-of-number",
    ),
    pytest.param(
        flow(use("inputz.x")), "expression", "user", "with.values.v", "inputz", "nothing named 'inputz'",
        "Did you mean 'inputs'?", id="misspelt-root",
    ),
    pytest.param(
        flow(use("inputs.repo"), inputs=inputs(repository={"type": "string"})), "expression", "user",
        "with.values.v", ".repo ", "no field 'repo'", "repository", id="unknown-input",
    ),
    pytest.param(
        flow(use("steps.later.output.done"), set_step("later")), "order", "user", "with.values.v", "steps.later",
        "'later' is not certainly finished", "Move this step below 'later'", id="order",
    ),
    pytest.param(
        flow(set_step("a"), use("steps.a.output.x")), "expression", "user", "with.values.v", ".x ",
        "no field 'x'", "", id="output-of-flow-set",
    ),
    pytest.param(
        flow(set_step("a"), use("steps.a.output.done", needs=[])), "order", "user", "with.values.v", "steps.a",
        "'a' is not certainly finished", "'needs'", id="order-with-needs",
    ),
    pytest.param(
        flow({"id": "group", "steps": [set_step("inner")]}, use("steps.inner.output.done")), "expression", "user",
        "with.values.v", ".inner", "'inner' is inside 'group'", "steps.group.output", id="hidden-in-a-group",
    ),
    pytest.param(
        flow(set_step("first"), set_step("b", needs=["frist"])), "needs", "b", "needs.0", '"frist"',
        "'frist', which is not a sibling", "Did you mean 'first'?", id="needs-unknown",
    ),
    pytest.param(
        flow(set_step("a", needs=["b"]), set_step("b", needs=["a"])), "cycle", "a", None, '{\n      "id": "a"',
        "wait for each other: a → b → a", "Take one", id="cycle",
    ),
    pytest.param(
        flow(set_step("a"), {"id": "g", "steps": [set_step("b"), set_step("b")]}), "duplicate_id", "b", "id", None,
        "The id 'b' is taken", "", id="duplicate-id",
    ),
    pytest.param(
        flow(set_step("key")), "wrong_value", "key", "id", '"key"', "means nothing else in expressions, not 'key'", "",
        id="reserved-id",
    ),
    pytest.param(
        flow(set_step("in")), "wrong_value", "in", "id", '"in"', "leaves free, not 'in'", "", id="word-of-cel"
    ),
    pytest.param(flow(set_step("Big")), "wrong_value", "Big", "id", '"Big"', "lower-case", "", id="capital-letter"),
    pytest.param(flow(set_step("é")), "wrong_value", "é", "id", '"é"', "lower-case", "", id="accent"),
    pytest.param(
        flow(loop(**{"as": "inputs"})), "wrong_value", "each", "as", '"inputs"', "means nothing else", "",
        id="reserved-as",
    ),
    pytest.param(
        flow(loop(steps=[INNER_LOOP])), "loop_name", "inner", "as", '{\n          "id": "inner"',
        "'item' is the name of an outer loop", "another 'as'", id="nested-loop-name",
    ),
    pytest.param(
        flow(loop(foreach="{{ 'x' }}")), "type", "each", "foreach", "\"{{ 'x'", "takes a list, and this is text", "",
        id="foreach-no-list",
    ),
    pytest.param(
        flow(loop(foreach="steps.x")), "expression", "each", "foreach", '"steps.x"', "not an expression",
        "{{ steps.x }}", id="foreach-no-expression",
    ),
    pytest.param(
        flow(loop(key="{{ {'a': 1} }}")), "type", "each", "key", "\"{{ {'a'", "text or a whole number", "",
        id="key-no-text",
    ),
    pytest.param(
        flow(set_step("a", **{"if": "{{ 1 }}"})), "type", "a", "if", '"{{ 1 }}"',  # type: ignore[arg-type]
        "takes true or false, and this is a whole number", "", id="if-no-boolean",
    ),
    pytest.param(
        flow(call("a", "llm.chat", {"prompt": "srot", "variables": {}})), "unknown_prompt", "a", "with.prompt",
        '"srot"', "no prompt named 'srot'", "sort@production", id="unknown-prompt",
    ),
    pytest.param(
        flow(call("a", "llm.chat", {"prompt": "{{ 'sort' }}", "variables": {}})), "prompt_name", "a", "with.prompt",
        "\"{{ 'sort'", "cannot be an expression", "", id="prompt-by-expression",
    ),
    pytest.param(
        flow(call("a", "llm.extract", {"prompt": "sort@production", "variables": {}})), "prompt_variable", "a",
        "with.variables", "{}", "needs the variable 'subject'", "", id="variable-missing",
    ),
    pytest.param(
        flow(call("a", "llm.extract", {"prompt": "sort@production", "variables": {"subject": "s", "lang": "l"}})),
        "prompt_variable", "a", "with.variables.lang", '"l"', "no variable 'lang'", "'language'",
        id="variable-unknown",
    ),
    pytest.param(
        flow(call("a", "github.get_issue", ISSUE)), "connection", "a", "uses", '"github.get_issue"',
        "there are 2: work, home", "Name one in 'connection'", id="two-connections",
    ),
    pytest.param(
        flow(call("a", "github.get_issue", ISSUE, connection="gmail")), "connection", "a", "connection", '"gmail"',
        "it is for gmail, and github.get_issue needs github", "work, home", id="connection-of-another-service",
    ),
    pytest.param(
        flow(call("a", "github.get_issue", ISSUE, connection="wrk")), "connection", "a", "connection", '"wrk"',
        "there is none", "work, home", id="no-such-connection",
    ),
    pytest.param(
        flow(set_step("a"), inputs=inputs(api_token={"type": "string"})), "inputs", None,
        "inputs.properties.api_token", '{\n        "type": "string"', "asks for a secret", "env:NAME",
        id="input-asks-for-a-secret",
    ),
    pytest.param(
        flow(set_step("a"), inputs=inputs(n={"type": "integer", "default": "x"})), "inputs", None,
        "inputs.properties.n.default", '"x"', "The default does not fit", "", id="default-of-an-input",
    ),
    pytest.param(
        flow(set_step("a"), inputs=inputs(n={"type": "int"})), "inputs", None, "inputs.properties.n.type", '"int"',
        "not a JSON Schema", "", id="type-of-an-input",
    ),
    pytest.param(
        flow(set_step("a"), inputs=inputs(**{"a-b": {}})), "inputs", None, "inputs.properties.a-b", "{}\n",
        "cannot be the name", "letters", id="name-of-an-input",
    ),
    pytest.param(
        flow(set_step("a"), triggers=[{"id": "t", "uses": "no.such"}]), "unknown_trigger_type", None, "triggers.0.uses",
        '"no.such"', "no trigger type", "There are", id="triggers",
    ),
    pytest.param(
        flow(set_step("a"), tittle="x"), "unknown_key", None, "tittle", '"tittle"', "no key 'tittle'",
        "Did you mean 'title'?", id="field-of-the-file",
    ),
    pytest.param(
        flow(set_step("a", timeout=5)), "unknown_key", "a", "timeout", '"timeout"',
        "no key 'timeout'", "'timeout_seconds'", id="field-of-the-step",
    ),
    pytest.param(
        flow({"id": "a", "uses": "flow.wait", "seconds": 5, "with": {"seconds": 5}}), "unknown_key", "a", "seconds",
        '"seconds"', "no key 'seconds'", "a field of flow.wait: write it in 'with'", id="field-beside-with",
    ),
    pytest.param(
        flow({"id": "g", "retry": {"attempts": 2}, "steps": [set_step("b")]}), "wrong_value", "g", None,
        '{\n      "id": "g"', "'retry' goes only with 'uses'", "", id="retry-of-a-group",
    ),
    pytest.param(
        flow({"uses": "flow.set"}), "missing_key", "number 1", "id", '{\n      "uses"', "'id' is missing", "",
        id="no-id",
    ),
    pytest.param(
        {**flow(set_step("a")), "schema_version": 2}, "wrong_value", None, "schema_version", "2,", "must be 1", "",
        id="version",
    ),
    pytest.param(
        flow(use("error.message")), "expression", "user", "with.values.v", "error", "nothing named 'error'", "",
        id="error-outside-a-fallback",
    ),
    pytest.param(
        flow(set_step("a"), outputs={"v": "{{ steps.b }}"}), "expression", None, "outputs.v", ".b ", "no field 'b'",
        "", id="outputs",
    ),
    pytest.param(
        flow(set_step("a", {"v": "tab\t\"é\" {{ 1 + nope }}"})), "expression", "a", "with.values.v", "nope",
        "nothing named 'nope'", "", id="behind-escapes",
    ),
    pytest.param(
        flow(set_step("a", {"v": "x {{ 1"})), "expression", "a", "with.values.v", "{{ 1", "not closed", "",
        id="open-braces",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("document", "code", "step", "field", "at", "message", "remedy"), MISTAKES)
def test_a_mistake_is_named_with_its_place_and_remedy(
    document: Any, code: str, step: str | None, field: str | None, at: str | None, message: str, remedy: str
) -> None:
    text, result = compiled(document)
    assert result.plan is None
    fitting = [one for one in result.problems if one.code == code]
    assert len(fitting) == 1, [str(one) for one in result.problems]
    found = fitting[0]
    assert (found.step, found.field, found.file) == (step, field, "workflows/work.json")
    assert message in found.message
    assert remedy in found.remedy
    if at is not None:
        assert (found.line, found.column) == place(text, at)


def place(text: str, part: str) -> tuple[int, int]:
    index = text.index(part)
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def test_all_problems_are_told_at_once_in_order_of_their_place() -> None:
    document = flow(
        set_step("a", {"v": "{{ nope }}"}, needs=["zz"]),
        call("b", "no.such", {"x": "{{ steps.zz }}"}),
        loop(foreach="{{ 5 }}", kee="x", steps=[set_step("c")]),
        tittle=1,
        inputs=inputs(secret={"type": "string"}),
    )
    _, result = compiled(document)
    codes = [one.code for one in result.problems if one.severity == "error"]
    assert sorted(codes) == sorted(
        ["unknown_key", "inputs", "expression", "needs", "unknown_step_type", "expression", "unknown_key", "type"]
    )
    assert [(one.line, one.column) for one in result.problems] == sorted(
        (one.line, one.column) for one in result.problems
    )


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(flow(MAILS, use("steps.mails.output.messages[0].subject")), id="index"),
        pytest.param(flow(SORT, use("steps.sort.output.kind == 'bug'")), id="answer"),
        pytest.param(flow(SORT, use("steps.sort.output.share > 1.0")), id="number"),
        pytest.param(flow(set_step("a"), use("default(steps.a.output.done, false)")), id="default"),
        pytest.param(flow(set_step("a"), use("has(steps.a.error) ? steps.a.error.message : ''")), id="error"),
        pytest.param(flow(loop(key="{{ item }}", item_title="{{ key }}: {{ index }}")), id="key-in-the-title"),
        pytest.param(flow(loop(steps=[{**INNER_LOOP, "as": "n", "key": "{{ key }}{{ n }}"}])), id="outer-key"),
        pytest.param(flow({**set_step("a"), "if": "{{ run.id != '' }}"}), id="run"),
        pytest.param(
            flow({**set_step("a"), "on_error": {"steps": [use("error.type + error.message + error.step")]}}),
            id="error-in-a-fallback",
        ),
        pytest.param(flow(call("a", "http.request", {"url": "https://x.org"})), id="http-without-connection"),
        pytest.param(flow(call("a", "github.get_issue", ISSUE, connection="home")), id="named-connection"),
        pytest.param(flow(set_step("b", needs=["a"]), set_step("a", needs=[])), id="needs-against-the-order"),
        pytest.param(flow(use("inputs.any.thing[0].at_all"), inputs=inputs(any={})), id="unknown-shape"),
    ],
)
def test_what_is_right_compiles(document: Any) -> None:
    _, result = compiled(document)
    assert [str(one) for one in result.problems if one.severity == "error"] == []
    assert result.plan is not None


def test_a_plan_says_what_runs_and_on_what() -> None:
    group = {"id": "group", "steps": [SORT], "output": {"kind": "{{ steps.sort.output.kind }}"}}
    _, result = compiled(flow(MAILS, {"id": "each", "foreach": "{{ [1] }}", "steps": [group]}, timeout_seconds=60))
    assert result.plan is not None
    assert [node.path for node in result.plan.nodes()] == ["mails", "each", "each.group", "each.group.sort"]
    assert result.plan.connections == ("gmail", "llm")
    assert list(result.plan.prompts) == ["sort@production"]
    assert result.plan.timeout_seconds == 60


SHIPPED = Workspace(CHECKOUT)
STORE = PromptStore(SHIPPED)
SHIPPED_AROUND = CompilerContext(
    {"gmail": "gmail", "github": "github", "notion": "notion", "llm": "openai"}, STORE.resolve
)


def _problems(text: str) -> list[Problem]:
    try:
        return compile_workflow(parse(text, "w.json"), "w", SHIPPED_AROUND).problems
    except InvalidFile as refused:
        return refused.problems


def _have_places(problems: list[Problem], text: str) -> None:
    lines = text.split("\n")
    for one in problems:
        assert one.file == "w.json"
        assert one.message.endswith((".", "…", ")", "?")), one.message
        assert 1 <= one.line <= len(lines)
        assert 1 <= one.column <= len(lines[one.line - 1]) + 1


@pytest.mark.slow
@examples(50)
@given(st.sampled_from(SHIPPED.workflows.names()), st.data())
def test_every_problem_of_a_spoilt_file_has_a_place(name: str, data: st.DataObject) -> None:
    document = SHIPPED.workflows.read(name).value
    for _ in range(data.draw(st.integers(1, 3))):
        document = spoilt(copy.deepcopy(document), data)
    text = json.dumps(document, indent=2, ensure_ascii=False)
    result = compile_workflow(parse(text, "w.json"), "w", SHIPPED_AROUND)
    assert result.plan is not None or any(one.severity == "error" for one in result.problems)
    _have_places(result.problems, text)


@pytest.mark.slow
@examples(150)
@given(
    st.sampled_from(SHIPPED.workflows.names()),
    st.integers(0, 10_000),
    st.integers(0, 40),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from('{}[]",:{{}}\\'),
)
def test_every_problem_of_a_mangled_text_has_a_place(name: str, at: int, cut: int, put: str) -> None:
    text = SHIPPED.workflows.text(name)
    at %= len(text)
    text = text[:at] + put + text[at + cut :]
    _have_places(_problems(text), text.removeprefix("\ufeff"))


FALLBACK = {"on_error": {"steps": [set_step("instead", {"r": 1})]}}
ASSERT = call("fb", "flow.assert", {"condition": True}, **FALLBACK)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(flow(ASSERT, use("steps.fb.output.r")), id="call"),
        pytest.param(flow(ASSERT, use("steps.fb.output.ok")), id="its-own"),
        pytest.param(flow(loop(**FALLBACK), use("steps.each.output.r")), id="loop"),
        pytest.param(flow({"id": "g", "steps": [ASSERT]}, use("steps.g.output.fb.r")), id="inside-a-group"),
    ],
)
def test_the_output_of_a_step_with_a_fallback_may_be_that_of_the_fallback(document: Any) -> None:
    assert [str(one) for one in compiled(document)[1].problems if one.severity == "error"] == []


def test_where_both_put_out_the_same_shape_names_are_still_checked() -> None:
    again = {"on_error": {"steps": [{**MAILS, "id": "again"}]}}
    found = compiled(flow({**MAILS, **again}, use("steps.mails.output.mesages")))[1].problems
    [problem] = [one for one in found if one.severity == "error"]
    assert problem.remedy.endswith("did you mean `steps.mails.output.messages`?")


@pytest.mark.slow
def test_the_last_of_a_thousand_steps_is_checked_like_the_first() -> None:
    steps = [{"id": "s0", "uses": "flow.set", "with": {"values": {"v": 1}}}]
    for number in range(1, 1000):
        value = f"{{{{ steps.s{number - 1}.output.vv }}}}"
        steps.append({"id": f"s{number}", "uses": "flow.set", "with": {"values": {"v": value}}})
    file = parse(json.dumps({"schema_version": 1, "title": "Long", "steps": steps}), "workflows/long.json")
    found = compile_workflow(file, "long", CompilerContext({}, lambda _: {})).problems
    assert [one.step for one in found if one.severity == "error"] == [f"s{number}" for number in range(1, 1000)]
