// The routes of the co-pilot as its panel uses them.
import { failureOf, request, textsOf, Unanswered, type Edited, type Operation } from "../api";
import { learn, t } from "../language";
import { eventsOf } from "./events";
import { linesOf } from "./Prose";
import type { Asking, Conversation, Event, Fix, Part, Preview, Proposal, Restoration, Setup, Story, Turn } from "./shapes";

// Two runs in the demo.
const DEMO_MS = 300_000;

const of = (kind: "proposals" | "conversations" | "fixes", workflow: string, rest = "") => `/api/copilot/${kind}/${encodeURIComponent(workflow)}${rest}`;

// Return an answer once the translations of what the engine says in it are known; the panel shows them by `said`.
async function understood<T>(asked: Promise<T>, textsOfAnswer: (answer: T) => (string | undefined)[]): Promise<T> {
  const answer = await asked;
  await learn(textsOfAnswer(answer));
  return answer;
}

const ofSetup = ({ why_not, sends }: Setup) => [why_not, ...sends];
// What a model has said stays as it is.
const ofTurn = ({ source, parts, calls, problem }: Turn) => [problem, ...calls.map((one) => one.words), ...(source === "rules" ? parts.flatMap(ofPart) : [])];
const ofPart = ({ text, buttons }: Part) => [...linesOf(text), ...buttons.map((one) => one.label)];
const ofProposal = ({ sentences, changes, news, writes_again, ticks, demo, problems }: Proposal) => [
  ...sentences,
  ...changes.flatMap((one) => one.sentences),
  ...Object.values(news).flat(),
  ...[...writes_again, ...ticks].map((one) => one.words),
  ...(demo?.problems ?? []),
  ...textsOf(problems),
];
const proposed = (asked: Promise<Proposal>): Promise<Proposal> => understood(asked, ofProposal);

function ofEvent(event: Event, source: Turn["source"]): (string | undefined)[] {
  if (event.type === "done") return ofTurn(event.turn);
  if (event.type === "call") return [event.call.words];
  return event.type === "part" && source === "rules" ? ofPart(event.part) : [];
}

export const routes = {
  setup: () => understood(request<Setup>("GET", "/api/copilot/setup"), ofSetup),
  agree: (host: string, model: string) => understood(request<Setup>("PUT", "/api/copilot/agreement", { host, model }), ofSetup),
  disagree: () => understood(request<Setup>("DELETE", "/api/copilot/agreement"), ofSetup),
  conversation: (workflow: string) => understood(request<Conversation>("GET", of("conversations", workflow)), ({ turns }) => turns.flatMap(ofTurn)),
  forget: (workflow: string) => request<unknown>("DELETE", of("conversations", workflow)),
  preview: (workflow: string, asking: Asking) => request<Preview>("POST", of("conversations", workflow, "/preview"), asking),
  stop: (workflow: string, turn: string) => understood(request<Turn>("POST", of("conversations", workflow, `/turns/${encodeURIComponent(turn)}/stop`)), ofTurn),
  proposals: async (workflow: string) => (await understood(request<{ proposals: Proposal[] }>("GET", of("proposals", workflow)), ({ proposals }) => proposals.flatMap(ofProposal))).proposals,
  proposal: (workflow: string, id: string) => proposed(request("GET", of("proposals", workflow, `/${encodeURIComponent(id)}`))),
  propose: (workflow: string, base_rev: string, ops: Operation[], why: string, from_outside: boolean) =>
    proposed(request("POST", of("proposals", workflow), { base_rev, ops, why, from_outside })),
  accept: (workflow: string, id: string, steps: string[] | null, ticks: string[]) =>
    request<{ edited: Edited; proposal: Proposal }>("POST", of("proposals", workflow, `/${encodeURIComponent(id)}/accept`), { steps, ticks }),
  reject: (workflow: string, id: string) => proposed(request("POST", of("proposals", workflow, `/${encodeURIComponent(id)}/reject`))),
  demo: (workflow: string, id: string) => proposed(request("POST", of("proposals", workflow, `/${encodeURIComponent(id)}/demo`), undefined, {}, DEMO_MS)),
  before: (workflow: string, id: string) => understood(request<Restoration>("GET", of("proposals", workflow, `/${encodeURIComponent(id)}/before`)), ({ sentences }) => sentences),
  restore: (workflow: string, id: string, base_rev: string) => request<Edited>("POST", of("proposals", workflow, `/${encodeURIComponent(id)}/restore`), { base_rev }),
  story: (run: string) => understood(request<Story>("GET", `/api/copilot/runs/${encodeURIComponent(run)}/story`), ({ stops }) => stops.map((one) => one.words)),
  fixes: async (workflow: string) => (await understood(request<{ fixes: Fix[] }>("GET", of("fixes", workflow)), ({ fixes }) => fixes.map((one) => one.label))).fixes,
};

// Ask, and yield what is answered as it arrives. Throws Refused and Unanswered, as `request` does.
export async function* answered(workflow: string, asking: Asking): AsyncGenerator<Event> {
  let response: Response;
  try {
    response = await fetch(of("conversations", workflow, "/turns"), {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
      body: JSON.stringify(asking),
      cache: "no-store",
    });
  } catch (error) {
    throw new Unanswered(t("the server cannot be reached"), { cause: error });
  }
  if (!response.ok || !response.body) throw await failureOf(response.status, await response.text());
  let source: Turn["source"] = "model";
  for await (const event of eventsOf(response.body)) {
    if (event.type === "turn") source = event.source;
    await learn(ofEvent(event, source));
    yield event;
  }
}
