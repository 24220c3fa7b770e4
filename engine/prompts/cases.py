"""The cases of prompts: their files, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from clients.wording import did_you_mean
from engine.base.errors import InUse, InvalidFile, InvalidInput, StaleEdit, UnknownName
from engine.base.json_text import JsonObject, JsonSchema
from engine.base.names import checked_name, child
from engine.base.problem import Problem
from engine.documents.json_file import JsonFile, parse, read
from engine.documents.schema_check import misfits
from engine.documents.shapes import faults
from engine.files.atomic import etag, make_folder, remove, write_whole
from engine.plugins.step import JsonValue
from engine.prompts.assertions import AnyAssertion, Judge
from engine.prompts.prompt import prompt_problem
from engine.workspace.canonical import canonical
from engine.workspace.file_store import FileStore


class CaseModel(BaseModel):
    """A case file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(min_length=1, max_length=200)
    variables: dict[str, JsonValue] = Field(default_factory=dict)
    answer: dict[str, JsonValue] | None = None
    """The whole right answer, which another question may get as an example."""
    assertions: list[AnyAssertion] = Field(default_factory=list)


@dataclass(frozen=True)
class Case:
    """A case, as its file has it; `document` is None if it is not a JSON object."""

    case: str
    """The name of its file."""
    title: str
    """Its name for people."""
    text: str
    etag: str
    document: JsonObject | None
    problems: list[Problem] = field(default_factory=list)

    def model(self) -> CaseModel:
        """Return the case, ready to be tested. Raises InvalidFile."""
        if self.problems:
            raise InvalidFile.of(self.problems[0].file, self.problems)
        return CaseModel.model_validate(self.document)


class CaseStore:
    """Reads and writes `prompts/PROMPT.cases/CASE.json`."""

    def __init__(self, shelf: FileStore, models: Callable[[], Sequence[str]] | None = None) -> None:
        """`models` returns the connections of models; a case that is saved may name one of these alone."""
        self._shelf, self._models = shelf, models

    def list(self, prompt: str) -> list[Case]:
        """Return the cases of a prompt by name; damaged ones have problems. Raises UnknownName."""
        self._shelf.text(prompt)
        folder = self.folder(prompt)
        names = sorted(one.stem for one in folder.glob("*.json")) if folder.is_dir() else []
        return [self._read(prompt, name) for name in names]

    def get(self, prompt: str, case: str) -> Case:
        """Return a case. Raises UnknownName, InvalidInput."""
        self._shelf.text(prompt)
        if not self._path(prompt, case).is_file():
            known = [one.case for one in self.list(prompt)]
            raise UnknownName(f"case of the prompt {prompt}", case, known)
        return self._read(prompt, case)

    def save(self, prompt: str, case: str, document: JsonObject, known_etag: str | None) -> Case:
        """Write a case in canonical form; `known_etag` None: it must not exist yet.

        Raises InvalidFile, InUse, StaleEdit, UnknownName, InvalidInput, StorageError.
        """
        text, path = canonical(dict(document), "case"), self._path(prompt, case)
        found = _case(case, text, self._name(prompt, case))
        problems = found.problems or list(self._unknown_judges(parse(text, self._name(prompt, case))))
        if problems:
            raise InvalidFile.of(problems[0].file, problems)
        with self._shelf.editing():
            self._shelf.text(prompt)
            if known_etag is None and path.exists():
                raise InUse(f"There is already a case named {case!r}.", remedy="Choose another name.")
            if known_etag is not None and self.get(prompt, case).etag != known_etag:
                raise StaleEdit(f"Somebody changed {self._name(prompt, case)} since you opened it.")
            make_folder(path.parent)
            write_whole(path, text)
        return found

    def _unknown_judges(self, file: JsonFile) -> Iterator[Problem]:
        known = None if self._models is None else self._models()
        for number, one in enumerate(CaseModel.model_validate(file.value).assertions):
            if known is not None and isinstance(one, Judge) and one.connection and one.connection not in known:
                remedy = did_you_mean(one.connection, known) or f"There are: {', '.join(known) or 'none yet'}."
                said = f"There is no connection of a model named {one.connection!r}."
                yield prompt_problem(file, ("assertions", number, "connection"), said, "unknown_connection", remedy)

    def delete(self, prompt: str, case: str) -> None:
        """Delete a case. Raises UnknownName, InvalidInput, StorageError."""
        with self._shelf.editing():
            self.get(prompt, case)
            remove(self._path(prompt, case))

    def folder(self, prompt: str) -> Path:
        """Return the folder of a prompt's cases."""
        return child(self._shelf.folder, f"{checked_name('prompt', prompt)}.cases")

    def _path(self, prompt: str, case: str) -> Path:
        return child(self.folder(prompt), f"{checked_name('case', case)}.json")

    def _name(self, prompt: str, case: str) -> str:
        return f"prompts/{prompt}.cases/{case}.json"

    def _read(self, prompt: str, case: str) -> Case:
        name = self._name(prompt, case)
        try:
            return _case(case, read(child(self.folder(prompt), f"{case}.json"), name).text, name)
        except InvalidFile as error:
            return Case(case, case, "", "", None, error.problems)
        except InvalidInput as error:  # a link: it could show any file
            return Case(case, case, "", "", None, [Problem("This is a link.", "link", file=name, remedy=error.remedy)])


def suggested(name: str, variables: JsonObject, value: Any, schema: JsonSchema | None) -> dict[str, Any]:
    """Return a case for an answer: of its fields, those with fixed choices are expected to stay as they are.

    An answer that fits the schema is kept, too, if it has more fields than these.
    """
    properties = (schema or {}).get("properties")
    known = properties if isinstance(properties, Mapping) else {}
    found = value if isinstance(value, Mapping) else {}
    fixed = [one for one in known if one in found and _is_fixed(known[one])]
    assertions = [{"type": "field_equals", "field": one, "value": found[one]} for one in fixed]
    is_whole = len(fixed) < len(found) and schema and not any(misfits(dict(found), schema))
    answer = {"answer": dict(found)} if is_whole else {}
    return {"name": name, "variables": dict(variables), **answer, "assertions": assertions}


def _is_fixed(schema: Any) -> bool:
    return isinstance(schema, Mapping) and ("enum" in schema or schema.get("type") == "boolean")


def _case(case: str, text: str, name: str) -> Case:
    try:
        file = parse(text, name)
    except InvalidFile as error:
        return Case(case, case, text, etag(text), None, error.problems)
    document = file.value if isinstance(file.value, dict) else None
    title = document.get("name") if document else None
    return Case(case, title if isinstance(title, str) and title else case, text, etag(text), document, _problems(file))


def _problems(file: JsonFile) -> list[Problem]:
    try:
        CaseModel.model_validate(file.value)
    except ValidationError as error:
        return [
            prompt_problem(file, one.path, one.message, one.code, one.remedy, at_key=one.is_about_key)
            for one in faults(error, CaseModel, file.value)
        ]
    return []
