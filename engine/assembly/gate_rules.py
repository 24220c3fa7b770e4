"""What each method of the façade is about, and what somebody must be allowed there: the table of the gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from engine.compiler.definition.access_lists import Act

Subject = Literal[
    "name", "workflow", "run_id", "good", "bad", "plan_id", "question", "approval", "decisions", "run", "new"
]
Acts = Mapping[Subject, Act]
"""What must be allowed for the workflow of each of these arguments; a missing or empty argument is ignored.

`new`: a name that does not exist is for a new workflow, so a hidden name is refused as one that is taken.
"""
Rules = Mapping[str, Acts]

_ANY: Acts = {}
"""About no workflow, run or question by name: the area itself leaves out what is hidden."""
UNNAMED: Acts = {"name": "edit", "workflow": "edit", "run_id": "run", "question": "approve"}
"""Rules for a method that is not in the table (a test looks for such methods): they allow as little as can be."""
_SEE: Acts = {"name": "see"}
_EDIT: Acts = {"name": "edit"}
_SEE_IT: Acts = {"workflow": "see"}
_EDIT_IT: Acts = {"workflow": "edit"}
_RUN_IT: Acts = {"workflow": "run"}
_SEE_RUN: Acts = {"run_id": "see"}
_RUN_AGAIN: Acts = {"run_id": "run"}

_SEE_OR_NEW: Acts = {"name": "see", "new": "see"}
_EDIT_OR_NEW: Acts = {"name": "edit", "new": "edit"}
_PROPOSE: Acts = {"workflow": "edit", "new": "edit"}

_COPILOT: Mapping[str, Rules] = {
    "fixes": {
        "list": _PROPOSE,
        "propose": _PROPOSE,
        "propose_for_run": {**_PROPOSE, "run": "see"},
        "for_run": {**_PROPOSE, "run": "see"},
        "not_mended": {**_PROPOSE, "run": "see"},
        "changes_finished_steps": {**_PROPOSE, "run": "see"},
    },
    "proposals": {
        "has_strangers": _PROPOSE,
        "list": _PROPOSE,
        "get": _PROPOSE,
        **dict.fromkeys(("accept", "make", "reject", "try_in_demo"), _PROPOSE),
        "steps_of": _ANY,
    },
    "restoring": {"keep": _PROPOSE, "look": _PROPOSE, "restore": _PROPOSE},
    "without_model": {"answer": _PROPOSE, "diagram": _PROPOSE},
    "stories": {"story": _SEE_RUN},
    "talking": {
        "setup": _ANY,
        "agree": _ANY,
        "disagree": _ANY,
        "conversation": _PROPOSE,
        "forget": _PROPOSE,
        "preview": _PROPOSE,
        "start": _PROPOSE,
        "stop": _PROPOSE,
    },
    "wizard": {"offers": _ANY, "create": _ANY},
    "prompting": dict.fromkeys(("conversation", "forget", "preview", "start", "stop"), _ANY),
}
_WORKFLOWS: Mapping[str, Rules] = {
    "workflows": {
        "names": _ANY,
        "list": _ANY,
        "get": _SEE,
        "as_file": _SEE_OR_NEW,
        "check": _SEE_OR_NEW,
        "names_at": _SEE_OR_NEW,
        "save": _EDIT,
        "samples": _ANY,
        "create_from_sample": _ANY,
        "create": _ANY,
        "create_from": _ANY,
        "duplicate": _SEE,
        "rename": _EDIT,
        "rename_step": _EDIT,
        "delete": _EDIT,
        "plan": _SEE,
        "positions": _SEE,
        "move_steps": _EDIT,
        "looks": _SEE,
        "change_looks": _EDIT,
    },
    "drafts": {"drop": _EDIT, "get": _EDIT, "keep": _EDIT_OR_NEW, "revise": _EDIT_OR_NEW, "texts": _ANY},
    "editing": {
        **dict.fromkeys(("canvas", "draft_text", "is_unsaved", "saved_by", "saved_text", "scope"), _SEE),
        **dict.fromkeys(("apply", "discard", "edit_file", "keep", "put_back", "redo", "save", "tried", "undo"), _EDIT),
        "problems": _SEE_OR_NEW,
        "problems_of": _SEE_OR_NEW,
        "unsaved": _ANY,
    },
    "bundles": {"export": _SEE, "imported": _ANY},
    "versions": {
        **dict.fromkeys(("differences", "get", "labels", "list", "text"), _SEE),
        **dict.fromkeys(("label", "remove_label", "rename_label", "restore"), _EDIT),
        "file_problems": _ANY,
    },
    "environments": {
        **dict.fromkeys(("check_promotion", "check_removal", "of_triggers", "where"), _SEE_IT),
        **dict.fromkeys(("move_triggers", "promote", "remove", "roll_back"), _EDIT_IT),
        **dict.fromkeys(("connect", "create", "delete", "file_problems", "get", "init", "list", "names"), _ANY),
        **dict.fromkeys(("problems", "set_default", "set_variables"), _ANY),
    },
    "branches": {
        **dict.fromkeys(("check", "list"), _SEE_IT),
        **dict.fromkeys(("create", "delete", "merge"), _EDIT_IT),
    },
    "rules": {"left_empty": _SEE_IT, "of": _SEE_IT, **dict.fromkeys(("add", "move", "remove"), _EDIT_IT)},
    "predictions": {"predict": {**_SEE, "run_id": "see"}},
    "step_tries": {"sample": _SEE_IT, "start": _RUN_IT},
    "debugging": {
        "start": _RUN_IT,
        "view": _SEE_RUN,
        "wait": _SEE_RUN,
        **dict.fromkeys(("go_on", "set_breakpoints", "step"), _RUN_AGAIN),
    },
}
_OF_RUNS: Rules = {
    **dict.fromkeys(
        ("bounces", "file", "files", "get", "live", "look", "newer", "seen", "state", "timeline", "wait"), _SEE_RUN
    ),
    **dict.fromkeys(("cancel", "interrupt", "rerun", "resume", "undo", "undoable"), _RUN_AGAIN),
    "diff": {"good": "see", "bad": "see"},
    "inputs": {"run": "see"},
    **dict.fromkeys(("list", "list_now"), _SEE_IT),
    **dict.fromkeys(("days", "happened", "overtaken", "reindex", "require_files", "resume_all"), _ANY),
    **dict.fromkeys(("ready", "start", "start_all"), _RUN_IT),
}
_TRIES: Rules = {
    **dict.fromkeys(("calls", "cancel", "case_of", "connections", "get", "list", "live"), _ANY),
    **dict.fromkeys(("needs_confirmation", "start", "start_all", "wait"), _ANY),
    "case_of_step": _SEE_RUN,
    "values": _SEE_RUN,
}
_PLANS: Rules = {
    "list": _SEE_IT,
    "make": _RUN_IT,
    "show": {"plan_id": "see"},
    "again": {"plan_id": "run"},
    "apply": {"plan_id": "run"},
}
_APPROVALS: Rules = {
    "list": _ANY,
    "count_open": _ANY,
    "warnings": _ANY,
    "get": {"question": "see"},
    "approve": {"question": "approve"},
    "reject": {"question": "approve"},
    "may_answer": {"approval": "approve"},
    "may_reject": {"approval": "approve"},
    "decide": {"decisions": "approve"},
}
_RUNS: Mapping[str, Rules | Acts] = {
    "runs": _OF_RUNS,
    "preview": _RUN_IT,
    "is_confirmed": _RUN_IT,
    "plan": _SEE_IT,
    "run_bundles": {"export": _RUN_AGAIN, "imported": _ANY, "replayed": _SEE_RUN},
    "plans": _PLANS,
    "approvals": _APPROVALS,
    "corrections": {"preview": _RUN_AGAIN, "correct": _RUN_AGAIN},
    "budgets": dict.fromkeys(("overview", "resume", "set", "settings"), _ANY),
    "usage": {"report": _ANY, "csv": _ANY, "of_run": _SEE_RUN},
    "tries": _TRIES,
    "attention": {"items": _ANY, "now": _ANY},
    "metrics": {"page": _ANY, "process_page": _ANY},
    "retention": {"due": _ANY, "prune": _ANY},
    "workers": {"check": _ANY, "drain": _ANY, "list": _ANY},
    "proof": {"accept": _ANY, "held": _ANY},
}
_TRIGGERS: Rules = {
    **dict.fromkeys(("alarms", "coming", "difficulties", "of_demo", "time_zone", "watched"), _ANY),
    **dict.fromkeys(("chains", "dead", "list", "needs_confirmation", "rests_when_served", "status"), _SEE_IT),
    **dict.fromkeys(("dismiss", "poll", "preview", "retry"), _RUN_IT),
    **dict.fromkeys(("turn_off", "turn_on"), _EDIT_IT),
}
_BESIDE: Mapping[str, Rules | Acts] = {
    "triggers": _TRIGGERS,
    "forms": {"get": _SEE_IT, "list": _SEE_IT, "rotate": _EDIT_IT},
    "hooks": {
        **dict.fromkeys(("get", "list"), _SEE_IT),
        **dict.fromkeys(("deliveries", "delivery", "send_again"), _RUN_IT),
        **dict.fromkeys(("inputs", "key", "rotate", "set_key"), _EDIT_IT),
    },
    "prompts": dict.fromkeys(
        (
            *("check", "create", "declare", "delete", "duplicate", "exported", "get", "imported", "kept", "list"),
            *("marked", "protect", "remove_label", "rename", "render", "resolved", "save", "save_version"),
            *("set_label", "tag", "unprotect", "users", "versions", "with_declared"),
        ),
        _ANY,
    ),
    "agents": dict.fromkeys(
        ("check", "create", "delete", "duplicate", "get", "list", "names", "rename", "samples", "save", "users"), _ANY
    ),
    "agent_tries": {"start": _ANY},
    "tools": dict.fromkeys(
        ("changes", "delete", "list", "lock", "new", "rename", "restore", "samples", "show", "test", "versions"), _ANY
    ),
    "connections": dict.fromkeys(
        (
            *("add", "add_missing", "begin_fetch", "begin_sign_in", "bring_back", "cancel_fetch"),
            *("check", "choices", "connect", "model_fetch"),
            *(
                "connect_with_id",
                "for_type",
                "get",
                "give_key",
                "list",
                "local_models",
                "look_up",
                "rekey",
                "remove",
                "remove_key",
            ),
            *("set_mode", "sign_in", "troubles", "unopened", "use_model"),
        ),
        _ANY,
    ),
    "search": {"find": _ANY, "workflows": _ANY},
    "first_run": dict.fromkeys(("apply", "choose", "plan", "skip", "state", "targets", "write"), _ANY),
    "projects": dict.fromkeys(
        (
            *("archive", "bundle", "commands", "create", "delete", "diff", "etag", "files", "get", "list", "log"),
            *("read", "remove", "save", "whole"),
        ),
        _ANY,
    ),
}
GATED: Mapping[str, Mapping[str, Rules] | Rules | Acts] = {**_WORKFLOWS, **_RUNS, **_BESIDE, "copilot": _COPILOT}
"""The rules by area and method; of the co-pilot by part and method; of an area that is a method, its rule."""
NOT_GATED = frozenset(
    {
        *("config", "workspace", "account_notices", "trail", "general", "tables", "files", "tally", "approval_links"),
        *(
            "ingress",
            "hook_door",
            "fitting_step_types",
            "fragments",
            "comparisons",
            "cases",
            "case_tests",
            "step_types",
        ),
        *("own_step_types", "trigger_types", "agent_versions", "tool_files", "tool_servers", "project_runs"),
        *("project_previews", "openid", "sign_in_check", "users", "languages", "audit", "collections", "demo"),
        *("visits", "health", "lost_secrets", "copies"),
        *("own_process", "is_drained", "is_taken_over", "is_turning", "hangs", "holds_lease"),
    }
)
"""Areas that name no workflow and no run, are for owners only, or take no person."""
