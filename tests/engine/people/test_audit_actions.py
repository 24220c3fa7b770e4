"""Every line of the audit trail names an operation by the name that its method declares."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

from engine.rights_docs import operations

ENGINE = Path(__file__).parents[3] / "engine"
NO_OPERATION = {
    "connections.connect_": "connections.connect, with the service behind it",
    "approvals.": "approvals.approve and approvals.reject as what they lead to: approved, rejected",
    "projects.commit": "saving a file of a project and deleting one",
    "plans.check": "plans.apply looks at the world first",
    "runs.confirm": "consent that is given with another operation",
    "prompts.confirm": "the same",
    **dict.fromkeys(("users.login", "users.login_refused", "users.new_device", "users.token"), "signing in"),
    **dict.fromkeys(("tokens.new_network", "state.hold", "state.proved"), "found by the program"),
}


@pytest.fixture(scope="module")
def trees() -> list[ast.Module]:
    texts = [path.read_text(encoding="utf-8") for path in ENGINE.rglob("*.py")]
    return [ast.parse(one) for one in texts if "audit" in one or "acceptor" in one]  # the others write no line


def writers(trees: list[ast.Module]) -> dict[str, set[int]]:
    """The methods that take the action of a line, and how many arguments come before it."""
    found: dict[str, set[int]] = defaultdict(set)
    for one in (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        names = [argument.arg for argument in one.args.args]
        if names[:1] == ["self"] and "action" in names:
            found[one.name].add(names.index("action") - 1)
    return found


def constants(trees: list[ast.Module]) -> dict[str, ast.expr]:
    """The values of the names that a module gives."""
    assigned = [one for tree in trees for one in tree.body if isinstance(one, ast.Assign)]
    return {one.targets[0].id: one.value for one in assigned if isinstance(one.targets[0], ast.Name)}


def actions(trees: list[ast.Module]) -> set[str]:
    """What the engine writes as an action; of a composed one, the beginning."""
    found, known, named = set(), writers(trees), constants(trees)
    for call in (one for tree in trees for one in ast.walk(tree) if isinstance(one, ast.Call)):
        at = known.get(call.func.attr, set()) if isinstance(call.func, ast.Attribute) else set()
        for given in (call.args[index] for index in at if index < len(call.args)):
            value = named.get(given.id, given) if isinstance(given, ast.Name) else given
            texts = [one.value for one in ast.walk(value) if isinstance(one, ast.Constant)]
            found |= {one for one in texts[:1] if isinstance(one, str) and "." in one}
    return found


def test_the_action_of_each_line_is_the_name_of_an_operation(trees: list[ast.Module]) -> None:
    found, declared = actions(trees), {one.name for one in operations()}
    assert found - declared == set(NO_OPERATION)
    assert len(found & declared) > 100


def test_no_two_operations_have_the_same_name() -> None:
    names = [one.name for one in operations()]
    assert sorted(names) == sorted(set(names))
