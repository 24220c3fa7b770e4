"""What was before a proposal comes back: after later edits, a save and a restart, for its person alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.base.errors import EditConflict, NotAllowed, UnknownName
from engine.orchestra import Orchestra
from tests.engine.copilot.proposals.test_proposals import ADA, BOB, TEXT, VIEWER, accepted, made, rev, text, valued


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "work.json").write_text(TEXT)
    (tmp_path / "config.yaml").write_text("")
    return tmp_path


def saved(orchestra: Orchestra) -> None:
    now = orchestra.editing.draft_text(ADA, "work")
    orchestra.editing.save(ADA, "work", now.text, now.state.etag)


def test_the_text_from_before_is_restored_after_later_edits_a_save_and_a_restart(root: Path) -> None:
    orchestra = Orchestra.open(root)
    orchestra.editing.apply(ADA, "work", rev(orchestra), [valued("third", 30)])  # not saved: no version has it
    before = text(orchestra)
    one = made(orchestra, valued("first", 7))
    accepted(orchestra, one)
    orchestra.editing.apply(ADA, "work", rev(orchestra), [valued("second", 8)])
    saved(orchestra)
    orchestra.close()
    orchestra = Orchestra.open(root)
    try:
        after = text(orchestra)
        assert not orchestra.editing.draft_text(ADA, "work").state.can_undo
        looked = orchestra.copilot.restoring.look(ADA, "work", one.id)
        assert looked.rev == rev(orchestra)
        assert [said.partition(":")[0] for said in looked.sentences] == ["first", "second"]
        assert '-   {"id": "first",   "uses": "flow.set", "with": {"values": {"n": 7}}},' in looked.diff
        edited = orchestra.copilot.restoring.restore(ADA, "work", one.id, looked.rev)
        assert edited.text == text(orchestra) == before
        assert one.id in edited.words
        assert orchestra.workflows.get(ADA, "work").text == after  # the file stays
        assert orchestra.copilot.restoring.look(ADA, "work", one.id).diff == ""
        orchestra.editing.undo(ADA, "work", edited.rev)
        assert text(orchestra) == after
    finally:
        orchestra.close()


def test_a_proposal_accepted_in_parts_has_the_text_from_before_the_first_part(root: Path) -> None:
    orchestra = Orchestra.open(root)
    try:
        one = made(orchestra, valued("first", 7), valued("third", 9))
        accepted(orchestra, one, ["first"])
        accepted(orchestra, one, ["third"])
        orchestra.copilot.restoring.restore(ADA, "work", one.id, rev(orchestra))
        assert text(orchestra) == TEXT
    finally:
        orchestra.close()


def test_the_text_from_before_stays_if_the_process_ends_before_the_acceptance_is_marked(root: Path) -> None:
    orchestra = Orchestra.open(root)
    try:
        before, one = text(orchestra), made(orchestra, valued("first", 7))
        orchestra.copilot.proposals._accepted(ADA, one, one.ops, [])  # the draft has it, the proposal does not say so
        accepted(orchestra, one)
        found = orchestra.copilot.restoring.look(ADA, "work", one.id)
        assert orchestra.copilot.restoring.restore(ADA, "work", one.id, found.rev).text == before
    finally:
        orchestra.close()


@pytest.mark.parametrize("is_saved", [False, True])
def test_receipts_follow_a_step_that_gets_its_earlier_id_back(root: Path, is_saved: bool) -> None:
    orchestra = Orchestra.open(root)
    try:
        one = made(orchestra, {"op": "rename", "step": "third", "to": "last"})
        accepted(orchestra, one)
        if is_saved:
            saved(orchestra)
        orchestra.copilot.restoring.restore(ADA, "work", one.id, rev(orchestra))
        draft = orchestra.drafts.get(ADA, "workflow", "work")
        assert draft is not None
        assert draft.text == TEXT
        assert draft.renames == ((("last", "third"),) if is_saved else ())  # since the file as it is now
    finally:
        orchestra.close()


def test_nothing_is_restored_over_a_change_that_was_not_looked_at(root: Path) -> None:
    orchestra = Orchestra.open(root)
    try:
        one = made(orchestra, valued("first", 7))
        with pytest.raises(UnknownName):
            orchestra.copilot.restoring.look(ADA, "work", one.id)
        accepted(orchestra, one)
        looked = orchestra.copilot.restoring.look(ADA, "work", one.id)
        orchestra.editing.apply(ADA, "work", rev(orchestra), [valued("second", 8)])
        now = text(orchestra)
        with pytest.raises(EditConflict):
            orchestra.copilot.restoring.restore(ADA, "work", one.id, looked.rev)
        assert text(orchestra) == now
        with pytest.raises(UnknownName):
            orchestra.copilot.restoring.look(BOB, "work", one.id)
        with pytest.raises(NotAllowed):
            orchestra.copilot.restoring.look(VIEWER, "work", one.id)
    finally:
        orchestra.close()
