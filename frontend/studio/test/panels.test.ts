// What the panel shows where it has no room beside the co-pilot.
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { StepType } from "../src/api";
import { Studio } from "../src/store";

function storage() {
  const kept = new Map<string, string>();
  return { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value), removeItem: (key: string) => void kept.delete(key) };
}

beforeEach(() => {
  vi.stubGlobal("localStorage", storage());
  vi.stubGlobal("sessionStorage", storage());
  vi.stubGlobal("fetch", () => new Promise(() => undefined)); // no server answers
});
afterEach(() => vi.unstubAllGlobals());

function studioWithCopilot(hasRoom: boolean): Studio {
  const studio = new Studio({ workflow: "w", owner: "o", etag: "", mayEdit: true, mayRun: true, services: {}, never: [], breaches: [], reserved: ["list", "run"], run: "" }, () => undefined);
  studio.hasRoomForBoth = hasRoom;
  studio.openCopilot(true);
  studio.copilot.type("What does it do?");
  return studio;
}

test.each<[string, (studio: Studio) => void]>([
  ["a trigger", (studio) => studio.openTrigger(0)],
  ["the form of a new trigger", (studio) => studio.openTrigger("new")],
  ["the workflow", (studio) => studio.openWorkflow()],
  ["a step whose panel was asked for", (studio) => studio.showPanel()],
])("%s stands in place of the co-pilot only where there is no room for both, and nothing typed is lost", (_, open) => {
  const [narrow, wide] = [studioWithCopilot(false), studioWithCopilot(true)];
  for (const studio of [narrow, wide]) open(studio);
  expect([narrow.copilot.isOpen, wide.copilot.isOpen]).toEqual([false, true]);
  narrow.openCopilot(true);
  expect(narrow.copilot.text).toBe("What does it do?");
});

test("what the co-pilot covers comes forward at the next click, instead of being closed unseen", () => {
  const studio = studioWithCopilot(false);
  studio.openWorkflow();
  studio.openCopilot(true);
  expect(studio.isPanelCovered).toBe(true);
  studio.openWorkflow();
  expect([studio.isWorkflowOpen, studio.copilot.isOpen]).toEqual([true, false]);
  studio.openWorkflow();
  expect(studio.isWorkflowOpen).toBe(false);
});

test.each([["code.run", "run_2"], ["file.list", "list_2"], ["flow.set", "set"]])("a new step of %s has an id that expressions leave free", (name, id) => {
  const studio = studioWithCopilot(false);
  studio.view = { ...studio.view, definition: { steps: [] } };
  const block = studio.view.model.main;
  studio.add({ block, after: null, before: null }, { name, title: name, fields_schema: {} } as StepType);
  expect([...studio.selected]).toEqual([id]);
});

test("closing a panel leaves the co-pilot open", () => {
  const studio = studioWithCopilot(false);
  studio.openTrigger(null);
  studio.openWorkflow(false);
  expect(studio.copilot.isOpen).toBe(true);
});
