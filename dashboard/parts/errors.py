"""Errors, shown as a sentence with its remedy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import streamlit as st

from clients.errors import ServiceError
from dashboard.base.language import t
from dashboard.base.messages import translated
from dashboard.base.plain import plain, plain_with_code
from dashboard.base.remedies import with_pages
from engine.base.errors import InvalidFile, OrchestraError
from engine.base.problem import Problem


def error_box(error: OrchestraError | ServiceError) -> None:
    """Show an error: message and remedy; for a file, also its name and its problems by line."""
    if isinstance(error, InvalidFile) and error.problems:
        for file in dict.fromkeys(one.file for one in error.problems):
            st.markdown(t("**{file}** cannot be used as it is:", file=plain(file)))
            problem_list([one for one in error.problems if one.file == file])
        return
    st.error(message_markdown(error.message, error.remedy), icon=":material/error:")


def message_markdown(message: str, remedy: str = "") -> str:
    """Return a message and its remedy as Markdown that shows them literally.

    The message may quote text from outside, letter by letter; the remedy is ours: commands in it are replaced by pages,
    and commands without a page are shown as code.
    """
    message, remedy = translated(message), with_pages(translated(remedy))
    return f"{plain(message)}  \n{plain_with_code(remedy)}" if remedy else plain(message)


def problem_list(problems: Sequence[Problem], text: str = "") -> None:
    """Show the problems of a file with line, step and field; `text` is the file, to quote the line."""
    lines = text.splitlines()
    for problem in sorted(problems, key=lambda one: (one.severity != "error", one.line, one.column)):
        is_error = problem.severity == "error"
        show, icon = (st.error, ":material/error:") if is_error else (st.warning, ":material/warning:")
        message = message_markdown(problem.message, problem.remedy)
        show(f"**{plain(place_of(problem))}** · {message}{_quoted(lines, problem.line)}", icon=icon)


def _quoted(lines: Sequence[str], number: int) -> str:
    if not 0 < number <= len(lines) or not lines[number - 1].strip():
        return ""
    return f"  \n:gray[{number} │ {plain(lines[number - 1].strip()[:160])}]"


def place_of(problem: Problem) -> str:
    """Return e.g. "Line 12, step task, field title"."""
    parts = [t("Line {line}", line=problem.line)]
    parts += [t("step {step}", step=problem.step)] if problem.step else []
    parts += [t("field {field}", field=problem.field)] if problem.field else []
    return ", ".join(parts)


@contextmanager
def errors_shown() -> Iterator[None]:
    """Show errors of the engine and of services raised in the block, instead of a broken page."""
    try:
        yield
    except (OrchestraError, ServiceError) as error:
        error_box(error)
