"""The texts of the mail evaluation: how many there are, in which languages, and that each can be answered rightly."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from engine.prompts.cases import CaseModel
from evals.mail.questions import IBAN, LANGUAGES, Group, Part, questions, step_prompt, stratified

ALL = questions()
MAILS = [one for one in ALL if one.group is Group.CLASSIFY]
KINDS = ("task", "bug", "nothing", "unsure")


def test_there_are_as_many_as_promised() -> None:
    """Each kind is equally frequent in each language, and no text is there twice."""
    assert Counter((one.language, one.kind) for one in MAILS) == {(of, kind): 5 for of in LANGUAGES for kind in KINDS}
    counts = Counter(one.group for one in ALL)
    assert counts == {Group.CLASSIFY: 200, Group.SUMMARIES: 20, Group.INVOICES: 60, Group.DRAFTS: 20}
    assert sum(bool(one.trap) for one in MAILS) >= 60
    assert min(Counter(one.trap for one in MAILS if one.trap != "html").values()) >= 10
    assert len({one.id for one in ALL}) == len(ALL)
    written = [one.variables["text"] for one in MAILS if one.variables["text"].strip()]
    assert len(set(written)) == len(written)


@pytest.mark.parametrize("group", Group)
def test_what_a_right_answer_needs_is_in_the_text(group: Group) -> None:
    """A word of the title, a fact, the vendor: one that only its author knows would measure nothing."""
    for one in ALL:
        text = "\n".join(one.variables.values())
        of = (Part.TITLE, Part.FACT, Part.SUPPLIER)
        patterns = [str(check.assertion["pattern"]) for check in one.checks if check.part in of]
        if one.group is group:
            missing = [pattern for pattern in patterns if not re.search(pattern, text)]
            assert not missing, f"{one.id}: {missing}"
            CaseModel.model_validate({"name": one.id, "assertions": [check.assertion for check in one.checks]})


def test_orders_to_the_model_are_in_their_mails() -> None:
    """The word that must not come out is one that the mail tells the model to write."""
    ordered = [(one, check) for one in MAILS for check in one.checks if check.part is Part.ORDER]
    assert len(ordered) == sum(one.trap == "orders" for one in MAILS) == len(LANGUAGES)
    assert all(check.assertion["value"] in one.variables["text"] for one, check in ordered)


def test_ibans_have_right_check_digits() -> None:
    """Those of the invoices are examples of the IBAN registry; each is in its text (ISO 13616: 1 modulo 97)."""
    found = [(one, one.checks[0].assertion["value"]) for one in ALL if one.prompt == IBAN]
    with_iban = [(one, iban) for one, iban in found if iban]
    assert len(found) == 30
    assert 15 <= len(with_iban) <= 25
    for one, iban in with_iban:
        assert int("".join(str(int(letter, 36)) for letter in iban[4:] + iban[:4])) % 97 == 1, one.id
        assert iban in re.sub(r"\s", "", one.variables["text"])


def test_a_limit_takes_some_of_everything() -> None:
    """So many of each group, with every kind of mail and most languages among them."""
    some = stratified(ALL, 40)
    mails = [one for one in some if one.group is Group.CLASSIFY]
    assert Counter(one.group for one in some) == {
        Group.CLASSIFY: 40,
        Group.INVOICES: 40,
        Group.SUMMARIES: 20,
        Group.DRAFTS: 20,
    }
    assert min(Counter(one.kind for one in mails).values()) == 10
    assert {one.trap for one in mails} == {one.trap for one in MAILS}
    assert len({one.language for one in mails}) == len(LANGUAGES)
    assert {one.kind for one in mails[:4]} == set(KINDS)
    assert {one.id for one in stratified(ALL, 0)} == {one.id for one in ALL}


def test_steps_of_the_gallery_are_asked_as_they_are() -> None:
    """No reference of the workflow is left in the messages, which would be an unknown variable."""
    prompt = step_prompt("read-invoice")
    assert set(prompt["variables"]) == {"sender", "subject", "text"}
    assert "mail." not in json.dumps(prompt["messages"])
    assert "steps." not in json.dumps(prompt["messages"])
    assert prompt["output_schema"]["required"]


def test_a_file_of_mails_of_ones_own(tmp_path: Path) -> None:
    """Four members are enough; a line that lacks one, has an unknown kind or an id twice, or is not JSON, is named."""
    path = tmp_path / "mine.jsonl"
    path.write_text('{"id": "a", "kind": "bug", "subject": "S", "text": "T"}\n', encoding="utf-8")
    [one] = questions(path)
    assert (one.id, one.group, one.kind, one.language) == ("a", Group.OWN, "bug", "")
    for second, said in (
        ('{"id": ', "line 2: not JSON"),
        ("[]", "line 2: the line"),
        ('{"id": "b", "kind": "bug"}', "line 2: subject: Field required"),
        ('{"id": "a", "kind": "task", "subject": "S", "text": "T"}', "line 2: line 1 has the id 'a' too"),
        ('{"id": "b", "kind": "bugg", "subject": "S", "text": "T"}', "line 2: kind: .*'bug'.* not 'bugg'"),
        ('{"id": "b", "kind": "bug", "subject": "S", "text": "T", "title": "T"}', "line 2: title: .*list"),
    ):
        path.write_text('{"id": "a", "kind": "bug", "subject": "S", "text": "T"}\n' + second, encoding="utf-8")
        with pytest.raises(ValueError, match=said):
            questions(path)
