"""One case with one column: the answer, asked or recorded, and what is wrong with it."""

from __future__ import annotations

import time
from collections.abc import Callable

from clients.errors import BadAnswer, ServiceError
from engine.base.clock import Clock
from engine.base.errors import OrchestraError
from engine.base.names import new_run_id
from engine.connections.accounts import Account
from engine.prompts.answer_checks import AnswerChecks, chosen_fields
from engine.prompts.assertions import AnswerFacts, Judge, Opinion
from engine.prompts.cases import Case, CaseModel
from engine.prompts.judge import JUDGE_SCHEMA, judge_messages
from engine.prompts.prompt import messages
from engine.runs.prompt_tries.answers import RecordedAnswer, SharedAnswers, answer_of, key_of
from engine.runs.prompt_tries.asking import Asker
from engine.runs.prompt_tries.matrix import CellAnswer, SecondAnswer, UnmetExpectation
from engine.runs.prompt_tries.questions import (
    AskedColumn,
    ModelAccount,
    TryQuestion,
    is_asked_again,
    judged,
    model_to_ask,
    sureness_in,
    with_sureness,
)
from engine.runs.prompt_tries.records import TryAnswer
from engine.store.journal import JournalBroken


class Cells:
    """Asks the questions of cases; any thread."""

    def __init__(self, asker: Asker, clock: Clock) -> None:
        self._asker, self._clock = asker, clock

    def answer(self, asked: AskedColumn, case: Case, repetition: int, answers: SharedAnswers) -> CellAnswer:
        """Return the answer to a case; what goes wrong is among its failures.

        `repetition`: from 0; each has an answer of its own. Raises CancelledError once this is closed.
        """
        document = asked.document
        schema, checks = document.get("output_schema"), AnswerChecks.of(document)
        try:
            model = case.model()
            recorded, is_reused = self._recorded(asked, model, repetition, answers)
            found = judged(answer_of(recorded), schema, checks, recorded["usage"]["output_tokens"])
            again = self._sureness(asked, model, found, checks, answers)
        except JournalBroken as broken:
            return _missing([{"assertion": "answer", "message": str(broken.error)}])
        except (OrchestraError, ServiceError) as error:
            words = f"{error.message} {error.remedy}".strip()
            return _missing([{"assertion": "file" if case.problems else "answer", "message": words}])
        found = with_sureness(found, schema, checks, {} if again is None else again["sure"])
        opinions: list[Opinion] = []

        def opinion(judge: Judge, text: str) -> Opinion:
            opinions.append(self._opinion(asked, judge, text, answers))
            return opinions[-1]

        answer: CellAnswer = {
            "text": recorded["text"],
            "value": found["value"],
            "failures": _failures(model, found, recorded, opinion),
            "model": recorded["model"],
            "seconds": recorded["seconds"],
            "usage": recorded["usage"],
            "reused": is_reused,
            "opinions": opinions,
        }
        if again is not None:
            answer["second"] = again
        if "unsure" in found:
            answer["unsure"] = found["unsure"]
        return answer

    def _recorded(
        self, asked: AskedColumn, case: CaseModel, repetition: int, answers: SharedAnswers
    ) -> tuple[RecordedAnswer, bool]:
        """Return the answer, and whether it was recorded before."""
        document, by = asked.document, asked.by
        chosen = asked.examples.chosen(document, case.variables)
        sent = messages(document, case.variables, chosen.examples)
        parameters, schema = document.get("parameters") or {}, document.get("output_schema")
        key = key_of(
            connection=by.connection,
            demo=by.demo,
            model=asked.model or document.get("model") or "",
            parameters=parameters,
            messages=sent,
            schema=schema,
            **({"repetition": repetition} if repetition else {}),
        )

        def question(question_id: str, account: Account) -> TryQuestion:
            model = asked.model_asked
            return TryQuestion(question_id, account, model, parameters, sent, schema, prompt=asked.prompt)

        return self._answer(by, key, question, answers, "answer to this case")

    def _sureness(
        self, asked: AskedColumn, case: CaseModel, found: TryAnswer, checks: AnswerChecks, answers: SharedAnswers
    ) -> SecondAnswer | None:
        """Return how sure the model is of its answer, asked or recorded; None if that is not asked.

        The threshold is not part of the question: another one needs no new answer.
        """
        document, by, schema = asked.document, asked.by, asked.document.get("output_schema")
        if not is_asked_again(found, schema, checks):
            return None
        chosen, value = asked.examples.chosen(document, case.variables), found["value"]
        sent = messages(document, case.variables, chosen.examples)
        parameters, said = document.get("parameters") or {}, {one: value.get(one) for one in chosen_fields(schema)}
        key = key_of(
            sure_of=said,
            connection=by.connection,
            demo=by.demo,
            model=asked.model or document.get("model") or "",
            parameters=parameters,
            messages=sent,
            schema=schema,
        )

        def question(question_id: str, account: Account) -> TryQuestion:
            return TryQuestion(
                question_id,
                account,
                asked.model_asked,
                parameters,
                sent,
                schema,
                checks,
                answered=value,
                prompt=asked.prompt,
            )

        recorded, is_reused = self._answer(by, key, question, answers, "answer on how sure the model is")
        return {"sure": sureness_in(recorded["text"]), "usage": recorded["usage"], "reused": is_reused}

    def _opinion(self, asked: AskedColumn, judge: Judge, text: str, answers: SharedAnswers) -> Opinion:
        """Return what a model says of a text, asked or recorded. Raises OrchestraError, ServiceError, JournalBroken."""
        by, sent = asked.judge(judge.connection), judge_messages(judge.criterion, text)
        key = key_of(judge=by.connection, demo=by.demo, model=judge.model, messages=sent, schema=JUDGE_SCHEMA)

        def question(question_id: str, account: Account) -> TryQuestion:
            model = model_to_ask({}, judge.model, account)
            return TryQuestion(question_id, account, model, {}, sent, JUDGE_SCHEMA, prompt=asked.prompt)

        recorded, is_reused = self._answer(by, key, question, answers, "opinion on this answer")
        found = judged(answer_of(recorded), JUDGE_SCHEMA)
        if found["problems"]:
            said = " ".join(found["problems"])
            words = f"The opinion of {recorded['model']} cannot be used: {said}"
            raise BadAnswer(words, remedy="Test again with --fresh.")
        used = recorded["usage"]
        return {
            "criterion": judge.criterion,
            "score": found["value"]["score"],
            "threshold": judge.threshold,
            "reason": found["value"]["reason"],
            "model": recorded["model"],
            "usage": {
                "input_tokens": used["input_tokens"],
                "output_tokens": used["output_tokens"],
                "cost_usd": used["cost_usd"],
            },
            "reused": is_reused,
        }

    def _answer(
        self,
        by: ModelAccount,
        key: str,
        question: Callable[[str, Account], TryQuestion],
        answers: SharedAnswers,
        what: str,
    ) -> tuple[RecordedAnswer, bool]:
        """Return the answer to the question that is made of an id and an account, and whether it was not asked now."""
        if by.account is None:
            return answers.get(key, by.model, lambda: _refused(answers.damaged(key), what))
        asked = question(new_run_id(self._clock()), by.account)
        return answers.get(key, asked.model, lambda: self._asked(asked))

    def _asked(self, question: TryQuestion) -> RecordedAnswer:
        began = time.monotonic()
        answer = self._asker.ask(question)
        return {
            "asked": question.model,
            "model": answer["model"],
            "text": answer["text"],
            "finish_reason": answer["finish_reason"],
            "usage": question.used,
            "seconds": round(time.monotonic() - began, 3),
        }


class NotRecorded(OrchestraError):
    """There is no recorded answer, and nothing may be asked."""


def _refused(damaged: str, what: str) -> RecordedAnswer:
    if damaged:
        raise NotRecorded(
            f"{damaged} does not have the form of a recorded answer.",
            remedy="Delete it, and test without --offline once.",
        )
    raise NotRecorded(f"No {what} is recorded.", remedy="Test it without --offline once, and keep the files.")


def _missing(failures: list[UnmetExpectation]) -> CellAnswer:
    return {
        "text": None,
        "value": None,
        "failures": failures,
        "model": "",
        "seconds": 0.0,
        "usage": None,
        "reused": False,
    }


def _failures(
    case: CaseModel, found: TryAnswer, recorded: RecordedAnswer, opinion: Callable[[Judge, str], Opinion]
) -> list[UnmetExpectation]:
    """Return what an answer does not meet; models judge it last, and only one that meets all else."""
    facts = AnswerFacts(
        text=recorded["text"],
        value=found["value"],
        output_tokens=recorded["usage"]["output_tokens"],
        cost_usd=recorded["usage"]["cost_usd"],
        seconds=recorded["seconds"],
        opinion=opinion,
    )
    failures: list[UnmetExpectation] = [{"assertion": "answer", "message": problem} for problem in found["problems"]]
    plain = [one for one in case.assertions if not isinstance(one, Judge)]
    said = [(one.type, one.fault(facts)) for one in plain]
    failures += [{"assertion": assertion, "message": message} for assertion, message in said if message]
    if failures:
        return failures
    judges = [(one.type, _of_judge(one, facts)) for one in case.assertions if isinstance(one, Judge)]
    return [{"assertion": assertion, "message": message} for assertion, message in judges if message]


def _of_judge(judge: Judge, facts: AnswerFacts) -> str:
    """Return why a judge is not content, or why there is no opinion; empty if it is content."""
    try:
        return judge.fault(facts)
    except JournalBroken as broken:
        return str(broken.error)
    except (OrchestraError, ServiceError) as error:
        return f"{error.message} {error.remedy}".strip()
