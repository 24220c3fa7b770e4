// The commands that are offered as buttons.
import { expect, test } from "vitest";

import { commandsFor, commandsOfRun } from "../../src/copilot/commands";

const ISSUE = { id: "issue", path: "each.issue", title: "Open an issue", effect: "writes" };

test("are filled in for a step; two of them the person goes on typing", () => {
  const all = commandsFor(ISSUE);
  expect(all.map((one) => one.text)).toEqual(["explain", "fix", "why did it fail", "ask me before issue", "retry issue 5 times", "set issue.", "rename issue to ", "remove issue"]);
  expect(all.filter((one) => !one.isWhole).map((one) => one.text)).toEqual(["set issue.", "rename issue to "]);
});

test("ask before nothing that a step does not write, and name no step where there is none", () => {
  expect(commandsFor({ ...ISSUE, effect: "reads" }).map((one) => one.text)).not.toContain("ask me before issue");
  expect(commandsFor(undefined)).toHaveLength(3);
});

test("beside a run ask why only if it has failed", () => {
  expect(commandsOfRun({ id: "r", hasFailed: false }).map((one) => one.text)).toEqual(["explain"]);
  expect(commandsOfRun({ id: "r", hasFailed: true }).map((one) => one.text)).toEqual(["why did it fail", "explain", "fix"]);
});
