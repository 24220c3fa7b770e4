"""`python -m evals.mail`: how often models are right about mails, summaries, invoices and drafts, side by side.

`--only agent copilot builder` also has them do 20 tasks of agents, 120 requests to the co-pilot and 10 programs, which
costs much more.

The models are connections of a workspace (`--connection`), a server in the form of OpenAI (`--url`, `--model`), or the
demo's (`--demo`). The questions are 200 mails in ten languages and 100 others, or mails of your own (`--mails`).
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clients.wording import counted
from engine.base.errors import OrchestraError
from engine.orchestra import Orchestra
from evals.mail.asking import answered, cost_of, estimated
from evals.mail.page import written
from evals.mail.questions import LANGUAGES, Group, Question, questions, stratified
from evals.mail.results import keep, kept, machine, table
from evals.mail.work import expected_tokens, require_installed, tasks, worked
from evals.mail.workspace import FREE_HERE, connections_of, models_of, opened, prices_of, server

INTO = Path(__file__).resolve().parents[2] / "build" / "evals" / "mail"
_OURS = [one for one in Group if one is not Group.OWN]
_DEMO = {"demo": {"service": "openai", "base_url": "http://127.0.0.1:1/v1", "model": "demo"}}


def main(arguments: Sequence[str] | None = None) -> None:
    """Ask, judge, print and save."""
    options = _options(arguments)
    try:
        data, work = questions(options.mails), [one for one in options.only if one.is_work]
        asked = _chosen(data, options) if not work or len(work) < len(options.only) else []
        require_installed(work)
        connections = _connections(options)
        prices = prices_of(options.workspace) if options.connection else FREE_HERE
        root, longest = options.into / "workspace", options.max_tokens
        with opened(root, connections, prices, asked, longest=longest, demo=options.demo) as orchestra:
            names = list(connections)
            if not options.recorded:
                _agree(orchestra, asked, options, names)
            found = answered(orchestra, asked, names, at_once=options.at_once, is_offline=options.recorded, tell=_say)
        for group in () if options.recorded else work:
            for name, settings in connections.items():
                found[name].extend(worked(group, settings, options.into, options.limit, _say))
    except (OrchestraError, ValueError, OSError) as error:
        sys.exit(f"{error} {getattr(error, 'remedy', '')}".strip())
    of = {name: _model(name, settings, demo=options.demo) for name, settings in connections.items()}
    results = options.into / "results.json"
    for name, outcomes in found.items():
        keep(results, of[name], outcomes, [*questions(), *data])
    print(table({of[name]: outcomes for name, outcomes in found.items()}))
    page = options.into / "report.html"
    page.write_text(written(kept(results)), encoding="utf-8")
    print(f"Measured on {machine()}. Side by side with what was measured before: {page}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evals.mail", description=__doc__)
    whose = "of the workspace; repeatable; default: all its models"
    parser.add_argument("--connection", action="append", default=[], metavar="NAME", help=whose)
    parser.add_argument("--workspace", type=Path, default=Path(), help="whose connections; default: this folder")
    parser.add_argument("--url", default="https://api.openai.com/v1", help="a server in the form of OpenAI")
    parser.add_argument("--model", default="", help="its model")
    parser.add_argument("--key", default="OPENAI_API_KEY", metavar="VARIABLE", help="the variable that has its key")
    parser.add_argument("--demo", action="store_true", help="the demo's model, which is no model: it looks for words")
    parser.add_argument(
        "--only", nargs="+", default=[], choices=_OURS, type=Group, help="agent, copilot and builder only if named"
    )
    parser.add_argument("--languages", nargs="+", default=[], metavar="LANGUAGE", help=f"such as {' '.join(LANGUAGES)}")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="of each group, spread over all kinds")
    parser.add_argument("--mails", type=Path, metavar="FILE", help="mails of your own, in place of all others")
    parser.add_argument("--at-once", type=int, default=4, metavar="N", help="questions at the same time, 1 to 32")
    parser.add_argument("--max-tokens", type=int, default=0, metavar="N", help="of an answer; default: no limit")
    parser.add_argument("--recorded", action="store_true", help="ask nothing: judge the answers so far")
    parser.add_argument("--yes", action="store_true", help="ask models that cost money without asking you first")
    parser.add_argument("--into", type=Path, default=INTO, metavar="FOLDER", help="answers, results.json, report.html")
    options = parser.parse_args(arguments)
    if not (options.connection or options.model or options.demo):
        options.connection = models_of(options.workspace)
    if not (options.connection or options.model or options.demo):
        parser.error("No model is connected: --connection NAME, --model NAME with --url, or --demo.")
    if options.demo and (options.connection or options.model):
        parser.error("--demo asks the demo's model alone: leave the others out.")
    if options.demo and any(one.is_work for one in options.only):
        parser.error("agent, copilot and builder need a real model: leave --demo or these out.")
    if options.mails and options.only:
        parser.error("--mails asks your mails alone: leave --only out.")
    return options


def _chosen(data: Sequence[Question], options: argparse.Namespace) -> list[Question]:
    found = [one for one in data if not options.only or one.group in options.only]
    some = [one for one in found if not options.languages or one.language in options.languages]
    if not some:
        where = f" in the languages {' '.join(options.languages)}" if options.languages else ""
        raise ValueError(f"There are no such questions{where}.")
    return stratified(some, options.limit)


def _connections(options: argparse.Namespace) -> Mapping[str, Any]:
    if options.demo:
        return _DEMO
    found = connections_of(options.workspace, options.connection)
    if options.model:
        name = re.sub(r"[^a-z0-9]+", "_", options.model.lower()).strip("_") or "model"
        found[name] = server(options.url, options.model, options.key)
    return found


def _model(name: str, settings: Mapping[str, Any], *, demo: bool) -> str:
    model = settings.get("model") or settings.get("file") or settings["service"]
    return "demo (looks for words)" if demo else f"{model} ({name})" if model != name else name


def _agree(orchestra: Orchestra, asked: Sequence[Question], options: argparse.Namespace, names: Sequence[str]) -> None:
    """Say what it will cost, and ask if it costs anything. Exits if the answer is no."""
    costs = False
    for name in names:
        expected = estimated(orchestra, options.into / "workspace", asked, name, demo=options.demo)
        price = "price unknown" if expected.cost_usd is None else f"about ${expected.cost_usd:.2f}"
        size = f"{expected.input_tokens:,} tokens in, {expected.output_tokens:,} out"
        print(f"{name}: {expected.questions} of {len(asked)} questions are to be asked: {size}, {price}.", flush=True)
        costs = costs or (expected.questions > 0 and expected.cost_usd != 0)
        for group in (one for one in options.only if one.is_work):
            tokens = expected_tokens(group, options.limit)
            cost = cost_of(options.into / "workspace", name, *tokens, demo=options.demo)
            price = "price unknown" if cost is None else f"${cost:.2f}"
            size = f"{tokens[0]:,} tokens in, {tokens[1]:,} out"
            many = counted(tasks(group, options.limit), "task")
            print(f"{name}: {many} of {group}: about {size}, {price}.", flush=True)
            costs = costs or cost != 0
    if not costs or options.yes:
        return
    if not sys.stdin.isatty():
        sys.exit("This may cost money: --yes agrees to it.")
    if input("Ask? [y/N] ").strip().lower() not in ("y", "yes"):
        sys.exit("Nothing was asked.")


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main()
