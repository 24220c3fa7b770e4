// What a try would have written, in words.
import { expect, test } from "vitest";

import { planOf, planWords } from "../src/flow/plan";
import type { Run } from "../src/panel/account";

const run = (steps: Run["steps"], more: Partial<Run> = {}): Run => ({ run_id: "1", status: "succeeded", options: { plan: {} }, steps, ...more });
const loop = (items: unknown[]) => ({ path: "each", status: "succeeded", items, noun: "new_mail" });
const write = (path: string, title: string, planned: Run["steps"][number]["planned"]) => ({ path, title, status: "succeeded", planned });
const words = (one: Run): string => planWords(planOf(one)!);

test("each write is counted under its step", () => {
  const steps = [loop([1, 2]), write("each[0].draft", "Draft an answer", { write: "new", asks: true }), write("each[1].draft", "Draft an answer", { write: "new" }), write("report", "Report", { write: "new" }), write("label", "Label", { write: "kept" })];
  expect(words(run(steps))).toBe("Nothing was written. It would do this: Draft an answer (2 times, after a person has approved it), Report (once). 1 earlier write stays as it is.");
  expect(planOf(run(steps))!.writes.map(({ path }) => path)).toEqual(["each.draft", "report"]);
});

test("says that there was nothing, and that nothing would be written", () => {
  expect(words(run([loop([])]))).toBe("There was nothing to look at: no new mail fits. Nothing was written.");
  expect(words(run([loop([1])]))).toBe("Nothing was written. It would write nothing.");
  expect(words(run([{ path: "call", status: "succeeded", child_run_id: "2" }]))).toBe("Nothing was written. 1 called workflow has a plan of its own.");
  expect(words(run([loop([1])], { status: "failed", error: { message: "No." } }))).toBe("Nothing was written. The try did not come to its end. No.");
});

test("a run that wrote is no try", () => expect(planOf(run([], { options: {} }))).toBeNull());
