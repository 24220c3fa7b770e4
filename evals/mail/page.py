"""The report as one page that needs nothing else: all measured models side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from evals.copilot.figures import Share
from evals.mail.judging import Outcome
from evals.mail.questions import Group
from evals.mail.results import BY, Figures, Measured, figures, groups, parts, split

_TEMPLATE = Path(__file__).with_name("report.html.j2")
_TITLES = {
    Group.CLASSIFY: "Mails sorted",
    Group.OWN: "Mails of your own sorted",
    Group.SUMMARIES: "Summaries",
    Group.INVOICES: "Invoices read",
    Group.DRAFTS: "Answers drafted",
    Group.AGENT: "Tasks of agents",
    Group.COPILOT: "Requests to the co-pilot",
    Group.BUILDER: "Programs built",
}


@dataclass(frozen=True)
class Table:
    """Shares of each model, one row for each name."""

    title: str
    rows: Mapping[str, Sequence[Share | None]]
    """None: the model was not asked."""


@dataclass(frozen=True)
class Section:
    """One group of questions."""

    title: str
    figures: Sequence[Figures | None]
    tables: Sequence[Table]
    faults: Sequence[Sequence[Outcome]]
    """Of each model, what is not right."""
    is_sorting: bool


def written(models: Sequence[Measured]) -> str:
    """Return the page. Answers of models are text there, whatever they contain."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    return template.render(models=models, sections=[*_sections(models)])


def _sections(models: Sequence[Measured]) -> Iterator[Section]:
    of = [groups(one.outcomes) for one in models]
    for group, title in _TITLES.items():
        asked = [one.get(group, []) for one in of]
        if any(asked):
            yield Section(
                title,
                [figures(some) if some else None for some in asked],
                [*_tables(group, asked)],
                [[one for one in some if not one.right] for some in asked],
                group.is_sorting,
            )


def _tables(group: Group, asked: Sequence[Sequence[Outcome]]) -> Iterator[Table]:
    yield _table("By part of the answer", [parts(some) for some in asked])
    for by in BY if group.is_sorting else ():
        found = [{name: figures(of).right for name, of in split(some, by).items()} for some in asked]
        yield _table(f"Right kind, by {by}", found)


def _table(title: str, found: Sequence[Mapping[str, Share]]) -> Table:
    names = dict.fromkeys(name for one in found for name in one)
    return Table(title, {name: [one.get(name) for one in found] for name in names})
