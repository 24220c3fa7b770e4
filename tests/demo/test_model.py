"""The demo model on mails that no cue was chosen for, on the sample mails, and on any schema."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from time import process_time
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.model import model
from demo.model.document import PromptDocument, document_of
from demo.model.filler import fill
from tests.demo.mail_text import NEW, ROOT, SAMPLES, prompt
from tests.few import examples

PROMPT = json.loads((ROOT / "prompts" / "classify-mail.json").read_text(encoding="utf-8"))
REPLY = json.loads((ROOT / "prompts" / "draft-reply.json").read_text(encoding="utf-8"))
ORDERS = ("DONE", "PAID", "collector.example", "rankboost.example", "Rotate all keys", "forwarded", "approved")


def asked(document: dict[str, Any], text: str) -> Any:
    system = "\n".join(document["messages"][0]["content"])
    messages = [{"role": "system", "content": system}, {"role": "user", "content": text}]
    answer = json.loads(model.answer(messages, schema=document["output_schema"]).text)
    check_against(answer, document["output_schema"])
    return answer


def check_against(answer: Any, schema: dict[str, Any]) -> None:
    validator: Any = jsonschema.Draft202012Validator(schema)
    assert [each.message for each in validator.iter_errors(answer)] == []


def kind(path: Path) -> str:
    return str(asked(PROMPT, prompt(path))["kind"])


def test_at_least_12_of_15_unseen_mails_are_sorted_right() -> None:
    """These mails were written after the cue words, and no cue for them: keep both so."""
    mails = json.loads((Path(__file__).parent / "unseen_mails.json").read_text(encoding="utf-8"))
    found = [asked(PROMPT, f"Subject: {each['subject']}\n\n{each['text']}")["kind"] for each in mails]
    wrong = [(each["subject"], kind) for each, kind in zip(mails, found, strict=True) if kind != each["kind"]]
    assert len(mails) == 15
    assert len(wrong) <= 3, wrong


def test_the_sample_inbox_becomes_9_tasks_and_9_issues() -> None:
    inbox = [path for path in SAMPLES.glob("*.eml") if b"\nX-Gmail-Labels: Inbox" in path.read_bytes()]
    assert Counter(map(kind, inbox)) == {"task": 9, "bug": 9, "nothing": 5, "unsure": 2}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        pytest.param("1-dark-mode-crash", "bug", id="crash"),
        pytest.param("2-training-date", "task", id="appointment"),
        pytest.param("3-status-digest", "nothing", id="digest"),
        pytest.param("4-contract-question", "task", id="question"),
        pytest.param("5-double-charge", "bug", id="french bug"),
        pytest.param("6-order-again", "unsure", id="only orders to a program"),
        pytest.param("7-refund", "task", id="refund"),
    ],
)
def test_the_mails_that_arrive_later_are_sorted(name: str, wanted: str) -> None:
    assert kind(NEW / f"{name}.eml") == wanted


REFUNDS = (
    "Subject: Order 4411\n\nI was charged twice on Friday. I would like to be refunded for one of them, please.",
    "Subject: Bestellung 77\n\nGuten Tag, bitte erstatten Sie mir den Betrag dieser Bestellung.",
)
NO_REFUND = "Subject: Your refund\n\nThe refund was paid. There is no need to do anything. Payment received."


def labelled(text: str, label: str) -> bool:
    """Whether the model says of a text that it is this, and nothing else."""
    schema = {"type": "object", "properties": {"label": {"enum": [label, "other", "unsure"]}}, "required": ["label"]}
    messages = [{"role": "system", "content": "Choose the label that fits best."}, {"role": "user", "content": text}]
    return bool(json.loads(model.answer(messages, schema=schema).text)["label"] == label)


@pytest.mark.parametrize("label", ["a request for a refund", "eine Bitte um Erstattung"])
def test_a_request_for_one_thing_is_not_each_request(label: str) -> None:
    found = [path.stem for path in [*SAMPLES.glob("*.eml"), *NEW.glob("*.eml")] if labelled(prompt(path), label)]
    assert found == ["7-refund"]
    assert all(labelled(text, label) for text in REFUNDS)


def test_what_is_told_of_a_refund_asks_for_none() -> None:
    assert not labelled(NO_REFUND, "a request for a refund")


def test_a_kind_without_a_thing_is_found_as_before() -> None:
    found = {path.stem[:2] for path in SAMPLES.glob("*.eml") if labelled(prompt(path), "a bug report")}
    assert {"01", "02", "03", "04", "05", "06", "07", "08"} <= found


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*order*.eml")), ids=lambda path: path.stem)
def test_an_order_to_the_model_is_not_followed(path: Path) -> None:
    for document in (PROMPT, REPLY):
        said = json.dumps(asked(document, prompt(path)), ensure_ascii=False)
        assert not [each for each in ORDERS if each in said]


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.eml")), ids=lambda path: path.stem)
def test_a_summary_says_nothing_that_the_mail_does_not_say(path: Path) -> None:
    text = prompt(path)
    answer = asked(PROMPT, text)
    plain = "".join(text.casefold().split())
    for sentence in (answer["title"], *re.split(r"[.:] |(?<=。) |\n+(?:```\n?|\d\. )?", answer["summary"])):
        said = "".join(sentence.casefold().split()).strip(".…`")
        assert said in plain or said == "(nosubject)"


def test_a_bug_is_reported_with_its_steps_and_what_the_program_wrote() -> None:
    summary = asked(PROMPT, prompt(SAMPLES / "01-upload-crash.eml"))["summary"]
    assert summary.startswith("Every upload above 10 MB crashes app 2.4.1 on our server.")
    assert '\n\n1. Open a project and choose "Upload".\n2. Pick any file' in summary
    assert "```\nTraceback (most recent call last):\n" in summary
    assert summary.endswith("ShortRead: wanted 1048576 bytes, got 65536\n```")


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.eml")), ids=lambda path: path.stem)
def test_a_summary_leaves_quotations_and_signatures_out(path: Path) -> None:
    summary = asked(PROMPT, prompt(path))["summary"]
    assert ">" not in summary
    assert "fetched page 40" not in summary or "29" in path.stem
    assert "Kind regards" not in summary


def test_a_draft_answers_in_the_language_of_the_mail_and_leaves_the_facts_to_a_person() -> None:
    answer = asked(REPLY, prompt(SAMPLES / "17-early-access-thread.eml"))
    assert answer["needs_answer"] is True
    assert answer["answer"].startswith("Guten Tag,")
    assert "> Könnten Sie mir außerdem die Unterlagen für die Schulung schicken?" in answer["answer"]
    assert "[Ihre Antwort]" in answer["answer"]


@pytest.mark.parametrize("name", ["18-newsletter-html", "20-out-of-office", "21-thanks", "22-empty"])
def test_mail_that_asks_nothing_gets_no_draft(name: str) -> None:
    assert asked(REPLY, prompt(SAMPLES / f"{name}.eml")) == {"needs_answer": False, "answer": ""}


def test_commits_become_a_digest_with_links() -> None:
    commits = [
        {
            "sha": "3f1c2ab9d0",
            "message": "Fix rounding\n\nDetails",
            "author": "Ann",
            "url": "https://x.example/3f1c2ab",
        },
        {"sha": "a04be77c1f", "message": "feat(web): add shortcuts", "author": "Bob"},
        {"sha": "77d90e1b3c", "message": "Bump libraries", "author": "Ann"},
        {"sha": "1111111b3c", "message": "Zebra", "author": "Ann"},
    ]
    text = model.answer([{"role": "user", "content": f"Repository: a/b\n\nCommits:\n{json.dumps(commits)}"}]).text
    assert text.startswith("4 commits by Ann, Bob.")
    assert "## Fixed\n\n- Fix rounding ([3f1c2ab](https://x.example/3f1c2ab))" in text
    assert "## New\n\n- feat(web): add shortcuts (a04be77)" in text
    assert text.index("## New") < text.index("## Fixed") < text.index("## Upkeep") < text.index("## Other")


@pytest.mark.parametrize(
    ("values", "text", "wanted"),
    [
        pytest.param(["invoice", "meeting", "other"], "Please find our invoice 7 attached.", "invoice", id="topic"),
        pytest.param(["invoice", "meeting", "other"], "Shall we hold the meeting at nine?", "meeting", id="topic 2"),
        pytest.param(["invoice", "meeting", "other"], "La la la.", "other", id="other"),
        pytest.param(["yes", "no", "unsure"], "Could you send it?", "yes", id="yes"),
        pytest.param(["yes", "no", "unsure"], "The parcel was put in the shed today.", "no", id="no"),
        pytest.param(["high", "medium", "low"], "The list is sorted by name.", "medium", id="what commits to least"),
        pytest.param(["ERROR", "FEATURE_REQUEST"], "It would be great to have tabs", "FEATURE_REQUEST", id="case"),
        pytest.param(["task", "bug", "unsure"], "We talked about it on the train.", "unsure", id="no cue"),
        pytest.param(["task", "bug", "unsure"], "Wrong?", "unsure", id="too few words"),
        pytest.param(["red", "blue"], "I take the blue one", "blue", id="own words"),
        pytest.param(["red", "blue", None], "I take the green one", None, id="nothing fits"),
    ],
)
def test_a_value_is_chosen_by_evidence(values: list[str | None], text: str, wanted: str | None) -> None:
    schema = {"enum": values, "description": "needs_answer"}
    assert fill(schema, PromptDocument("", text)) == wanted


TEXT_LIST = {"type": "array", "items": {"type": "string"}}
BILL = PromptDocument(
    "Invoice 12",
    "Dear customer,\n\nServers: 180.00 EUR\nTotal: 1,204.50 EUR\n\nPlease pay by 2026-11-27. "
    "Questions? Write to billing@host.example or see https://host.example/bill.\n\n- first point\n- second point\n",
)


@pytest.mark.parametrize(
    ("name", "schema", "wanted"),
    [
        pytest.param("total", {"type": "number"}, 1204.5, id="amount"),
        pytest.param("total", {"type": "integer", "maximum": 2000}, 1204, id="bounded integer"),
        pytest.param("weight", {"type": ["number", "null"]}, None, id="unknown number"),
        pytest.param("weight", {"type": "number"}, 0, id="unknown number that must be"),
        pytest.param("due", {"type": "string", "format": "date"}, "2026-11-27", id="date"),
        pytest.param("email", {"type": "string"}, "billing@host.example", id="address"),
        pytest.param("link", {"type": "string", "format": "uri"}, "https://host.example/bill", id="link"),
        pytest.param(
            "points", {"type": "array", "items": {"type": "string"}}, ["first point", "second point"], id="list"
        ),
        pytest.param("is_bug", {"type": "boolean"}, False, id="no"),
        pytest.param("needs_answer", {"type": "boolean"}, True, id="yes"),
        pytest.param(
            "summary", {"type": "string", "description": "At most 9 characters."}, "Servers…", id="told limit"
        ),
        pytest.param("title", {"type": "string", "maxLength": 7}, "Invoic…", id="short title"),
        pytest.param(
            "account", {"type": "string", "pattern": "^[a-z]+@[a-z.]+$"}, "billing@host.example", id="pattern"
        ),
        pytest.param("nothing", {"type": "null"}, None, id="null"),
        pytest.param("version", {"const": 2}, 2, id="constant"),
        pytest.param("colour", {"anyOf": [{"type": "string"}, {"type": "null"}]}, None, id="nullable"),
        pytest.param("kind", {"$ref": "#/$defs/Kind"}, "invoice", id="reference"),
    ],
)
def test_a_property_is_filled_from_the_text(name: str, schema: dict[str, Any], wanted: Any) -> None:
    kinds = {"Kind": {"enum": ["invoice", "meeting"]}}
    whole = {"type": "object", "properties": {name: schema}, "required": [name], "$defs": kinds}
    assert fill(whole, BILL) == {name: wanted}


SELF = {"$ref": "#"}


@pytest.mark.parametrize(
    "inner",
    [
        pytest.param({"child": SELF}, id="itself"),
        pytest.param({"child": {"anyOf": [SELF, {"type": "null"}]}}, id="itself or null"),
        pytest.param({"left": SELF, "right": SELF}, id="twice"),
        pytest.param({"children": {"type": "array", "items": SELF, "minItems": 1_000_000_000}}, id="many times"),
    ],
)
def test_a_schema_that_holds_itself_comes_to_an_end(inner: dict[str, Any]) -> None:
    node = {"type": "object", "properties": {"title": {"type": "string"}, **inner}, "required": ["title", *inner]}
    assert fill(node, BILL)["title"] == "Invoice 12"


def leaves() -> st.SearchStrategy[dict[str, Any]]:
    kinds: list[dict[str, Any]] = [
        {},
        {"type": "string"},
        {"type": "string", "minLength": 3, "maxLength": 5},
        {"type": "string", "format": "date"},
        {"type": "integer", "minimum": 1, "maximum": 5},
        {"type": "integer", "exclusiveMinimum": 5, "multipleOf": 3},
        {"type": "number"},
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        {"type": "number", "maximum": -2, "multipleOf": 0.5},
        {"type": "boolean"},
        {"type": "null"},
        {"type": ["string", "null"]},
        {"anyOf": [{"type": "null"}, {"type": "integer", "minimum": 7}]},
        {"allOf": [{"type": "string"}, {"maxLength": 4}]},
        {"enum": ["task", "bug", "unsure"]},
        {"enum": ["high", "low"]},
        {"enum": ["yes", "no"]},
        {"enum": [1, 2]},
        {"enum": ["a", None]},
        {"const": True},
    ]
    return st.sampled_from(kinds)


NAMES = st.sampled_from(["title", "summary", "kind", "needs_answer", "answer", "total", "due", "tags", "steps", "x"])


def objects(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    def build(properties: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": properties,
            "required": sorted(properties),
            "additionalProperties": False,
        }

    lists = inner.map(lambda items: {"type": "array", "items": items, "minItems": 2, "maxItems": 3})
    return st.dictionaries(NAMES, inner, max_size=4).map(build) | lists


TEXTS = st.sampled_from(
    [BILL.text, "", "???", "> only\n> quoted", "エラーが出ます。", "-----\nOn x wrote:\n"]
) | st.text(max_size=80)


@examples(150)
@given(schema=st.recursive(leaves(), objects, max_leaves=8), subject=st.text(max_size=20), text=TEXTS)
def test_the_answer_fits_any_schema(schema: dict[str, Any], subject: str, text: str) -> None:
    document = document_of([{"role": "user", "content": f"Subject: {subject}\n\n{text}"}])
    check_against(fill(schema, document), schema)


@pytest.mark.parametrize(
    ("message", "subject", "text"),
    [
        pytest.param("Subject: A\n\nB", "A", "B", id="plain"),
        pytest.param("Subject: \n\nB", "", "B", id="empty subject"),
        pytest.param("Read this.\nSubject: A\nFrom: c@d.example\n\nB", "A", "B", id="with sender"),
        pytest.param("**Betreff:** A\n\nB", "A", "B", id="bold and German"),
        pytest.param("B", "", "B", id="no subject"),
    ],
)
def test_the_document_is_found_in_the_message(message: str, subject: str, text: str) -> None:
    document = document_of([{"role": "user", "content": message}])
    assert (document.subject.strip("* "), document.text) == (subject, text)


@pytest.mark.parametrize("said", ["Hello", "Hi."])
def test_a_word_that_is_no_mail_has_no_subject_to_miss(said: str) -> None:
    assert said.rstrip(".") in model.answer([{"role": "user", "content": said}]).text


def said(*texts: str) -> list[dict[str, str]]:
    return [{"role": ("user", "assistant")[index % 2], "content": text} for index, text in enumerate(texts)]


MISFIT = (
    "That does not fit:\n- title: 'Price' is too short\nAnswer again, with the whole corrected JSON and nothing else."
)
PRICE = "Subject: Price of seats\n\nWhat do ten seats cost?"


@pytest.mark.parametrize(
    ("messages", "subject", "text"),
    [
        pytest.param(said(PRICE, "{}", MISFIT), "Price of seats", "What do ten seats cost?", id="misfit"),
        pytest.param(said(PRICE, "{}", MISFIT, "{}", MISFIT), "Price of seats", "What do ten seats cost?", id="twice"),
        pytest.param(said("Ten seats, please.", "{}", MISFIT), "", "Ten seats, please.", id="plain text"),
        pytest.param(said(PRICE, "{}", "Write a reply."), "Price of seats", "What do ten seats cost?", id="later wish"),
        pytest.param(said(PRICE, "{}", "Subject: B\n\nC"), "B", "C", id="after an example"),
        pytest.param(said("A.", "{}", "B."), "", "B.", id="conversation"),
        pytest.param(said(MISFIT), "'Price' is too short", "Answer again", id="mail that says it"),
    ],
)
def test_what_is_said_about_an_answer_is_no_document(messages: Any, subject: str, text: str) -> None:
    document = document_of(messages)
    assert (document.subject, document.text[: len(text)]) == (subject, text)


def test_a_question_about_passages_is_answered_again_after_a_misfit() -> None:
    names = {"answer": {"type": "string"}, "answered": {"type": "boolean"}, "passages": {"type": "array"}}
    asked = "[1] Seats\nTen seats cost 90 EUR.\n\nQuestion: What do ten seats cost?"
    answer = model.answer(said(asked, "{}", MISFIT), schema={"type": "object", "properties": names})
    assert json.loads(answer.text) == {"answer": "Ten seats cost 90 EUR.", "answered": True, "passages": [1]}


def node(*names: str, least: int) -> dict[str, Any]:
    lists = {name: {"type": "array", "items": {"$ref": "#/$defs/n"}, "minItems": least} for name in names}
    one = {"type": "object", "properties": {"v": {"type": "string"}, **lists}, "required": ["v", *names]}
    return {"$defs": {"n": one}, "$ref": "#/$defs/n"}


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param(node("c", least=3), id="list"),
        pytest.param(node(*"abcd", least=2), id="four lists"),
        pytest.param({"properties": {"x": {"allOf": [{"$ref": "#/properties/x"}] * 40}}}, id="all of itself"),
        pytest.param({"type": "string", "minLength": 200_000_000}, id="long text"),
        pytest.param({"type": "array", "minItems": 9**9, "items": {"enum": ["task", "bug"]}}, id="many choices"),
    ],
)
def test_no_schema_takes_long_or_makes_much(schema: dict[str, Any]) -> None:
    document = PromptDocument("", "\n".join(f"- item number {number} costs {number}.99" for number in range(300)))
    started = process_time()
    assert len(json.dumps(fill(schema, document))) < 500_000
    assert process_time() - started < 1


@pytest.mark.parametrize(
    ("schema", "wanted"),
    [
        pytest.param({"enum": []}, None, id="no value"),
        pytest.param({"enum": [1, 5, 10], "minimum": 4}, 5, id="value within bounds"),
        pytest.param({"type": "integer", "enum": ["a", 4]}, 4, id="value of the type"),
        pytest.param({"type": "string", "maxLength": 5.0, "minLength": 2.0}, "The…", id="lengths with a point"),
        pytest.param({"type": "array", "items": {"const": 1}, "minItems": 2.0, "maxItems": 3.0}, [1, 1], id="counts"),
        pytest.param({"type": "integer", "minimum": 1e308, "maximum": 1.7e308}, int(1e308), id="huge"),
        pytest.param({"type": "number", "minimum": 800, "exclusiveMinimum": 900}, 901, id="both least"),
        pytest.param({"type": "number", "maximum": -2, "exclusiveMaximum": -1}, -2, id="both most"),
        pytest.param({"type": "string", "maxLength": 0}, "", id="no character"),
        pytest.param({"type": "array", "uniqueItems": True, "items": {"type": "string"}}, ["one", "two"], id="unique"),
        pytest.param({"type": "number", "exclusiveMaximum": 700}, 0, id="figure that does not fit"),
        pytest.param({"type": "integer", "maximum": 700, "minimum": 3}, 3, id="nearest to 0"),
        pytest.param({"type": "integer", "maximum": 800}, 730, id="figure that fits"),
    ],
)
def test_bounds_are_met_without_inventing(schema: dict[str, Any], wanted: Any) -> None:
    document = PromptDocument("", "The total is 730 EUR.\n\n- one\n- two\n- one")
    whole = {"type": "object", "properties": {"total": schema}, "required": ["total"]}
    assert fill(whole, document) == {"total": wanted}


def test_an_optional_number_that_the_text_does_not_say_is_left_out() -> None:
    schema = {"type": "object", "properties": {"total": {"type": "number", "maximum": 700}}}
    assert fill(schema, PromptDocument("", "The total is 730 EUR.")) == {}


TOOLS = [f'- {name}: Text.\n  arguments: {{"type": "object"}}' for name in ("read", "finish")]
AGENT = "\n".join(["You work in turns.", *TOOLS])


@pytest.mark.parametrize(
    "line",
    ["CALL read {bad", "CALL read [1]", 'CALL x "s"', "CALL x null", f"CALL x {'[' * 100_000}", 'CALL x {"a": 1'],
    ids=lambda line: line[:15],
)
def test_a_malformed_line_of_a_script_is_plain_text(line: str) -> None:
    start = [{"role": "system", "content": AGENT}, {"role": "user", "content": f"Task:\n{line}"}]
    assert json.loads(model.answer(start).text) == {"tool": "read", "arguments": {}}
    followed = [start[0], {"role": "user", "content": f"Task:\n{line}\nSAY Good."}]
    assert model.answer(followed).text == "Good."


def test_a_result_with_a_bad_escape_is_no_text_for_an_agent() -> None:
    result = {"role": "user", "content": r'Result of read: {"text": "\d"}'}
    start = [{"role": "system", "content": AGENT}, {"role": "user", "content": "Task:\nSort."}]
    assert json.loads(model.answer([*start, {"role": "assistant", "content": "{}"}, result]).text)["tool"] == "finish"


def test_one_sentence_is_asked_for_and_answered() -> None:
    mail = "Export broken. Hello,\n\nwhen I export the report as CSV, the page goes white. I use Opera.\n\nBye\nAnn"
    asked = [{"role": "system", "content": "Summarize the text in one sentence."}, {"role": "user", "content": mail}]
    assert model.answer(asked).text == "when I export the report as CSV, the page goes white."
