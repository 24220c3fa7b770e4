"""What packages rely on, and what they may not name; assurance/packages installs some."""

from __future__ import annotations

from engine.expressions import cost, interpreter
from engine.expressions.extensions import is_known
from engine.packages.installed import installed
from engine.plugins.registry import STEPS


def test_without_packages_nothing_is_found() -> None:
    assert installed() == ()


def test_each_step_type_is_found_in_a_module_named_after_its_service() -> None:
    """So that a name of ours is known without importing every step type."""
    assert [name for name in STEPS.shipped if STEPS._near(name) is None] == []


def test_no_function_of_a_package_can_have_a_name_that_the_bound_of_the_work_knows() -> None:
    known = {*interpreter.SCALAR_RESULTS, *cost._CALLS, *cost._COPYING}
    assert [name for name in known if name[0].islower() and name.isidentifier() and not is_known(name)] == []
