// The routes of the co-pilot as its panel uses them.
import { failureOf, request, Unanswered, type Edited, type Operation } from "../api";
import { t } from "../language";
import { eventsOf } from "./events";
import type { Asking, Conversation, Event, Fix, Preview, Proposal, Restoration, Setup, Story, Turn } from "./shapes";

// Two runs in the demo.
const DEMO_MS = 300_000;

const of = (kind: "proposals" | "conversations" | "fixes", workflow: string, rest = "") => `/api/copilot/${kind}/${encodeURIComponent(workflow)}${rest}`;

export const routes = {
  setup: () => request<Setup>("GET", "/api/copilot/setup"),
  agree: (host: string, model: string) => request<Setup>("PUT", "/api/copilot/agreement", { host, model }),
  disagree: () => request<Setup>("DELETE", "/api/copilot/agreement"),
  conversation: (workflow: string) => request<Conversation>("GET", of("conversations", workflow)),
  forget: (workflow: string) => request<unknown>("DELETE", of("conversations", workflow)),
  preview: (workflow: string, asking: Asking) => request<Preview>("POST", of("conversations", workflow, "/preview"), asking),
  stop: (workflow: string, turn: string) => request<Turn>("POST", of("conversations", workflow, `/turns/${encodeURIComponent(turn)}/stop`)),
  proposals: async (workflow: string) => (await request<{ proposals: Proposal[] }>("GET", of("proposals", workflow))).proposals,
  proposal: (workflow: string, id: string) => request<Proposal>("GET", of("proposals", workflow, `/${encodeURIComponent(id)}`)),
  propose: (workflow: string, base_rev: string, ops: Operation[], why: string, from_outside: boolean) =>
    request<Proposal>("POST", of("proposals", workflow), { base_rev, ops, why, from_outside }),
  accept: (workflow: string, id: string, steps: string[] | null, ticks: string[]) =>
    request<{ edited: Edited; proposal: Proposal }>("POST", of("proposals", workflow, `/${encodeURIComponent(id)}/accept`), { steps, ticks }),
  reject: (workflow: string, id: string) => request<Proposal>("POST", of("proposals", workflow, `/${encodeURIComponent(id)}/reject`)),
  demo: (workflow: string, id: string) => request<Proposal>("POST", of("proposals", workflow, `/${encodeURIComponent(id)}/demo`), undefined, {}, DEMO_MS),
  before: (workflow: string, id: string) => request<Restoration>("GET", of("proposals", workflow, `/${encodeURIComponent(id)}/before`)),
  restore: (workflow: string, id: string, base_rev: string) => request<Edited>("POST", of("proposals", workflow, `/${encodeURIComponent(id)}/restore`), { base_rev }),
  story: (run: string) => request<Story>("GET", `/api/copilot/runs/${encodeURIComponent(run)}/story`),
  fixes: async (workflow: string) => (await request<{ fixes: Fix[] }>("GET", of("fixes", workflow))).fixes,
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
  yield* eventsOf(response.body);
}
