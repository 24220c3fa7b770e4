// Answers by rules alone, as the events of a turn: for a server that has no conversations.
import { request } from "../api";
import { part, type Answer, type Asking, type Event, type Part, type Turn } from "./shapes";

export async function* answeredByRules(workflow: string, asking: Asking): AsyncGenerator<Event> {
  const id = `rules-${Date.now()}`;
  yield { type: "turn", id, source: "rules" };
  const answer = await request<Answer>("POST", "/api/copilot/answers", { text: asking.text, workflow, run_id: asking.run_id });
  const turn: Turn = { id, at: new Date().toISOString(), asked: asking.text, status: "done", source: "rules", parts: partsOf(answer), calls: [], problem: "", usage: null, repairs: 0, seconds: 0, sent: null };
  yield { type: "done", turn };
}

function partsOf({ text, proposal, proposals, passages, samples, examples }: Answer): Part[] {
  const found = [part({ text })];
  if (proposal) found.push(part({ kind: "proposal", proposal_id: proposal.id }));
  if (proposals?.length) found.push(part({ kind: "workflows", workflows: proposals.map((one) => ({ workflow: one.workflow, proposal_id: one.id })) }));
  if (samples.length > 0) found.push(part({ kind: "buttons", buttons: samples.map((one) => ({ label: one.title, kind: "link", ops: [], href: "/gallery", text: "" })) }));
  if (passages.length > 0) found.push(part({ kind: "passages", passages }));
  if (examples.length > 0) found.push(part({ kind: "buttons", buttons: examples.map((one) => ({ label: one, kind: "ask", ops: [], href: "", text: one })) }));
  return found;
}
