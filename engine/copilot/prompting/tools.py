"""What the model may do with a prompt: propose a text, whose cases are asked, and ask the person."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from clients.errors import ServiceError
from engine.base.errors import OrchestraError
from engine.base.json_text import JsonObject
from engine.copilot.prompting.aliases import Aliases
from engine.copilot.prompting.records import PromptProposal, Testing, errors_of
from engine.copilot.talking.answer_form import AnswerForm, WithTools
from engine.copilot.talking.prompt import told_problems
from engine.copilot.talking.records import AnswerPart, UsedTool
from engine.copilot.talking.used import ASK, ASK_TOOL, TEXT, ToolOutcome, TurnSpending, asked, tool, unknown
from engine.people.access import Principal

if TYPE_CHECKING:
    from engine.copilot.prompting.proposals import PromptProposals

TOOLS = (
    tool(
        "propose",
        "Propose a text of the prompt: `changes` has the members that are replaced; `why` in one sentence.",
        changes={"type": "object"},
        why=TEXT,
    ),
    ASK_TOOL,
)


class PromptTools(Struct):
    """The tools of one turn about a prompt."""

    p: Principal
    prompt: str
    base_etag: str
    testing: Testing
    proposals: PromptProposals
    from_outside: bool
    values_sent: list[str] = field(default_factory=list)
    names: Aliases = field(default_factory=Aliases)
    """The names by which the model knows the cases."""
    repairs: int = 0
    form: AnswerForm = WithTools(TOOLS)

    def placed(self, part: AnswerPart) -> AnswerPart:
        """Return a part with the names of the cases that the model means."""
        return self.names.heard_part(part)

    def use(self, name: str, given: JsonObject, spent: TurnSpending) -> ToolOutcome:
        """Use a tool. What is wrong with the call is the answer; raises only what stops the whole turn."""
        if name == ASK:
            used = asked(given)
            return replace(used, part=used.part and self.placed(used.part))
        if name != "propose":
            return unknown(name, TOOLS)
        try:
            return self._propose(given, spent)
        except (OrchestraError, ServiceError) as error:
            said = f"{error.message} {error.remedy}".strip()
            return ToolOutcome(UsedTool(name, said, ok=False), {"error": said}, is_repair=True, complaint=said)

    def _propose(self, given: JsonObject, spent: TurnSpending) -> ToolOutcome:
        why = self.names.heard(str(given.get("why") or ""))
        made = self.proposals.make(
            self.p, self.prompt, self.base_etag, given.get("changes"), why, from_outside=self.from_outside
        )
        if not made.is_acceptable:
            return _refused(made)
        made = self.proposals.tested(self.p, self.prompt, made.id, self.testing, spent.seconds_left)
        told = {"proposal": made.id, "is_valid": True, "changes": made.sentences, "cases": _told(made, self.names)}
        return ToolOutcome(
            UsedTool("propose", _words(made), ok=True), told, AnswerPart("proposal", proposal_id=made.id)
        )


def _refused(made: PromptProposal) -> ToolOutcome:
    errors = told_problems(errors_of(made.problems), {})
    said = [one["message"] for one in errors]
    answer = {"problems": errors, "do": "Mend these, and propose the whole change again."}
    call = UsedTool("propose", f"Proposed a text with an error: {said[0]}", ok=False)
    return ToolOutcome(call, answer, is_repair=True, unfinished=made.id, complaint=json.dumps(sorted(said)))


def _told(made: PromptProposal, names: Aliases) -> dict[str, Any] | str:
    """Return how the cases go, without anything of what they or the answers say."""
    report = made.report
    if report is None:
        return "not asked"
    return {
        "all": len(report.cases),
        "passed before": report.passed_before,
        "passed now": report.passed_after,
        "worse": [names.told(one) for one in report.worse],
    }


def _words(made: PromptProposal) -> str:
    report = made.report
    if report is None:
        return f"Proposed a text. {made.not_tested}".strip()
    passed = f"{report.passed_after} of {len(report.cases)} cases pass with it"
    return f"Proposed a text; {passed}, {report.passed_before} before."
