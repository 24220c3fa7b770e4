"""The files of agents, their versions and labels, and what a step means by `name`, `name@label` or `name@7`."""

from __future__ import annotations

from pydantic import ValidationError

from engine.agents.agent_file import AgentModel
from engine.agents.tool_check import tool_faults
from engine.base.errors import InvalidFile, InvalidInput, UnknownName
from engine.compiler.definition.problems import problem
from engine.documents.json_file import JsonFile, parse
from engine.documents.shapes import faults
from engine.files.atomic import etag
from engine.prompts.prompt import DEFAULT_LABEL
from engine.workspace.references import NamingFiles
from engine.workspace.version_labels import VersionLabels
from engine.workspace.versioned_files import VersionedFiles
from engine.workspace.workspace import Workspace

CHECK_AGAIN = "Correct the places named; `orchestra agents check` checks them again."


class AgentStore:
    """Reads agents by the references of steps."""

    def __init__(self, workspace: Workspace) -> None:
        self.shelf, self.naming = workspace.agents, NamingFiles(workspace.users, "agent")
        labels = VersionLabels(self.shelf, self.naming)
        self.versions = VersionedFiles(self.shelf, parse, self.naming, labels, clock=workspace.clock)

    def resolve(self, reference: str) -> JsonFile:
        """Return the file that a step means.

        `name` is the version with the label `production`; while no version has it, the file as it is. Raises
        UnknownName, InvalidFile (also for a version that was changed after it was labelled), InvalidInput.
        """
        name, at, suffix = reference.partition("@")
        if at and not suffix:
            remedy = f"Write {name}, or a version behind it: {name}@3, {name}@production."
            raise InvalidInput(f"{reference!r} has an '@' with no version behind it.", remedy=remedy)
        self.shelf.text(name)  # that of a version is used only while the file is there
        number = self._number(name, suffix)
        return self.shelf.read(name) if number is None else self._version(name, number)

    def _version(self, name: str, number: int) -> JsonFile:
        found = self.versions.version(name, number)
        hashes = {one.hash for one in self.versions.labels.all(name).values() if one.version == number and one.hash}
        if hashes - {etag(found.text)}:
            remedy = f"Restore it, such as with git, or label it again: `orchestra agents label {name} LABEL {number}`."
            raise InvalidFile(f"{found.file} was changed after it was labelled.", remedy=remedy)
        return found

    def _number(self, name: str, suffix: str) -> int | None:
        if suffix.isascii() and suffix.isdigit():
            return int(suffix)
        labels = self.versions.label_numbers(name)
        if suffix and suffix not in labels:
            remedy = "" if labels else f"`orchestra agents label {name} {suffix}` labels the file as it is."
            raise UnknownName(f"label of the agent {name}", suffix, list(labels), remedy=remedy)
        return labels.get(suffix or DEFAULT_LABEL)


def read_agent(file: JsonFile) -> AgentModel:
    """Return the agent in a parsed file. Raises InvalidFile with every problem."""
    try:
        agent = AgentModel.model_validate(file.value)
    except ValidationError as error:
        found = [
            problem(file, one.path, one.message, code=one.code, remedy=one.remedy)
            for one in faults(error, AgentModel, file.value)
        ]
        raise InvalidFile.of(file.file, found, remedy=CHECK_AGAIN) from error
    wrong = [problem(file, one.path, one.message, code=one.code, remedy=one.remedy) for one in tool_faults(agent)]
    if wrong:
        raise InvalidFile.of(file.file, wrong, remedy=CHECK_AGAIN)
    return agent
