"""Environments: a run has the version, the connections and the variables of its environment, for ever."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import InUse, InvalidFile, InvalidInput, StaleEdit, UnknownName
from engine.files.fingerprint import stamp
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.record.types.run import Run
from tests.engine.conftest import OWNER, write_workflow
from tests.patience import PATIENCE_SECONDS, until

GREETS = {"id": "say", "uses": "flow.set", "with": {"values": {"text": "{{ env.GREETING }}, {{ env.LIMIT + 1 }}"}}}
OUTPUTS = {"text": "{{ steps.say.output.text }}"}


def ran(orchestra: Orchestra, name: str, environment: str = "") -> Run:
    """Run a workflow to its end."""
    run_id = orchestra.runs.start(OWNER, name, {}, environment=environment)
    return orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)


def greeting(orchestra: Orchestra, text: str = "", *steps: Mapping[str, Any]) -> None:
    """Write the workflow that greets."""
    step = {**GREETS, "with": {"values": {"text": text or GREETS["with"]["values"]["text"]}}}  # type: ignore[index]
    write_workflow(orchestra.workspace.root, "greet", [*steps, step], outputs=OUTPUTS)


@pytest.fixture
def greeter(orchestra: Orchestra) -> Orchestra:
    """A workspace with dev and prod, and a workflow that runs in dev."""
    greeting(orchestra)
    orchestra.environments.init(OWNER)
    orchestra.environments.set_variables(OWNER, "dev", {"GREETING": "hi", "LIMIT": 1})
    return orchestra


def test_without_environments_a_run_has_none_and_its_document_says_so(orchestra: Orchestra) -> None:
    write_workflow(orchestra.workspace.root, "plain", [{"id": "a", "uses": "flow.set", "with": {"values": {}}}])
    ended = ran(orchestra, "plain")
    assert (ended["status"], ended["environment"]) == ("succeeded", None)
    assert "environment" not in ended["definition"]
    assert orchestra.environments.list(OWNER) == []
    with pytest.raises(UnknownName, match="no environment named 'prod'") as refused:
        ran(orchestra, "plain", "prod")
    assert "env init" in refused.value.remedy


def test_a_promoted_version_runs_on_while_the_file_is_changed_and_comes_back_by_one_command(greeter: Orchestra) -> None:
    environments = greeter.environments
    assert ran(greeter, "greet")["outputs"] == {"text": "hi, 2"}
    with pytest.raises(InvalidInput, match="not in the environment 'prod'"):
        ran(greeter, "greet", "prod")
    environments.set_variables(OWNER, "prod", {"GREETING": "Dear all", "LIMIT": 9})
    first = environments.promote(OWNER, "greet", "dev", "prod")
    assert (first.before, first.version, first.differences) == (None, 1, ["greet is new here"])
    greeting(greeter, "{{ env.GREETING }}!")
    ended = ran(greeter, "greet", "prod")
    assert ended["outputs"] == {"text": "Dear all, 10"}
    assert {**(ended["environment"] or {})} == {"name": "prod", "version": 1, "connections": {}}
    second = environments.promote(OWNER, "greet", "dev", "prod")
    assert (second.before, second.version) == (1, 2)
    assert second.differences == ['say: values.text now takes "{{ env.GREETING }}!"']
    assert ran(greeter, "greet", "prod")["outputs"] == {"text": "Dear all!"}
    back = environments.roll_back(OWNER, "greet", "prod")
    assert (back.before, back.version) == (2, 1)
    assert ran(greeter, "greet", "prod")["outputs"] == {"text": "Dear all, 10"}
    assert ran(greeter, "greet")["outputs"] == {"text": "hi!"}
    with pytest.raises(InvalidInput, match="no earlier version"):
        environments.roll_back(OWNER, "greet", "prod")
    trail = [one.action for one in greeter.audit(OWNER) if one.target == "greet" and "environments" in one.action]
    assert trail == ["environments.roll_back", "environments.promote", "environments.promote"]
    environments.promote(OWNER, "greet", "dev", "prod")
    environments.promote(OWNER, "greet", "dev", "prod")
    assert environments.roll_back(OWNER, "greet", "prod").version == 1, "not the same text promoted twice"
    files = sorted(path.name for path in (greeter.workspace.workflows.folder / "greet.versions").iterdir())
    assert files == ["1.json", "2.json"]
    assert environments.promote(OWNER, "greet", "dev", "prod").version == 2, "the same text is the same version"


@pytest.mark.parametrize(
    ("text", "variables", "said"),
    [
        ("{{ env.GREETNIG }}", {"GREETING": "hi"}, "has no variable 'GREETNIG'. Did you mean 'GREETING'?"),
        ("{{ env.LIMIT + 1 }}", {"LIMIT": "many"}, "+"),
        ("{{ env.GREETING }}", {}, "'prod' has no variable 'GREETING'. `orchestra env set prod GREETING=VALUE` adds"),
    ],
    ids=["misspelt", "of another type", "missing"],
)
def test_a_variable_that_does_not_fit_is_found_before_anything_is_promoted(
    greeter: Orchestra, text: str, variables: dict[str, Any], said: str
) -> None:
    greeting(greeter, text)
    if variables:
        greeter.environments.set_variables(OWNER, "prod", variables)
    greeter.environments.create(OWNER, "other")  # where nothing is compared with the file as it is
    before = _files(greeter.workspace.root)
    with pytest.raises(InvalidFile) as refused:
        greeter.environments.promote(OWNER, "greet", "other", "prod")
    assert any(said in str(one) for one in refused.value.problems), refused.value.problems
    assert _files(greeter.workspace.root) == before
    found = greeter.environments.check_promotion(OWNER, "greet", "other", "prod")
    assert found.problems == refused.value.problems
    assert not found.is_done


def test_a_change_that_breaks_what_runs_there_is_refused(greeter: Orchestra) -> None:
    environments = greeter.environments
    environments.set_variables(OWNER, "prod", {"GREETING": "hello", "LIMIT": 1})
    environments.promote(OWNER, "greet", "dev", "prod")
    before = _files(greeter.workspace.root)
    refused: list[tuple[str, dict[str, Any]]] = [("prod", {"LIMIT": None}), ("dev", {"LIMIT": "text"})]
    for name, values in refused:
        with pytest.raises(InvalidInput, match=f"greet would no longer run in '{name}'"):
            environments.set_variables(OWNER, name, values)
    wrong: list[dict[str, Any]] = [{"no-name": 1}, {"A": [None]}, {"API_TOKEN": "3f9a8b7c6d"}]
    for values in wrong:
        with pytest.raises(InvalidInput):
            environments.set_variables(OWNER, "dev", values)
    assert _files(greeter.workspace.root) == before


def test_a_promotion_that_breaks_a_caller_is_refused(greeter: Orchestra) -> None:
    root, environments = greeter.workspace.root, greeter.environments
    call = {"id": "call", "uses": "workflow.run", "with": {"workflow": "greet"}}
    write_workflow(root, "caller", [call], outputs={"said": "{{ steps.call.output.text }}"})
    environments.set_variables(OWNER, "prod", {"GREETING": "hello", "LIMIT": 1})
    with pytest.raises(InvalidFile, match="not in the environment 'prod'"):
        environments.promote(OWNER, "caller", "dev", "prod")
    environments.promote(OWNER, "greet", "dev", "prod")
    environments.promote(OWNER, "caller", "dev", "prod")
    greeting(greeter, "changed")
    ended = ran(greeter, "caller", "prod")
    assert ended["outputs"] == {"said": "hello, 2"}, "the version of the called workflow there, not its file"
    assert ended["definition"]["environment"]["versions"] == {"caller": 1, "greet": 1}
    write_workflow(root, "greet", [GREETS], outputs={"other": "x"})
    with pytest.raises(InvalidFile, match="caller in prod would no longer run"):
        environments.promote(OWNER, "greet", "dev", "prod")


def test_what_was_checked_is_what_is_promoted(greeter: Orchestra) -> None:
    environments = greeter.environments
    environments.set_variables(OWNER, "prod", {"GREETING": "hello", "LIMIT": 1})
    checked = environments.check_promotion(OWNER, "greet", "dev", "prod")
    greeting(greeter, "another text")
    with pytest.raises(StaleEdit):
        environments.promote(OWNER, "greet", "dev", "prod", checked.hash)
    assert environments.where(OWNER, "greet") == {"dev": "current", "prod": None}


def test_a_version_that_was_changed_by_hand_does_not_run(greeter: Orchestra) -> None:
    greeter.environments.set_variables(OWNER, "prod", {"GREETING": "hello", "LIMIT": 1})
    greeter.environments.promote(OWNER, "greet", "dev", "prod")
    file = greeter.workspace.workflows.folder / "greet.versions" / "1.json"
    file.write_text(file.read_text().replace("LIMIT + 1", "LIMIT + 2"))
    with pytest.raises(InvalidFile, match=r"greet\.versions/1\.json was changed after it was promoted"):
        ran(greeter, "greet", "prod")


LOOKED_AT: list[str] = []
HEARS: list[bool] = []


def hear(event: str, args: tuple[Any, ...]) -> None:
    """Record which files and folders are opened while this is in use."""
    if HEARS and event in ("open", "os.listdir", "os.scandir"):
        LOOKED_AT.append(str(args[0]))


sys.addaudithook(hear)


def looked_at(ask: Callable[[], object]) -> list[str]:
    """Return which files of environments, and versions, are opened for an answer."""
    LOOKED_AT.clear()
    HEARS.append(True)
    try:
        ask()
    finally:
        HEARS.clear()
    return [one for one in LOOKED_AT if "environments" in one or ".versions" in one]


def test_what_has_not_changed_is_not_read_again_and_what_has_is_seen_at_once(greeter: Orchestra) -> None:
    environments, root = greeter.environments, greeter.workspace.root
    environments.set_variables(OWNER, "prod", {"GREETING": "hello", "LIMIT": 1})
    environments.promote(OWNER, "greet", "dev", "prod")
    prod, version = root / "environments" / "prod.json", root / "workflows" / "greet.versions" / "1.json"
    until(lambda: all(stamp(one) for one in (prod, prod.parent, version)))  # older than the clock of the disk is exact
    plans = greeter._families.opened.plans
    assert looked_at(lambda: plans.plan("greet", "prod")), "the first time"
    assert looked_at(lambda: plans.plan("greet", "prod")) == []

    prod.write_text(prod.read_text().replace("hello", "salut"))
    assert ran(greeter, "greet", "prod")["outputs"] == {"text": "salut, 2"}
    (prod.parent / "other.json").write_text(prod.read_text())
    assert ran(greeter, "greet", "other")["outputs"] == {"text": "salut, 2"}
    (prod.parent / "other.json").unlink()
    with pytest.raises(UnknownName, match="no environment named 'other'"):
        ran(greeter, "greet", "other")
    text = version.read_text()
    version.write_text(text.replace("LIMIT + 1", "LIMIT + 2"))
    with pytest.raises(InvalidFile, match="was changed after it was promoted"):
        ran(greeter, "greet", "prod")
    version.write_text(text)
    assert ran(greeter, "greet", "prod")["status"] == "succeeded"


def test_a_rename_and_a_deletion_reach_every_environment(greeter: Orchestra) -> None:
    environments = greeter.environments
    environments.set_variables(OWNER, "prod", {"GREETING": "hello", "LIMIT": 1})
    environments.promote(OWNER, "greet", "dev", "prod")
    greeter.workflows.rename(OWNER, "greet", "welcome")
    assert ran(greeter, "welcome", "prod")["outputs"] == {"text": "hello, 2"}
    assert environments.where(OWNER, "greet") == {"dev": "current", "prod": None}
    environments.promote(OWNER, "welcome", "prod", "dev")
    environments.remove(OWNER, "welcome", "prod")
    greeter.workflows.delete(OWNER, "welcome")
    assert environments.get(OWNER, "dev").workflows == {}


def test_a_run_goes_on_with_the_environment_that_it_was_accepted_in(greeter: Orchestra) -> None:
    root = greeter.workspace.root
    nap = {"id": "nap", "uses": "flow.wait", "with": {"seconds": 0.5}}
    write_workflow(root, "slow", [nap, {**GREETS, "needs": ["nap"]}], outputs=OUTPUTS)
    run_id = greeter.runs.start(OWNER, "slow", {})
    greeter.close()
    file = root / "environments" / "dev.json"
    file.write_text(file.read_text().replace('"hi"', '"bye"'))
    with_others = Orchestra.open(root)
    try:
        with_others.runs.resume(OWNER, run_id)
        assert with_others.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["outputs"] == {"text": "hi, 2"}
        again = with_others.runs.rerun(OWNER, run_id)
        ended = with_others.runs.wait(OWNER, again, PATIENCE_SECONDS)
        assert ended["outputs"] == {"text": "bye, 2"}
        assert {**(ended["environment"] or {})} == {"name": "dev", "version": "current", "connections": {}}
    finally:
        with_others.close()


def test_a_run_does_not_go_on_with_other_variables_than_its_finished_steps_had(greeter: Orchestra) -> None:
    fails = {"id": "fails", "uses": "flow.fail", "with": {"message": "{{ env.GREETING }}"}}
    write_workflow(greeter.workspace.root, "halfway", [GREETS, fails])
    stopped = ran(greeter, "halfway")
    assert stopped["status"] == "failed"
    greeter.environments.set_variables(OWNER, "dev", {"LIMIT": 7})
    with pytest.raises(InvalidInput, match="what has finished was changed") as refused:
        greeter.runs.resume(OWNER, stopped["run_id"], newest=True)
    assert "env.LIMIT" in str(refused.value.details["differences"])
    other = ran(greeter, "halfway")
    found = greeter.runs.diff(OWNER, stopped["run_id"], other["run_id"])
    assert "environment.variables.LIMIT" in [one.field for one in found.definition]


def test_triggers_start_runs_in_one_environment(greeter: Orchestra) -> None:
    root, environments = greeter.workspace.root, greeter.environments
    trigger = {"id": "daily", "uses": "schedule", "with": {"cron": "0 7 * * *"}}
    write_workflow(root, "greet", [GREETS], outputs=OUTPUTS, triggers=[trigger])
    environments.set_variables(OWNER, "prod", {"GREETING": "hello", "LIMIT": 1})
    notes = environments.promote(OWNER, "greet", "dev", "prod").notes
    assert notes == ["Its triggers start runs in dev; `orchestra env triggers greet prod` moves them."]
    assert [one.environment for one in greeter.triggers.list(OWNER, "greet")] == ["dev"]
    environments.move_triggers(OWNER, "greet", "prod")
    write_workflow(root, "greet", [GREETS], outputs=OUTPUTS, triggers=[])
    [status] = greeter.triggers.list(OWNER, "greet")
    assert (status.id, status.environment) == ("daily", "prod"), "the triggers of the promoted version"
    with pytest.raises(InUse, match="The triggers of greet"):
        environments.delete(OWNER, "prod")
    with pytest.raises(InUse, match="The triggers of 'greet' start runs in 'prod'"):
        greeter.workflows.delete(OWNER, "greet")
    environments.move_triggers(OWNER, "greet", "dev")
    assert greeter.triggers.list(OWNER, "greet") == []


def test_the_default_environment_is_of_runs_that_name_none_and_other_lines_of_settings_stay(greeter: Orchestra) -> None:
    config = greeter.workspace.root / "config.yaml"
    config.write_text(f"# kept\n{config.read_text()}")
    environments = greeter.environments
    environments.set_variables(OWNER, "prod", {"GREETING": "hello", "LIMIT": 1})
    environments.promote(OWNER, "greet", "dev", "prod")
    for name, said in (("prod", "hello, 2"), ("dev", "hi, 2")):
        environments.set_default(OWNER, name)
        assert ran(greeter, "greet")["outputs"] == {"text": said}
    assert config.read_text().startswith("# kept\n")
    with pytest.raises(InUse, match="default environment"):
        environments.delete(OWNER, "dev")
    config.write_text(config.read_text().replace("default_environment: dev", "default_environment: dve"))
    with pytest.raises(UnknownName, match="no environment named 'dve'"):
        ran(greeter, "greet")
    assert environments.names(OWNER) == ["dev", "prod"], "the pages go on, so that another one can be chosen"
    environments.set_default(OWNER, "dev")
    environments.delete(OWNER, "prod")
    with pytest.raises(InUse, match=r"config.yaml names 'dev'"):
        environments.delete(OWNER, "dev")
    assert ran(greeter, "greet")["outputs"] == {"text": "hi, 2"}


def test_a_workflow_is_not_deleted_while_a_version_in_an_environment_calls_it(greeter: Orchestra) -> None:
    root, set_ = greeter.workspace.root, {"uses": "flow.set", "with": {"values": {}}}
    write_workflow(root, "child", [{"id": "a", **set_}])
    write_workflow(root, "parent", [{"id": "a", "uses": "workflow.run", "with": {"workflow": "child"}}])
    for name in ("child", "parent"):
        greeter.environments.promote(OWNER, name, "dev", "prod")
    write_workflow(root, "parent", [{"id": "a", **set_}])
    with pytest.raises(InUse, match="Version 1 of 'parent', which runs in 'prod', calls 'child'"):
        greeter.workflows.delete(OWNER, "child")
    assert ran(greeter, "parent", "prod")["status"] == "succeeded"
    greeter.environments.promote(OWNER, "parent", "dev", "prod")
    greeter.environments.remove(OWNER, "child", "prod")
    greeter.workflows.delete(OWNER, "child")


def test_a_workflow_is_taken_out_of_an_environment_on_purpose_and_only_then_deleted(greeter: Orchestra) -> None:
    root, environments = greeter.workspace.root, greeter.environments
    daily = [{"id": "daily", "uses": "schedule", "with": {"cron": "0 7 * * *"}}]
    set_ = {"uses": "flow.set", "with": {"values": {}}}
    write_workflow(root, "child", [{"id": "a", **set_}], triggers=daily)
    write_workflow(root, "parent", [{"id": "a", "uses": "workflow.run", "with": {"workflow": "child"}}])
    for name in ("child", "parent"):
        environments.promote(OWNER, name, "dev", "prod")
    with pytest.raises(InvalidInput, match="parent would no longer run in 'prod'"):
        environments.remove(OWNER, "child", "prod")
    with pytest.raises(InUse, match="Version 1 of 'parent' runs in 'prod'") as refused:
        greeter.workflows.delete(OWNER, "parent")
    assert "`orchestra env remove parent --from prod`" in refused.value.remedy
    assert environments.remove(OWNER, "parent", "prod").then == "parent then no longer runs in prod."
    greeter.workflows.delete(OWNER, "parent")

    environments.move_triggers(OWNER, "child", "prod")
    for wrong in ("", "prod"):
        with pytest.raises(InUse, match=r"start runs in 'prod'\. Afterwards they start runs of its file .* in 'dev'"):
            environments.remove(OWNER, "child", "prod", wrong)
    assert ran(greeter, "child", "prod")["status"] == "succeeded", "a refusal changes nothing"
    assert environments.remove(OWNER, "child", "prod", "dev").version == 1
    with pytest.raises(InvalidInput, match="not in the environment 'prod'"):
        ran(greeter, "child", "prod")
    assert [one.environment for one in greeter.triggers.list(OWNER, "child")] == ["dev"]
    assert environments.promote(OWNER, "child", "dev", "prod").version == 1, "the version was kept"
    environments.remove(OWNER, "child", "prod")
    with pytest.raises(UnknownName, match="no workflow in the environment prod named 'child'"):
        environments.remove(OWNER, "child", "prod")
    environments.create(OWNER, "staging")
    environments.promote(OWNER, "child", "dev", "staging")
    assert environments.check_removal(OWNER, "child", "staging").then == "child then runs its file as it is in staging."


@pytest.mark.parametrize("name", ["123", "true", "no", "1e3"])
def test_every_name_of_an_environment_can_be_the_default_one(greeter: Orchestra, name: str) -> None:
    greeter.environments.create(OWNER, name)
    greeter.environments.set_default(OWNER, name)
    assert greeter.environments.names(OWNER)[0] == name


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (10**30, "dev.json would no longer be valid: This number does not fit into 64 bits"),
        (json.loads("[" * 64 + "]" * 64), "dev.json would no longer be valid: .* nested deeper"),
        (json.loads("[" * 800 + "]" * 800), "The variable 'X' is nested deeper than 64 levels"),
        ({"password": "hunter2"}, "contains a secret"),
        ({"a": [{"b": "ghp_abcdefghijklmnopqrstuvwxyz0123456789"}]}, "contains a secret"),
        ({"ghp_abcdefghijklmnopqrstuvwxyz0123456789": 1}, "contains a secret"),
    ],
    ids=["number", "depth", "depth-alone", "secret-name", "secret-value", "secret-key"],
)
def test_a_variable_that_the_file_cannot_keep_changes_nothing(greeter: Orchestra, value: Any, said: str) -> None:
    before = _files(greeter.workspace.root)
    with pytest.raises(InvalidInput, match=said):
        greeter.environments.set_variables(OWNER, "dev", {"X": value})
    assert _files(greeter.workspace.root) == before
    assert ran(greeter, "greet")["outputs"] == {"text": "hi, 2"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"conections": {}}, "conections"),
        ({"variables": {"A": None}}, "null has no type"),
        ({"workflows": {"greet": {"version": 0}}}, "workflows.greet.version"),
        ({"connections": {"a": "b", "b": "c"}}, "'a' leads to 'b', which itself leads to another connection"),
        ({"others": "all"}, "others"),
    ],
    ids=["misspelt", "null", "number", "chain", "choice"],
)
def test_a_file_written_by_hand_is_checked_and_names_the_place(
    greeter: Orchestra, change: dict[str, Any], said: str
) -> None:
    file = greeter.workspace.root / "environments" / "dev.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(InvalidFile) as refused:
        ran(greeter, "greet")
    assert any(said in str(one) for one in refused.value.problems)
    assert greeter.environments.get(OWNER, "dev").error
    assert greeter.workflows.list(OWNER), "everything else goes on"


def test_who_may_not_edit_changes_nothing(greeter: Orchestra) -> None:
    from engine.base.errors import NotAllowed

    viewer, environments = Principal("vera", "viewer"), greeter.environments
    before = _files(greeter.workspace.root)
    for act in (
        lambda: environments.init(viewer),
        lambda: environments.create(viewer, "x"),
        lambda: environments.set_variables(viewer, "dev", {"A": 1}),
        lambda: environments.connect(viewer, "dev", {"a": "b"}),
        lambda: environments.set_default(viewer, "prod"),
        lambda: environments.promote(viewer, "greet", "dev", "prod"),
        lambda: environments.roll_back(viewer, "greet", "prod"),
        lambda: environments.move_triggers(viewer, "greet", "prod"),
        lambda: environments.delete(viewer, "prod"),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert _files(greeter.workspace.root) == before


def _files(root: Path) -> dict[str, bytes]:
    folders = (root / "environments", root / "workflows")
    return {str(path): path.read_bytes() for one in folders for path in one.rglob("*") if path.is_file()}
