"""The rules, by the code of a problem: to add one, add a row."""

from __future__ import annotations

from collections.abc import Mapping

from engine.copilot.fixes import expressions, keys, names, values, writes
from engine.copilot.fixes.seen import Rule

RULES: Mapping[str, Rule] = {
    "connection": names.connection_meant,
    "cycle": names.circle,
    "duplicate_id": names.another_id,
    "expression": expressions.meant_expression,
    "field": values.converted,
    "inputs": keys.form_of_inputs,
    "maybe_absent": expressions.may_be_missing,
    "missing_field": keys.missing_field,
    "missing_key": keys.missing_key,
    "needs": names.sibling_meant,
    "never_so": values.misspelt_constant,
    "no_key": writes.key_of_items,
    "once_without_write": keys.taken_out,
    "order": writes.after,
    "outside_destination": writes.approval,
    "outside_key": writes.key_of_items,
    "own_workflow": keys.taken_out,
    "prompt_variable": keys.misspelt_variable,
    "same_key": writes.key_of_items,
    "type": expressions.fitting_type,
    "unknown_error": names.error_meant,
    "unknown_field": keys.misspelt_field,
    "unknown_key": keys.misspelt_key,
    "unknown_prompt": names.prompt_meant,
    "unknown_step_type": names.step_type_meant,
    "unknown_trigger_type": names.trigger_type_meant,
    "unknown_workflow": names.workflow_meant,
    "unused_input": keys.taken_out,
    "workflow_input": keys.misspelt_input,
    "wrong_type": values.converted,
    "wrong_value": values.converted,
}
"""The codes are listed in docs/validation.md."""
UNCOVERED = frozenset({"no_key", "outside_key", "same_key", "unused_input", "unused_output", "once_without_write"})
"""Warnings about what was there before, but could not be seen because of an error."""
