"""One step of a run in full: its input, output, error, and what it created."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import streamlit as st

from dashboard.base.language import N_, t, tc, tn
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import outside_badge, outside_code, outside_link, plain
from dashboard.base.run_files import run_files
from dashboard.parts.accounts import own_model, scripted_badge, service_title
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import message_markdown
from dashboard.parts.run_state import is_unknown, refused
from dashboard.parts.status import REJECTED, look_of, status_badge
from dashboard.parts.step_words import exact, field_words, rule_words, type_title
from dashboard.parts.times import ago, duration, full_time
from dashboard.parts.usage import usage_words
from dashboard.parts.values import cut, shown_value
from dashboard.prompt.save_case import save_case
from dashboard.prompt.values import PARAM, of_step
from dashboard.run.bounces import step_bounces
from dashboard.run.change.correct import correct_step, correction_of
from dashboard.run.change.only import run_only
from dashboard.run.change.seen import seen_parts
from dashboard.run.waits import wait_line
from engine.base.clock import moment_of
from engine.base.services import is_model, is_stand_in
from engine.base.statuses import ACTIVE_RUNS, StepStatus
from engine.base.step_tree import AGENT
from engine.record.shared_keys import item_name, shared_writes
from engine.record.types.run import AccountRecord, Run, RunKind
from engine.record.types.step import StepRecord
from engine.runs.prompt_tries.recorded import prompt_of

_KEPT = {
    "kept, arguments differ": N_("Left as it was, though the input is different now"),
    "cannot be updated": N_("Left as it was: it cannot be updated"),
}
"""Why an earlier write was not changed, by the word of its record."""


def run_step(visit: Visit, run: Run, step: StepRecord) -> None:
    """Show one step."""
    _facts(visit, run, step)
    _rule(visit, run, step)
    correction_of(visit, run, step)
    wait_line(visit, step)
    _called(visit, step)
    _error(step)
    if is_unknown(step) and run["status"] not in ACTIVE_RUNS and visit.may("run"):
        unknown_answer(visit, str(run["run_id"]), str(step["path"]))
    _receipt(run, step)
    step_bounces(visit, run, step)
    _try_link(visit, run, step)
    correct_step(visit, run, step)
    left, right = st.columns(2, gap="medium")
    with left:
        _input(run, step)
    with right:
        answer = f"{run['run_id']}-{step['path']}" if _is_answer(run, step) else ""
        _part(t("Output"), step["output"], t("Nothing came out."), answer)
    run_files(visit, run, [step["arguments"], step["output"]], str(step["path"]))
    _prompt(visit, run, step)
    _attempts(step)
    run_only(visit, run, step)


def _facts(visit: Visit, run: Run, step: StepRecord) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _status(visit, step)
        if is_demo_model(run, step):
            scripted_badge()
        if step.get("pinned") and run["kind"] is not RunKind.CORRECTION:
            st.badge(t("Pinned output, not run"), icon=":material/push_pin:", color="violet")
        if step.get("replayed"):
            st.badge(t("Answer of the earlier run"), icon=":material/replay:", color="violet")
        named = exact(step["path"], step["uses"] or "", step["connection"] or "", full_time(step["started_at"]))
        st.caption(plain(" · ".join(facts(run, step))), help=named)


def _status(visit: Visit, step: StepRecord) -> None:
    cell = refused(step)
    if cell is None:
        status_badge(str(step["status"]))
        return
    by = step["error"].get("by", "") if step["error"] else ""
    word, is_you = cell.word, by == visit.who.id
    if by and step.get("scheduled"):
        word = t("Stopped by you") if is_you else t("Stopped by {name}", name=by)
    elif by:
        word = t("Rejected by you") if is_you else t("Rejected by {name}", name=by)
    look = look_of(cell.status)
    st.badge(plain(word), icon=look.icon, color=look.color)


def _rule(visit: Visit, run: Run, step: StepRecord) -> None:
    """Say which rule has answered in place of the model, with a link to the rules."""
    rule = step.get("by_rule")
    if rule is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        outside_badge(t("By rule: {condition}", condition=rule_words(rule["when"])), ":material/rule:", color="green")
        visit.link(t("Rules"), "workflow", icon=":material/arrow_forward:", name=run["workflow"], tab="rules")


def _called(visit: Visit, step: StepRecord) -> None:
    """Link to the run that the step called, once the step no longer waits for it."""
    if step.get("child_run_id") and step["status"] != StepStatus.WAITING:
        visit.link(t("The run that it called"), "run", icon=":material/arrow_downward:", id=str(step["child_run_id"]))


def _asked_model(run: Run, step: StepRecord) -> AccountRecord | None:
    """Return the account of the model that a step asked, None for another step."""
    account = run["accounts"].get(step["connection"]) if step["connection"] and "by_rule" not in step else None
    return account if account is not None and is_model(account["service"]) else None


def is_demo_model(run: Run, step: StepRecord) -> bool:
    """Return whether a step asked the scripted model of the demo."""
    account = _asked_model(run, step)
    return account is not None and is_stand_in(account["service"], account["mode"])


def _is_answer(run: Run, step: StepRecord) -> bool:
    """Return whether a model, or an agent, wrote what came out of a step."""
    return step["uses"] == AGENT or _asked_model(run, step) is not None


def facts(run: Run, step: StepRecord) -> list[str]:
    """Return what the step does, where, its duration, attempts, tokens and cost, as far as known."""
    account = run["accounts"].get(step["connection"] or "")
    found = [type_title(step["uses"])] if step["uses"] else []
    found += [service_title(str(account.get("service", step["connection"])))] if account is not None else []
    if step["started_at"] and step["ended_at"]:
        found.append(duration((moment_of(step["ended_at"]) - moment_of(step["started_at"])).total_seconds()))
    if step["attempts"]:
        found.append(tn("{count} attempt", "{count} attempts", len(step["attempts"])))
    found += [translated(str(step["note"]))] if step.get("note") else []
    return found + usage_words(step["usage"])


def _error(step: StepRecord) -> None:
    error = step["error"]
    if not error:
        return
    if error["type"] == "Rejected":
        st.info(plain(translated(error["message"])), icon=look_of(REJECTED).icon)
        return
    show = st.warning if step.get("handled") else st.error
    show(message_markdown(error["message"], error.get("remedy") or ""), icon=":material/error:")
    details = [error.get("type"), f"HTTP {error['http_status']}" if error.get("http_status") else None]
    details += [t("field {field}", field=error["field"]) if error.get("field") else None]
    details += [t("the run continued without it") if step.get("handled") else None]
    st.caption(plain(" · ".join(str(one) for one in details if one)))


def unknown_answer(visit: Visit, run_id: str, path: str | None) -> None:
    """Ask a person about a write whose outcome is unknown; `path` None asks about all of the run."""
    st.markdown(t("Check the service: has it arrived there? Answer here, and the run continues."))
    runs, place = visit.orchestra.runs, path or "all"
    with st.container(horizontal=True):
        action_button(
            t("It is done"),
            f"as-done-{place}",
            lambda _key: runs.resume(visit.who, run_id, as_done=True, step=path),
            lambda _run_id: st.rerun(),
            icon=":material/done:",
        )
        action_button(
            t("Send again"),
            f"redo-{place}",
            lambda _key: runs.resume(visit.who, run_id, redo=True, step=path),
            lambda _run_id: st.rerun(),
            icon=":material/replay:",
        )


def _try_link(visit: Visit, run: Run, step: StepRecord) -> None:
    """Lead from a model step to its prompt, with the values that the step had, and offer to save them as a case."""
    reference = prompt_of(step)
    if reference is None:
        return
    prompt, run_id, path = reference.partition("@")[0], str(run["run_id"]), str(step["path"])
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _link_to_try(visit, step, run_id, t("Try this prompt"))
        if step["output"] is not None:
            make = partial(visit.orchestra.tries.case_of_step, visit.who, prompt, run_id, path)
            save_case(visit, prompt, f"{run_id}-{path}", "", make)


def real_model_link(visit: Visit, run: Run, step: StepRecord) -> None:
    """Lead from a step that asked the scripted model to a real one: the question again, or the place to connect one."""
    label = t("Try it with a real model")
    has_own = bool(own_model(visit))
    if has_own and prompt_of(step):
        _link_to_try(visit, step, str(run["run_id"]), label)
    elif not has_own and visit.may("admin"):
        visit.link(label, "connections", icon=":material/arrow_forward:", do="model")


def _link_to_try(visit: Visit, step: StepRecord, run_id: str, label: str) -> None:
    prompt = str(prompt_of(step)).partition("@")[0]
    source = {PARAM: of_step(run_id, str(step["path"]))}
    visit.link(label, "prompt", icon=":material/science:", name=prompt, tab="try", **source)


def _receipt(run: Run, step: StepRecord) -> None:
    effect = step["effect"]
    if not effect:
        return
    receipt = effect["receipt"] or {"id": "", "url": ""}
    word = _made_by(run, step) if effect["reused"] else t("Receipt")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":material/receipt_long: :gray[{word}]")
        if receipt["url"]:
            outside_link(receipt["id"] or tc("button", "Open"), receipt["url"])
        else:
            st.markdown(plain(receipt["id"] or t("without an id")))
        if effect.get("note"):
            outside_badge(t(_KEPT.get(effect["note"], effect["note"])), color="orange")
        for one in effect.get("differences", ()):
            st.caption(plain(f"{one['field']}: {one['old']} → {one['new']}"))
        if effect.get("updated"):
            st.badge(t("Updated"), icon=":material/update:", color="blue")
        if effect.get("undone"):
            undone = effect["undone"]
            words = t(
                "Undone by {by} {at}: {note}", by=undone["by"], at=ago(undone["at"]), note=translated(undone["note"])
            )
            outside_badge(words, ":material/undo:")


def _made_by(run: Run, step: StepRecord) -> str:
    """Say who made the write that a step only found: an earlier run, or another item of this one."""
    maker = shared_writes(run["steps"]).get(step["path"])
    if maker is None:
        return t("Already done by an earlier run")
    return t("Not written: item {number} of this run has the same key", number=item_name(maker))


def _input(run: Run, step: StepRecord) -> None:
    """Show what went in, each by what the panel of the canvas calls it; of a prompt its title and its variables."""
    given, words = step["arguments"], dict(field_words(step["uses"] or ""))
    prompt = run["definition"].get("prompts", {}).get(prompt_of(step) or "")
    if prompt is not None and isinstance(given, Mapping) and isinstance(given.get("variables", {}), Mapping):
        titles = {name: str(one.get("title") or name) for name, one in prompt.get("variables", {}).items()}
        values = {f"variables.{name}": one for name, one in given.get("variables", {}).items()}
        words |= {f"variables.{name}": title for name, title in titles.items()}
        rest = {name: one for name, one in given.items() if name not in ("prompt", "variables")}
        given = {"prompt": prompt.get("title") or given["prompt"], **rest, **values}
    _part(t("Input"), given, t("Nothing went in."), words=words)


def _part(
    title: str, value: Any, empty: str, answer: str = "", words: Mapping[str, str] = MappingProxyType({})
) -> None:
    st.markdown(f"**{title}**")
    if value is None:
        st.caption(empty)
    else:
        shown_value(value, answer, words)


def _prompt(visit: Visit, run: Run, step: StepRecord) -> None:
    request = step.get("request") or {}
    if request.get("messages"):
        to = " · ".join(str(request[name]) for name in ("model", "connection") if request.get(name))
        st.markdown(t("**Prompt as it was sent** :gray[{to}]", to=plain(to)))
        seen_parts(visit.orchestra.runs.seen(visit.who, str(run["run_id"]), str(step["path"])))


def messages(sent: Sequence[Mapping[str, Any]]) -> None:
    """Show the messages of a prompt literally."""
    for message in sent:
        st.caption(plain(str(message.get("role") or "")))
        content = message.get("content")
        outside_code(cut(content) if isinstance(content, str) else cut(str(content)))


def _attempts(step: StepRecord) -> None:
    if len(step["attempts"]) < 2:
        return
    st.markdown(f"**{t('Attempts')}**")
    for number, attempt in enumerate(step["attempts"], start=1):
        error = attempt["error"]
        words = f"{error['type']}: {error['message']}" if error else StepStatus.SUCCEEDED
        st.caption(f"{number}. {plain(words)}", help=full_time(attempt["ended_at"]) or None)
