"""What a person wants to try, and the question that follows from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import field
from msgspec.structs import replace

from clients.wording import listed
from engine.base.clock import Clock, timestamp
from engine.base.definitions import PromptDefinition
from engine.base.errors import InvalidInput, UnknownName
from engine.base.names import new_run_id
from engine.base.services import is_model, is_stand_in
from engine.base.statuses import AccountMode, RunStatus
from engine.connections.accounts import Account, Accounts
from engine.documents.json_file import parse
from engine.people.access import Principal
from engine.prompts.answer_checks import AnswerChecks
from engine.prompts.examples import ExampleChoice
from engine.prompts.model_answers import schema_problem
from engine.prompts.prompt import CaseExample, filled, marked
from engine.prompts.prompts import PromptStore
from engine.prompts.right_answers import RightAnswers
from engine.record.storable import unstorable
from engine.runs.prompt_tries.columns import TriedColumn
from engine.runs.prompt_tries.questions import AskedColumn, ModelAccount, TryQuestion, model_to_ask, prompt_used
from engine.runs.prompt_tries.recorded import RecordedCalls, RecordedValues
from engine.runs.prompt_tries.records import Try, TryColumn, TrySource

_LARGEST_CHARACTERS = 2_000_000


class TryRequest(TriedColumn, frozen=True):
    """What to try: a text and a model, and the values that they get."""

    variables: Mapping[str, Any] = field(default_factory=dict)
    """These take precedence over the values of a sample or step."""
    sample: str = ""
    """The sample of the prompt whose values to use."""
    run_id: str = ""
    """With `step`: a step of this run whose values to use."""
    step: str = ""
    column: TryColumn | None = None
    """The column of a comparison that it is."""

    def asked_in(self, column: TriedColumn) -> TryRequest:
        """Return what a column asks with these values; what the column leaves open is as it is here."""
        return replace(
            self,
            version=column.version,
            text=column.text,
            is_draft=column.is_draft,
            connection=column.connection or self.connection,
            model=column.model or self.model,
        )


class TryRequests:
    """Makes questions of requests; any thread."""

    def __init__(
        self,
        store: PromptStore,
        accounts: Accounts,
        recorded: RecordedCalls,
        mode: Callable[[str], AccountMode],
        require_ready: Callable[[Mapping[str, AccountMode]], None],
        clock: Clock,
        owner: str,
        cases: RightAnswers,
    ) -> None:
        """`owner`: the id of this process."""
        self.cases = cases
        self._store, self._accounts, self.recorded, self._mode = store, accounts, recorded, mode
        self._require_ready, self._clock, self._owner = require_ready, clock, owner

    def resolved(self, p: Principal, name: str, wanted: TryRequest) -> tuple[Try, TryQuestion]:
        """Return the try as it begins, and its question.

        Raises UnknownName, InvalidFile, InvalidInput, ExpressionError.
        """
        document, version = self.document(name, wanted)
        given, source = self._given(p, name, document, wanted)
        account = self.account(wanted.connection or given.connection or "")
        chosen = self._examples(name, document, given)
        record = self._begun(p, name, wanted, document, given, account, chosen.examples)
        record["version"], record["source"] = version, source
        fault = schema_problem(record["output_schema"]) if record["output_schema"] else ""
        if fault:
            raise InvalidInput(f"The output schema of the prompt cannot be used: {fault}")
        question = TryQuestion(
            record["id"],
            account,
            record["model"],
            record["parameters"],
            [{"role": one["role"], "content": one["content"]} for one in record["messages"]],
            record["output_schema"],
            AnswerChecks.of(document),
            notes=[chosen.note] if chosen.note else [],
            prompt=prompt_used(name, version),
        )
        return record, question

    def _examples(self, name: str, document: PromptDefinition, given: RecordedValues) -> ExampleChoice:
        return self.cases.examples(name).chosen(document, given.variables, given.output_schema)

    def column(self, name: str, wanted: TriedColumn, *, is_offline: bool) -> AskedColumn:
        """Return what a column asks; offline, no account is opened. Raises as `resolved`."""
        document, number = self.document(name, wanted)
        version = number if number is not None else self._store.number_of(name, dict(document))
        by = self.model(wanted.connection, is_offline=is_offline)
        examples = self.cases.examples(name)
        return AskedColumn(document, version, by, wanted.model, prompt_used(name, version), examples=examples)

    def document(self, name: str, wanted: TriedColumn) -> tuple[PromptDefinition, int | None]:
        """Return what to try, and the number of its version. Raises as `resolved`."""
        working = self._store.shelf.text(name)
        if wanted.text is None and not wanted.is_draft:
            document = self._version(name, str(wanted.version))
            return document, document["version"]
        value = parse(working if wanted.text is None else wanted.text, self._store.shelf.file(name)).value
        if not isinstance(value, dict):
            raise InvalidInput("The text of a prompt is a JSON object.", remedy="Write it as docs/files.md shows.")
        return self._store.draft(value), None

    def _version(self, name: str, version: str) -> PromptDefinition:
        try:
            return self._store.resolve(f"{name}@{version}")
        except UnknownName as error:
            if version == "draft":
                error.remedy = "For the draft, leave the version out and give `--draft`."
            raise

    def _given(
        self, p: Principal, name: str, document: PromptDefinition, wanted: TryRequest
    ) -> tuple[RecordedValues, TrySource]:
        """Return the values to use, and where they came from."""
        if bool(wanted.run_id) != bool(wanted.step):
            raise InvalidInput("A step of a run is named by both the run and the step.", remedy="Give both.")
        if wanted.run_id and wanted.sample:
            raise InvalidInput("Values come from a sample or from a run, not from both.", remedy="Leave one out.")
        for one, value in wanted.variables.items():
            for said in (*unstorable(one), *unstorable(value)):
                raise InvalidInput(f"The variable {one!r} {said}", remedy="Give it another value.")
        declared = document.get("variables", {})
        if wanted.run_id:
            found = self.recorded.values(p, name, wanted.run_id, wanted.step)
            kept = {one: value for one, value in found.variables.items() if one in declared}
            values = {**kept, **wanted.variables}
            given = RecordedValues(found.title, values, found.output_schema, found.connection, found.model)
            return given, {"run_id": wanted.run_id, "step": wanted.step}
        sample = _sample(document, wanted.sample) if wanted.sample else {}
        source: TrySource = {"sample": wanted.sample} if wanted.sample else {}
        return RecordedValues("", {**sample, **wanted.variables}, None, None, ""), source

    def account(self, connection: str) -> Account:
        """Return the account of a connection of a model; without a name, of the only one. Raises as `resolved`."""
        name, mode = self._target(connection)
        self._require_ready({name: mode})
        return self._accounts.open(name, None, mode)

    def model(self, connection: str, *, is_offline: bool) -> ModelAccount:
        """Return a connection of a model with its account; offline, that is not opened. Raises as `resolved`."""
        name, mode = self._target(connection)
        is_demo = is_stand_in(self._services()[name], mode)
        return ModelAccount(name, is_demo, None if is_offline else self.account(name))

    def _target(self, connection: str) -> tuple[str, AccountMode]:
        """Return which connection would be asked, and whose account it is; nothing is opened. Raises as `resolved`."""
        offered = self.connections()
        if connection and connection not in offered:
            raise UnknownName("connection of a model", connection, offered)
        if not offered:
            remedy = "Add one on the page Connections, or with `orchestra connections add`."
            raise InvalidInput("There is no connection to a model.", remedy=remedy)
        if not connection and len(offered) > 1:
            remedy = f"Choose one: {', '.join(offered)}."
            raise InvalidInput("There are several connections to models, and none is chosen.", remedy=remedy)
        name = connection or offered[0]
        return name, self._mode(self._services()[name])

    def connections(self) -> list[str]:
        """Return the connections of models."""
        return [name for name, service in self._services().items() if is_model(service)]

    def _services(self) -> dict[str, str]:
        return {name: one.service for name, one in self._accounts.config().config.connections.items()}

    def _begun(
        self,
        p: Principal,
        name: str,
        wanted: TryRequest,
        document: PromptDefinition,
        given: RecordedValues,
        account: Account,
        examples: Sequence[CaseExample],
    ) -> Try:
        variables = _filled(document, given.variables)
        messages = marked(document, variables, examples)
        _require_short(messages)
        now = self._clock()
        return {
            "id": new_run_id(now),
            "prompt": name,
            "version": None,
            "status": RunStatus.RUNNING,
            "started_by": p.id,
            "started_at": timestamp(now),
            "ended_at": None,
            "seconds": None,
            "connection": account.connection,
            "account": "",
            "demo": is_stand_in(account.service, account.mode),
            "model": model_to_ask(document, wanted.model or given.model, account),
            "parameters": document.get("parameters") or {},
            "variables": variables,
            "source": {},
            "messages": messages,
            "tokens": sum(one["tokens"] for one in messages),
            "output_schema": given.output_schema or document.get("output_schema"),
            "answer": None,
            "error": None,
            "usage": {"input_tokens": 0, "output_tokens": 0, "cost_usd": None},
            "notes": [],
            "owner": self._owner,
            "column": wanted.column,
        }


def _require_short(messages: Sequence[Mapping[str, Any]]) -> None:
    length = sum(len(one["content"]) for one in messages)
    if length > _LARGEST_CHARACTERS:
        raise InvalidInput(f"The messages have {length:,} characters; a try has at most {_LARGEST_CHARACTERS:,}.")


def _filled(document: PromptDefinition, values: Mapping[str, Any]) -> dict[str, object]:
    """Return a value for each variable. Raises InvalidInput; for a missing one, the remedy names the samples."""
    declared, samples = document.get("variables", {}), samples_of(document)
    missing = [name for name, schema in declared.items() if name not in values and "default" not in schema]
    if missing and samples and values.keys() <= declared.keys():
        raise InvalidInput(
            f"The prompt's variable {missing[0]!r} has no value.",
            remedy=f"Give it one in `variables`, or name a `sample`: {listed([repr(one) for one in samples])}.",
        )
    return filled(declared, values)


def samples_of(document: PromptDefinition) -> dict[str, Mapping[str, Any]]:
    """Return the values of each sample, by its name."""
    return {one["name"]: one.get("variables") or {} for one in document.get("samples", [])}


def _sample(document: PromptDefinition, wanted: str) -> Mapping[str, Any]:
    """Return the values of a sample. Raises UnknownName."""
    samples = samples_of(document)
    if wanted not in samples:
        raise UnknownName("sample", wanted, list(samples))
    return samples[wanted]
