"""Keeps the catalogues of the dashboard's texts (`make catalogue`): finds the texts in the code, and compiles them.

Texts are the literals in calls of `t`, `tn`, `tc` and `N_`, in Python and in the scripts of the browser, what the
canvas shows of the fields of every step, the titles of step types, triggers, services and their fields, what the types
say of themselves and in a question to a person, what the forms of connections show of each service, titles and
descriptions of shipped workflows, and the nouns and verbs by which runs are counted.

The messages of the engine are templates in the context `message` (`dashboard/base/messages.py`), in which `{0}` and
`{1}` stand for its values, in their order. Each sentence in the folders of `_SHOWN` has a translation. Others may stay
in English, so a catalogue has only those that are translated. Once the code has other words for one, it is dropped.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from clients.wording import plural
from dashboard.base.language import LOCALE
from dashboard.base.messages import MESSAGE, NOUNS
from engine.base.services import client_class, services
from engine.compiler.definition.step_model import step_schema
from engine.copilot.wizard.composing import TEXTS as WIZARD_TEXTS
from engine.plugins.registry import step_types, trigger_types
from engine.plugins.step import PluginType, fields_schema
from engine.plugins.step_info import first_paragraph
from engine.record.outcomes import made_by
from engine.triggers.cron import TEXTS as CRON_TEXTS
from engine.workflows.samples import samples

ROOT = Path(__file__).parents[1]
_SCRIPTS = {
    "browser": ["dashboard/assets/browser.js"],
    "canvas": ["dashboard/assets/canvas.js"],
    "copilot": ["dashboard/assets/copilot.js"],
    "editor": ["frontend/editor/src"],
    "project": ["dashboard/assets/project.js"],
    "run_page": ["dashboard/assets/run_page.js"],
    "search": ["dashboard/assets/search/search.js"],
    "studio": ["frontend/studio/src"],
    "timeline": ["dashboard/assets/timeline.js"],
}
"""The scripts that get texts, each with the sources in which these are."""
SAMPLE = "sample"
"""The context of titles and descriptions of shipped workflows."""
_NAMES = ("t", "N_")
_STRING = r'"(?:[^"\\\n]|\\.)*"'
_CALL = re.compile(rf"(?<![\w.])(?:(?:t|N_)\(\s*({_STRING})|tn\(\s*({_STRING}),\s*({_STRING}))")
_SHOWN = (
    "clients/drives",
    "clients/error_mapping.py",
    "clients/errors.py",
    "clients/event_times.py",
    "clients/file/client.py",
    "clients/file/folders.py",
    "clients/file/paths.py",
    "clients/github",
    "clients/gmail",
    "clients/google",
    "clients/google_calendar",
    "clients/google_drive",
    "clients/google_sheets",
    "clients/http",
    "clients/imap",
    "clients/local_model",
    "clients/local_vectors/client.py",
    "clients/mail",
    "clients/mail_archive",
    "clients/mail_server",
    "clients/models",
    "clients/notion",
    "clients/oauth",
    "clients/openai",
    "clients/outlook",
    "clients/slack",
    "clients/smtp",
    "clients/sockets.py",
    "clients/telegram",
    "engine/base/errors.py",
    "engine/base/expression_limits.py",
    "engine/budgets",
    "engine/compiler",
    "engine/connections",
    "engine/copilot",
    "engine/documents/json_file.py",
    "engine/documents/json_reader.py",
    "engine/documents/schema_check.py",
    "engine/documents/shapes.py",
    "engine/environments",
    "engine/expressions",
    "engine/first_run",
    "engine/operations/attention.py",
    "engine/people",
    "engine/mail/drafts.py",
    "engine/mail/fields.py",
    "engine/mail/follow_ups.py",
    "engine/mail/labels.py",
    "engine/mail/reading.py",
    "engine/mail/rules.py",
    "engine/mail/schedule.py",
    "engine/mail/waiting.py",
    "engine/mail/writing.py",
    "engine/plugins/unreadable.py",
    "engine/prompts",
    "engine/record/acceptance.py",
    "engine/record/failure.py",
    "engine/runner",
    "engine/runs",
    "engine/steps",
    "engine/triggering",
    "engine/triggers",
    "engine/workflows/bundles",
    "engine/workflows/differences",
    "engine/workflows/editing",
)
"""Where the code says what people meet in the dashboard: files, and folders with all that is in them."""
_FOR_MODELS = (
    "engine/copilot/prompting/told.py",
    "engine/copilot/talking/prompt.py",
    "engine/copilot/talking/signatures.py",
    "engine/copilot/wizard/composing.py",
    "engine/copilot/wizard/targets.py",
    "engine/prompts/second_question.py",
    "engine/prompts/takeover_mails.py",
    "engine/steps/agent",
    "engine/steps/llm",
    "engine/steps/rag/answering.py",
)
"""Where it says what models are told, too."""
_SENTENCE = re.compile(r"(?=.*[a-z]{4})(?!.*%[ds])[A-Z{'`].* .*(?:[.?!]|: \{\d+\})")
"""What needs a translation: no part of a sentence, no line of the log, no text of several lines."""
_DESCRIBES = frozenset({"Field", "Meta", "StepField", "tool"})
"""Calls whose texts describe a field, of which a person sees a text of its own, or a tool of a model."""
_PLACEHOLDER = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")
_FILLED = re.compile(r"(?<!\{)\{\w*\}(?!\})")
"""What `str.format` fills in a text that is no f-string."""
_EXPRESSION = re.compile(r"\{\{[^{}]*\}\}")
_WORDS = re.compile("[a-z]+( [a-z]+)*")
_FEWEST_LETTERS = 3
"""A template with fewer letters of its own would fit texts that it does not mean."""
_MADE = datetime(2026, 1, 1, tzinfo=UTC)
"""The date in every file, so that a catalogue only changes with its texts."""


@dataclass(frozen=True)
class Text:
    """A text in the code, with its plural if it depends on a number."""

    one: str
    many: str = ""
    context: str | None = None

    @property
    def id(self) -> str | tuple[str, str]:
        """The key in a catalogue."""
        return (self.one, self.many) if self.many else self.one


def texts() -> list[Text]:
    """Return each text in the code once, in the order of the files."""
    found = [text for path in sorted((ROOT / "dashboard").rglob("*.py")) for text in _in_python(path)]
    found += [text for name in _SCRIPTS for text in _in_script(name)]
    found += map(Text, [*_of_services(), *titles()])
    found += map(Text, [*CRON_TEXTS, *WIZARD_TEXTS])
    found += [Text(kind.agreed) for kind in step_types().values() if kind.agreed]
    found += [Text(kind.done, context="done") for kind in step_types().values() if kind.done]
    found += [Text(f"{{count}} {one}", f"{{count}} {many}") for one, many in nouns().items()]
    found += [Text(one, context=SAMPLE) for each in samples() for one in (each.title, each.description)]
    found += [Text(one, context=MESSAGE) for one in sorted(sentences())]
    return list(dict.fromkeys(found))


@cache
def nouns() -> Mapping[str, str]:
    """Return what the engine counts, with its plural: in its code, of items and of what steps make."""
    found = {one: plural(one) for one in NOUNS}
    for kind in step_types().values():
        word = made_by(kind.name).replace("_", " ")
        if word and not word.endswith("s"):
            found[word] = plural(word)
    for tree in _code().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "counted":
                words = [one.value for one in node.args[1:] if isinstance(one, ast.Constant)]
                if words and all(_WORDS.fullmatch(str(one)) for one in words):
                    found[str(words[0])] = str(words[1]) if len(words) > 1 else plural(str(words[0]))
    return found


@cache
def messages() -> Collection[str]:
    """Return the texts in the code of the engine that may be messages, as templates."""
    found = {one for tree in _code().values() for one in (*_templates(tree), *_of_workflows(tree))}
    return {one for one in found if len(re.findall("[A-Za-z]", re.sub(r"\{\d+\}", "", one))) >= _FEWEST_LETTERS}


@cache
def sentences() -> Collection[str]:
    """Return the messages that need a translation."""
    others = {_filled(kind.agreed, _FILLED) for kind in step_types().values()}
    shown = [tree for path, tree in _code().items() if _is_in(path, _SHOWN) and not _is_in(path, _FOR_MODELS)]
    found = {one for tree in shown for one in _templates(tree) if _SENTENCE.fullmatch(one)}
    return (found & {*messages()}) - others - {*_of_services()}


def _is_in(path: str, places: Sequence[str]) -> bool:
    return f"{path}/".startswith(tuple(f"{one}/" for one in places))


def _templates(tree: ast.Module) -> Iterator[str]:
    """Yield the texts in code as templates, but no docstrings and descriptions of fields."""
    left_out = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            left_out.update(map(id, node.values))
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in _DESCRIBES:
            left_out.update(map(id, ast.walk(node)))
    for node in ast.walk(tree):
        if id(node) in left_out:
            continue
        if isinstance(node, ast.JoinedStr):
            yield _template(node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield _filled(node.value, _FILLED) if _FILLED.search(node.value) else _template([node])


def _of_workflows(tree: ast.Module) -> Iterator[str]:
    """Yield the texts with expressions, such as the message of a step in a workflow that the engine writes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _EXPRESSION.search(node.value):
            yield _filled(node.value, _EXPRESSION)


def _template(parts: Sequence[ast.expr]) -> str:
    found, values = "", 0
    for part in parts:
        if isinstance(part, ast.Constant):
            found += _escaped(str(part.value))
        else:
            found, values = f"{found}{{{values}}}", values + 1
    return found


def _filled(text: str, places: re.Pattern[str]) -> str:
    """Return a text as a template, with a value in each of these places."""
    pieces = iter(places.split(text))
    return next(pieces) + "".join(f"{{{index}}}{piece}" for index, piece in enumerate(pieces))


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


@cache
def _code() -> Mapping[str, ast.Module]:
    """Return the code that makes messages, by its path."""
    files = [path for name in ("clients", "engine") for path in sorted((ROOT / name).rglob("*.py"))]
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in files}


def _in_python(path: Path) -> Iterator[Text]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        literals = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        if node.func.id in _NAMES and literals:
            yield Text(literals[0])
        elif node.func.id == "tc" and len(literals) > 1:
            yield Text(literals[1], context=literals[0])
        elif node.func.id == "tn" and len(literals) > 1:
            yield Text(literals[0], literals[1])


def _in_script(name: str) -> Iterator[Text]:
    files = [one for place in _SCRIPTS[name] for one in _files(ROOT / place)]
    for path in files:
        for one, first, many in _CALL.findall(path.read_text(encoding="utf-8")):
            yield Text(json.loads(one)) if one else Text(json.loads(first), json.loads(many))
    if name == "studio":
        yield from map(Text, [*_of_steps(), *titles()])


def titles() -> Iterator[str]:
    """Yield titles and descriptions of step types and triggers, and titles of services, fields and lines of checks."""
    for node in (node for tree in _code().values() for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(node.func, ast.Name) and node.func.id == "CheckLine" and node.args:
            yield from (str(one.value).capitalize() for one in node.args[:1] if isinstance(one, ast.Constant))
    yield from (service.title for service in services())
    for kind in (*step_types().values(), *trigger_types().values()):
        yield kind.title
        yield described(kind)
        schema = fields_schema(kind.fields)
        for holder in (schema, *schema.get("$defs", {}).values()):
            yield from (str(one["title"]) for one in holder.get("properties", {}).values() if "title" in one)


def described(kind: PluginType) -> str:
    """Return what the dashboard shows of the description of a type."""
    return first_paragraph(inspect.getdoc(type(kind)) or "")


def _of_steps() -> Iterator[str]:
    whole = step_schema()
    for name, holder in whole["$defs"].items():
        if holder["title"] != name:  # of an alternative, which has a title of its own
            yield holder["title"]
        for field in holder["properties"].values():
            if field.get("section") != "elsewhere":
                yield from (field[key] for key in ("title", "description") if key in field)


def _of_services() -> Iterator[str]:
    """Yield what the forms of connections show of each service."""
    for service in services():
        yield from (one.label for one in service.beside_key)
        yield from (one.hint for one in service.beside_key if " " in one.hint)
        yield from (one.ability for one in service.models)
        if service.key is not None:
            yield from filter(None, (service.key.label, service.key.rights, service.key.place, service.key.hint))
        if (way := client_class(service.name).sign_in_way) is not None:
            yield from (way.guide, *way.more)


def _files(place: Path) -> list[Path]:
    return (
        [place] if place.is_file() else sorted(one for one in place.rglob("*") if one.suffix in (".js", ".ts", ".tsx"))
    )


def read(file: Path) -> Catalog:
    """Return a catalogue."""
    with file.open("rb") as opened:
        return read_po(opened, locale=file.stem)


def updated(catalog: Catalog) -> Catalog:
    """Return the catalogue with the texts that the code has now; new ones are empty."""
    template = Catalog()
    for text in texts():
        template.add(text.id, context=text.context)
    for message in list(catalog):
        if message.context == MESSAGE and message.string and message.id in messages():
            template.add(message.id, context=MESSAGE)
    catalog.update(template, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.creation_date = catalog.revision_date = _MADE
    return catalog


def source(catalog: Catalog) -> bytes:
    """Return the text of a `.po` file."""
    file = BytesIO()
    write_po(file, catalog, width=120, sort_output=True, no_location=True)
    return file.getvalue()


def compiled(catalog: Catalog) -> bytes:
    """Return a `.mo` file, which Python's gettext reads; messages are not asked for there."""
    asked = deepcopy(catalog)
    for message in list(asked):
        if message.context == MESSAGE:
            asked.delete(message.id, MESSAGE)
    file = BytesIO()
    write_mo(file, asked)
    return file.getvalue()


def of_scripts(catalog: Catalog) -> str:
    """Return the texts of each script as JSON; the forms of a text with a plural are listed under its plural."""
    found: dict[str, dict[str, str | list[str]]] = {}
    for name in _SCRIPTS:
        known = {text: catalog[text.id] for text in _in_script(name)}
        found[name] = dict(
            sorted(
                (text.many or text.one, _forms(one))
                for text, one in known.items()
                if one is not None and all(_forms(one))
            )
        )
    found["messages"] = {str(one.id): str(one.string) for one in catalog if one.context == MESSAGE}
    found["nouns"] = {
        word: [f"{{count}} {one}", f"{{count}} {many}"] for one, many in nouns().items() for word in (one, many)
    }
    return json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _forms(message: Message) -> str | list[str]:
    return list(message.string) if isinstance(message.string, list | tuple) else str(message.string)


def problems(catalog: Catalog) -> list[str]:
    """Return what is wrong with a catalogue: texts that are missing, empty or unsure, and placeholders that differ."""
    found = []
    for text in texts():
        message = catalog.get(text.id, text.context)
        forms = [] if message is None else [_forms(message)] if not text.many else list(_forms(message))
        if message is None or message.fuzzy or not forms or not all(forms):
            found.append(f"not translated: {text.one!r}")
            continue
        if text.context == MESSAGE:
            continue
        allowed = _placeholders(text.many or text.one)
        found += [f"placeholders of {one!r} are not those of {text.one!r}" for one in forms if not _fits(one, allowed)]
    for message in catalog:
        if message.context == MESSAGE and not _placeholders(str(message.string)) <= _placeholders(str(message.id)):
            found.append(f"placeholders of {message.string!r} are not those of {message.id!r}")
    return found


def _fits(form: str | list[str], allowed: set[str]) -> bool:
    """Return whether a form has all placeholders; in a plural, the number may be a word."""
    has = _placeholders(str(form))
    return has <= allowed and allowed - has <= {"count"}


def _placeholders(text: str) -> set[str]:
    return set(_PLACEHOLDER.findall(text))


def main() -> None:
    """Bring all catalogues up to date."""
    for file in sorted(LOCALE.glob("*.po")):
        catalog = updated(read(file))
        file.write_bytes(source(catalog))
        file.with_suffix(".mo").write_bytes(compiled(catalog))
        file.with_suffix(".json").write_text(of_scripts(catalog), encoding="utf-8")


if __name__ == "__main__":
    main()
