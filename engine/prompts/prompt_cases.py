"""The `cases` area: what a person or program may do with the cases of prompts."""

from __future__ import annotations

import builtins
from itertools import count

from engine.base.json_text import JsonObject
from engine.base.names import usable_name
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.prompts.cases import Case, CaseStore

NO_CASES = "The prompt has no cases: save one on its Try tab."


class PromptCases:
    """The cases of prompts; every change writes an audit line."""

    def __init__(self, store: CaseStore, audit: Audit) -> None:
        self._store, self._audit = store, audit

    @operation("prompts.cases", "view", "see prompts", "List the cases of a prompt")
    def list(self, p: Principal, prompt: str) -> builtins.list[Case]:
        """Return the cases of a prompt by name. Raises UnknownName, InvalidInput."""
        return self._store.list(prompt)

    @operation("prompts.case", "view", "see prompts", "Read a case of a prompt")
    def get(self, p: Principal, prompt: str, case: str) -> Case:
        """Return a case. Raises UnknownName, InvalidInput."""
        return self._store.get(prompt, case)

    @operation("prompts.add_case", "edit", "change prompts", "Add a case to a prompt")
    def add(self, p: Principal, prompt: str, document: JsonObject, case: str = "") -> Case:
        """Create a case; the name of its file is made from its name, unless it is given.

        Raises InvalidFile, InUse, UnknownName, InvalidInput, StorageError.
        """
        name = case or usable_name(str(document.get("name") or "")) or self._unnamed(prompt)
        saved = self._store.save(prompt, name, document, None)
        self._audit.record(p, "prompts.add_case", prompt, {"case": name})
        return saved

    def _unnamed(self, prompt: str) -> str:
        """Return a free name for a case whose own has no letters that a file name may have."""
        known = {one.case for one in self._store.list(prompt)}
        return next(name for number in count(1) if (name := f"case-{number}") not in known)

    @operation("prompts.save_case", "edit", "change prompts", "Save a case of a prompt")
    def save(self, p: Principal, prompt: str, case: str, document: JsonObject, etag: str) -> Case:
        """Replace a case. Raises InvalidFile, StaleEdit, UnknownName, InvalidInput, StorageError."""
        saved = self._store.save(prompt, case, document, etag)
        self._audit.record(p, "prompts.save_case", prompt, {"case": case})
        return saved

    @operation("prompts.delete_case", "edit", "change prompts", "Delete a case of a prompt")
    def delete(self, p: Principal, prompt: str, case: str) -> None:
        """Delete a case. Raises UnknownName, InvalidInput, StorageError."""
        self._store.delete(prompt, case)
        self._audit.record(p, "prompts.delete_case", prompt, {"case": case})
