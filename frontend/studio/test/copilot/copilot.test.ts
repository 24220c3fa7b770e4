// The panel's state while the network fails, and when the draft changes.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Copilot, type Host } from "../../src/copilot/copilot";
import { part, type Conversation, type Proposal, type Turn } from "../../src/copilot/shapes";

const TURN: Turn = { id: "t1", at: "2026", asked: "why?", status: "working", source: "model", parts: [], calls: [], problem: "", usage: null, repairs: 0, seconds: 0, sent: null };
const DONE: Turn = { ...TURN, status: "done", parts: [part({ text: "So." })] };
const sse = (type: string, data: unknown): string => `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;

const SETUP = { is_agreed: true, why_not: "", sends: [] };
const PROPOSAL = { id: "p1", sentences: [], changes: [], news: {}, writes_again: [], ticks: [], demo: null, problems: [] };

let conversation: Conversation;
let proposals: { id: string; status: string }[] = [];
let asked: string[] = [];
let sent: string[] = [];
let stream: () => Promise<Response>;

function answer(path: string, { method = "GET", body }: RequestInit = {}): Promise<Response> {
  asked.push(`${method} ${path}`);
  if (typeof body === "string") sent.push(body);
  if (path.endsWith("/turns")) return stream();
  if (path.endsWith("/reject")) proposals = proposals.map((one) => (path.includes(`/${one.id}/`) ? { ...one, status: "rejected" } : one));
  if (path.endsWith("/reject")) return Promise.resolve(new Response(JSON.stringify(proposals[0])));
  const found = path.includes("/conversations/") ? conversation : path.includes("/proposals/") ? { proposals } : path.includes("/fixes/") ? { fixes: [] } : SETUP;
  return Promise.resolve(new Response(JSON.stringify(found)));
}

// Return an answer whose connection is lost after these events.
function lost(...events: string[]): Response {
  const pieces = events.map((one) => new TextEncoder().encode(one));
  const body = new ReadableStream<Uint8Array>({
    pull(to) {
      const piece = pieces.shift();
      if (piece) to.enqueue(piece);
      else to.error(new TypeError("network error"));
    },
  });
  return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
}

function host(kept = new Map<string, string>()): Host {
  const nothing = () => undefined;
  const storage = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value), removeItem: nothing };
  return {
    workflow: "w", storage, key: "k", isDrawing: false, subjects: () => [], runId: () => "", steps: () => [], flush: () => Promise.resolve(true),
    rev: () => Promise.resolve("r"), accepted: nothing, undo: nothing, shownRev: () => "r", isUnsaved: () => true, select: nothing, show: nothing, changed: nothing,
  };
}

async function opened(): Promise<Copilot> {
  const copilot = new Copilot(host());
  copilot.open();
  await copilot.load();
  return copilot;
}

beforeEach(() => {
  [conversation, asked, proposals] = [{ workflow: "w", turns: [], from_outside: false }, [], []];
  vi.stubGlobal("fetch", answer);
});
afterEach(() => vi.unstubAllGlobals());

describe("a question", () => {
  test("goes with the steps that are selected", async () => {
    sent = [];
    const subjects = () => [{ id: "issue", path: "each.issue", title: "Open an issue" }];
    const copilot = new Copilot({ ...host(), subjects });
    stream = () => Promise.resolve(lost(sse("turn", { id: "t1", source: "rules" }), sse("done", { ...DONE, source: "rules" })));
    await copilot.ask("retry this 5 times");
    expect(sent.map((one) => JSON.parse(one) as unknown)).toEqual([{ text: "retry this 5 times", selection: ["issue"], run_id: "", values: [] }]);
    copilot.end();
  });

  test("whose stream is cut is followed: the server goes on with it", async () => {
    const copilot = await opened();
    stream = () => {
      conversation = { ...conversation, turns: [TURN] };
      return Promise.resolve(lost(sse("turn", { id: "t1", source: "model" }), sse("text", { text: "S" })));
    };
    await copilot.ask("why?");
    expect([copilot.isWorking, copilot.failure, copilot.text]).toEqual([true, "", ""]);
    conversation = { ...conversation, turns: [DONE] };
    await vi.waitFor(() => expect(copilot.isWorking).toBe(false), { timeout: 3_000 });
    expect(copilot.conversation.turns).toEqual([DONE]);
    copilot.end();
  });

  test("that is answered while the panel loads stays when the older conversation arrives", async () => {
    let arrive = () => undefined as void;
    const late = new Promise<void>((done) => (arrive = done));
    vi.stubGlobal("fetch", async (path: string, init?: RequestInit) => {
      const found = await answer(path, init);
      if (path.endsWith("/conversations/w")) await late;
      return found;
    });
    const copilot = new Copilot(host());
    const loading = copilot.load();
    stream = () => Promise.resolve(lost(sse("turn", { id: "t1", source: "rules" }), sse("done", DONE)));
    await copilot.ask("why?");
    arrive();
    await loading;
    expect(copilot.conversation.turns).toEqual([DONE]);
    copilot.end();
  });

  test("that was taken before the connection broke is found again", async () => {
    const copilot = await opened();
    stream = () => {
      conversation = { ...conversation, turns: [TURN] };
      return Promise.reject(new TypeError("network error"));
    };
    await copilot.ask("why?");
    expect([copilot.conversation.turns, copilot.failure, copilot.text]).toEqual([[TURN], "", ""]);
    copilot.end();
  });

  test("that was not taken is typed again, with the reason", async () => {
    const copilot = await opened();
    stream = () => Promise.reject(new TypeError("network error"));
    await copilot.ask("why?");
    expect([copilot.conversation.turns, copilot.isWorking, copilot.text]).toEqual([[], false, "why?"]);
    expect(copilot.failure).not.toBe("");
    copilot.end();
  });

  test.each([["PUT", "agree"], ["DELETE", "disagree"]] as const)("waits for a %s of the agreement before it, and is typed again if that fails", async (method, decide) => {
    for (const status of [200, 500]) {
      let arrive = () => undefined as void;
      const late = new Promise<void>((done) => (arrive = done));
      vi.stubGlobal("fetch", async (path: string, init?: RequestInit) => {
        if (init?.method !== method) return answer(path, init);
        await late;
        asked.push(`${method} ${path}`);
        return new Response(JSON.stringify({ ...SETUP, is_agreed: method === "PUT" }), { status });
      });
      const copilot = await opened();
      stream = () => Promise.resolve(new Response(sse("turn", { id: "t1", source: "rules" }) + sse("done", DONE)));
      asked = [];
      const decided = copilot[decide]();
      const heard = copilot.ask("why?");
      arrive();
      await Promise.all([decided, heard]);
      const turns = asked.filter((one) => !one.startsWith("GET"));
      expect(turns).toEqual([`${method} /api/copilot/agreement`, ...(status === 200 ? ["POST /api/copilot/conversations/w/turns"] : [])]);
      expect([copilot.text, copilot.failure === ""]).toEqual(status === 200 ? ["", true] : ["why?", false]);
      copilot.end();
    }
  });
});

test("what mends the problems is looked for again once a changed draft rests", async () => {
  const copilot = await opened();
  const looks = () => asked.filter((one) => one.includes("/fixes/")).length;
  expect(looks()).toBe(1);
  for (let changes = 0; changes < 3; changes += 1) copilot.drafted();
  expect(looks()).toBe(1);
  await vi.waitFor(() => expect(looks()).toBe(2), { timeout: 3_000 });
  await new Promise((done) => setTimeout(done, 900));
  expect(looks()).toBe(2);
  copilot.end();
});

test("an accepted proposal is called part of the draft only until something else is shown, or it is saved", async () => {
  const accepted = { id: "p1", status: "accepted" } as unknown as Proposal;
  vi.stubGlobal("fetch", (path: string, init?: RequestInit) =>
    path.endsWith("/accept") ? Promise.resolve(new Response(JSON.stringify({ edited: { rev: "r" }, proposal: accepted }))) : answer(path, init));
  const shown = { rev: "r", isUnsaved: true };
  const copilot = new Copilot({ ...host(), shownRev: () => shown.rev, isUnsaved: () => shown.isUnsaved });
  await copilot.acceptOf({ ...accepted, workflow: "w" }, []);
  expect(copilot.canUndo(accepted)).toBe(true);
  shown.rev = "before";
  expect(copilot.canUndo(accepted)).toBe(false);
  [shown.rev, shown.isUnsaved] = ["r", false];
  expect(copilot.canUndo(accepted)).toBe(false);
  copilot.end();
});

test("beginning anew leaves no proposal of before to accept", async () => {
  proposals = [{ ...PROPOSAL, status: "open" }];
  conversation = { ...conversation, turns: [DONE] };
  const copilot = await opened();
  expect(copilot.current?.id).toBe("p1");
  await copilot.beginAnew();
  expect([copilot.conversation.turns, copilot.others, copilot.current, proposals[0]!.status]).toEqual([[], [], null, "rejected"]);
  copilot.end();
});
