// What may be accepted: the steps that are chosen with those that belong to them, and the ticks; and the marks on the canvas.
import { describe, expect, test } from "vitest";

import type { Operation, Problem } from "../../src/api";
import { acceptance, begun, demandedOf, ticksOf, together, withStep, withTick } from "../../src/copilot/choice";
import { ghostsOf } from "../../src/copilot/ghosts";
import type { Proposal, StepChange, Tick } from "../../src/copilot/shapes";

const change = (step: string, ops: number[], kind: StepChange["kind"] = "changed"): StepChange => ({ step, kind, title: step.toUpperCase(), sentences: [], ops });
const TICK: Tick = { id: "k1", kind: "destination", words: "Sends to evil/app" };

function proposal(more: Partial<Proposal> = {}): Proposal {
  return {
    id: "p-1", workflow: "w", at: "", base_rev: "r", ops: [], why: "", source: "rules", problems: [], is_acceptable: true, sentences: [], diff: "",
    changes: [change("a", [0]), change("b", [1, 2]), change("c", [2]), change("", [3], "workflow")],
    news: { writes: [], destinations: [], triggers: [], connections: [], instructions: [], guards: [] }, writes_again: [], untouched: { steps: 1, are_byte_equal: true },
    ticks: [], from_outside: false, demo: null, repairs: 0, usage: null, status: "open", accepted: [], ...more,
  };
}

describe("the steps", () => {
  test("are all chosen at first, and sent as all", () => {
    const one = proposal();
    expect(acceptance(one, begun(one))).toEqual({ why: "", missing: [], steps: null, ticks: [] });
  });

  test("that share an operation are chosen and left out together", () => {
    const one = proposal();
    expect(together(one, "b").sort()).toEqual(["b", "c"]);
    const without = withStep(one, begun(one), "c", false);
    expect(acceptance(one, without).steps).toEqual(["a", ""]);
    expect(acceptance(one, withStep(one, without, "b", true)).steps).toBeNull();
  });

  test("that are accepted already are not sent again, and none is too few", () => {
    const one = proposal({ accepted: ["a"], status: "partly_accepted" });
    expect(acceptance(one, begun(one)).steps).toBeNull();
    const none = ["b", ""].reduce((choice, step) => withStep(one, choice, step, false), begun(one));
    expect(acceptance(one, none).why).toBe("nothing");
  });
});

describe("the ticks", () => {
  test("are all needed for the whole proposal, each by itself", () => {
    const one = proposal({ ticks: [TICK, { ...TICK, id: "k2", kind: "guard" }] });
    const half = withTick(begun(one), "k1", true);
    expect(acceptance(one, half)).toMatchObject({ why: "ticks", missing: [{ id: "k2" }] });
    expect(acceptance(one, withTick(half, "k2", true))).toMatchObject({ why: "", ticks: ["k1", "k2"] });
    expect(acceptance(one, withTick(half, "k1", false)).missing).toHaveLength(2);
  });

  test("of a part are those that the server demands, and a tick for another fact does not count", () => {
    const one = proposal({ ticks: [TICK] });
    const part = withStep(one, begun(one), "a", false);
    expect(acceptance(one, part).why).toBe("");
    const other = { ...TICK, id: "k9" };
    const demanded = demandedOf(withTick(part, "k1", true), [other]);
    expect(acceptance(one, demanded)).toMatchObject({ why: "ticks", missing: [other] });
    expect(ticksOf(one, demanded).map(({ id }) => id)).toEqual(["k1", "k9"]);
    expect(acceptance(one, withTick(demanded, "k9", true)).why).toBe("");
  });
});

test.each([
  ["what does not compile as a whole", { is_acceptable: false, problems: [{ message: "No." } as Problem] }, "problems"],
  ["what is stale", { status: "stale" as const }, "stale"],
  ["what was rejected", { status: "rejected" as const }, "closed"],
])("%s cannot be accepted", (_, more, why) => {
  const one = proposal(more);
  expect(acceptance(one, begun(one)).why).toBe(why);
  if (why === "problems") expect(acceptance(one, withStep(one, begun(one), "a", false)).why).toBe(""); // the server looks at the part
});

describe("the marks on the canvas", () => {
  const ops: Operation[] = [
    { op: "add", step: { id: "new", steps: [{ id: "inner" }] }, after: "a" },
    { op: "add", step: { id: "next" }, after: "new" },
    { op: "rename", step: "old", to: "b" },
    { op: "remove", steps: ["gone"] },
  ];
  const one = proposal({ ops, changes: [change("new", [0], "added"), change("inner", [0], "added"), change("next", [1], "added"), change("b", [2]), change("gone", [3], "removed"), change("", [2], "workflow")] });

  test("are at the steps of the draft, by their ids there", () => {
    expect([...ghostsOf(one).steps].map(([id, { sign }]) => [id, sign])).toEqual([["old", "~"], ["gone", "−"]]);
  });

  test("put a new step beside the one that is there", () => {
    expect(ghostsOf(one).added.map(({ step, after }) => [step, after])).toEqual([["new", "a"], ["inner", "a"], ["next", "a"]]);
  });

  test("go with what is accepted", () => {
    expect(ghostsOf({ ...one, accepted: ["new", "inner", "next", "b", "gone"] })).toMatchObject({ added: [], steps: new Map() });
  });
});
