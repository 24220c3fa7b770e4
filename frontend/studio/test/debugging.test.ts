// Debug runs on the canvas: breakpoints of this browser, pauses as words and marks, inputs, and requests one after another.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import type { DebugView, PausedStep } from "../src/api";
import { askedInputs, Debugger, pauseWords, typedInputs, withPauses, type DebugOwner } from "../src/flow/debugging";
import { commandOf } from "../src/keys";

const pause = (path: string, more: Partial<PausedStep> = {}): PausedStep => ({
  path, step: path.replaceAll(/\[\d+\]/g, ""), title: "Open an issue", uses: "github.create_issue", why: "breakpoint", since: "", arguments: { title: "ant" }, loop: "each", item: "Ant", ...more,
});
const view = (paused: PausedStep[], more: Partial<DebugView> = {}): DebugView => ({
  run_id: "run", status: "waiting", sentence: "Done.", breakpoints: ["each.issue"], is_stepping: false, is_moving: false, paused, last: null, ...more,
});

describe("a pause", () => {
  test("names the step, its item and how many others pause", () => {
    const [one, other] = [pause("each[0].issue"), pause("each[1].issue", { item: "" })];
    expect(pauseWords(view([one]), one)).toBe("Paused before Open an issue, Ant");
    expect(pauseWords(view([one, other]), other)).toBe("Paused before Open an issue, and 1 other step");
    expect(pauseWords(view([], { is_moving: true }), null)).toBe("Running to the next pause …");
    expect(pauseWords(view([]), null)).toBe("Done.");
  });

  test("is marked by word and icon on its step, whatever the run says of that", () => {
    const marks = withPauses({}, view([pause("each[0].issue"), pause("each[1].issue"), pause("note", { item: "" })]));
    expect(marks["each.issue"]).toMatchObject({ status: "paused", icon: "pause", words: "Paused here, 2 times" });
    expect(marks["note"]!.words).toBe("Paused here");
    expect(Object.keys(marks)).toEqual(["each.issue", "note"]);
  });
});

describe("inputs", () => {
  test("are asked with their defaults and sent as their types", () => {
    const asked = askedInputs({ inputs: { properties: { query: { title: "Which", default: "in:inbox" }, limit: { type: "integer", default: 25 }, ids: { type: "array" } } } });
    expect(asked.map(({ title, text }) => [title, text])).toEqual([["Which", "in:inbox"], ["limit", "25"], ["ids", ""]]);
    expect(typedInputs(asked)).toEqual({ query: "in:inbox", limit: 25 });
    expect(typedInputs([{ name: "limit", title: "limit", isText: false, text: "many" }])).toEqual({ limit: "many" });
    expect(askedInputs({})).toEqual([]);
  });
});

test("keys of the debugger are plain letters, so that none of the browser is taken", () => {
  const keys = { b: "breakpoint", d: "debug", s: "debug-step", r: "debug-continue", x: "debug-stop" };
  for (const [key, command] of Object.entries(keys)) expect(commandOf({ key })).toBe(command);
  expect([commandOf({ key: "s", ctrlKey: true }), commandOf({ key: "r", ctrlKey: true }), commandOf({ key: "d", ctrlKey: true })]).toEqual(["save", null, "duplicate"]);
});

describe("a debugger", () => {
  const kept = new Map<string, string>();
  const sent: [string, string, unknown][] = [];
  const seen: string[] = [];
  let answer: DebugView;
  const owner = (): DebugOwner => ({
    workflow: "work",
    key: "breakpoints",
    storage: { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) },
    ids: () => ["issue", "note"],
    flush: () => Promise.resolve(true),
    show: (runId) => seen.push(`show ${runId}`),
    paused: ({ path }) => seen.push(`paused ${path}`),
    say: (text) => seen.push(text),
    changed: () => undefined,
  });

  beforeEach(() => {
    [kept.clear(), sent.splice(0), seen.splice(0)];
    answer = view([pause("each[0].issue"), pause("each[1].issue")]);
    vi.stubGlobal("fetch", (path: string, { method, body }: { method: string; body?: string }) => {
      sent.push([method, path, body && JSON.parse(body)]);
      return Promise.resolve(new Response(JSON.stringify(path.endsWith("/work/debug") ? { run_id: "run" } : answer)));
    });
  });
  afterEach(() => vi.unstubAllGlobals());
  const idle = () => vi.waitFor(() => expect(sent.length).toBeGreaterThan(0)).then(() => new Promise((done) => setTimeout(done, 5)));

  test("keeps its breakpoints in the browser, and starts with those of steps that are there", async () => {
    const one = new Debugger(owner());
    for (const id of ["issue", "gone", "note"]) one.toggle(id);
    one.toggle("note");
    const other = new Debugger(owner());
    expect([...other.breakpoints]).toEqual(["issue", "gone"]);
    expect(await other.start({ limit: 3 })).toBe(true);
    expect(sent).toEqual([["POST", "/api/workflows/work/debug", { inputs: { limit: 3 }, breakpoints: ["issue"] }]]);
    expect(seen).toEqual(["show run"]);
  });

  test("shows where the run pauses, and moves the chosen step", async () => {
    const one = new Debugger(owner());
    one.follow("run", true);
    await idle();
    expect([seen, one.chosen?.path, one.isOn]).toEqual([["paused each[0].issue"], "each[0].issue", true]);
    one.choose("each[1].issue");
    one.step();
    one.step(); // the first one is on its way
    await vi.waitFor(() => expect(sent.length).toBe(2));
    expect(sent[1]).toEqual(["POST", "/api/runs/run/debug/step", { step: "each[1].issue" }]);
  });

  test("changes the breakpoints of the run that is open, and forgets the one that it continues without", async () => {
    const one = new Debugger(owner());
    one.toggle("issue");
    one.follow("run", true);
    await idle();
    one.toggle("note");
    await vi.waitFor(() => expect(sent.length).toBe(2));
    expect(sent[1]).toEqual(["PUT", "/api/runs/run/debug/breakpoints", { breakpoints: ["issue", "note"] }]);
    await new Promise((done) => setTimeout(done, 5));
    one.goOn("breakpoint");
    await vi.waitFor(() => expect(sent.length).toBe(3));
    expect([sent[2]![2], [...one.breakpoints]]).toEqual([{ past: "breakpoint", step: "each[0].issue" }, ["note"]]);
  });

  test("asks nothing of runs that are no test runs, and nothing more of one that has ended", async () => {
    const one = new Debugger(owner());
    one.follow("plain", false);
    answer = view([], { status: "succeeded" });
    one.follow("run", true);
    await idle();
    one.follow("run", true);
    expect([sent.length, one.isOn, one.marks({})]).toEqual([1, false, {}]);
  });
});
