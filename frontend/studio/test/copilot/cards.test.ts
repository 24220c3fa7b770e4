// What the cards of proposals say after an acceptance, an undo and a reload.
import { createElement } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Copilot, type Host } from "../../src/copilot/copilot";
import { ProposalCard } from "../../src/copilot/ProposalCard";
import type { Proposal } from "../../src/copilot/shapes";

const TICK = { id: "t1", kind: "destination" as const, words: "evil/app" };
const OPEN: Proposal = {
  id: "p1", workflow: "w", at: "2026-11-20T08:00:00Z", base_rev: "before", ops: [], why: "", source: "rules", problems: [], is_acceptable: true, sentences: ["One."], diff: "",
  changes: [{ step: "a", kind: "changed", title: "A", sentences: ["One."], ops: [0] }, { step: "b", kind: "changed", title: "B", sentences: ["Two."], ops: [1] }],
  news: { writes: [], destinations: [], triggers: [], connections: [], instructions: [], guards: [] }, writes_again: [], untouched: { steps: 0, are_byte_equal: true },
  ticks: [TICK], from_outside: false, demo: null, repairs: 0, usage: null, status: "open", accepted: [],
};
const ACCEPTED: Proposal = { ...OPEN, status: "accepted", accepted: ["a", "b"] };

let shown = { rev: "", isUnsaved: true };

function host(kept = new Map<string, string>()): Host {
  const nothing = () => undefined;
  const storage = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value), removeItem: nothing };
  return {
    workflow: "w", storage, key: "k", isDrawing: false, subjects: () => [], runId: () => "", steps: () => [], flush: () => Promise.resolve(true), rev: () => Promise.resolve("r"),
    accepted: (edited) => void (shown = { rev: edited.rev, isUnsaved: true }), undo: () => void (shown = { rev: "before", isUnsaved: true }),
    shownRev: () => shown.rev, isUnsaved: () => shown.isUnsaved, select: nothing, show: nothing, changed: nothing,
  };
}

const answers = (path: string): unknown => (path.endsWith("/accept") ? { edited: { rev: "after" }, proposal: ACCEPTED } : {});
beforeEach(() => {
  shown = { rev: "before", isUnsaved: true };
  vi.stubGlobal("fetch", (path: string) => Promise.resolve(new Response(JSON.stringify(answers(path)))));
});
afterEach(() => vi.unstubAllGlobals());

const card = (copilot: Copilot): string => renderToStaticMarkup(createElement(ProposalCard, { copilot, proposal: ACCEPTED })).replace(/<[^>]+>/g, " ");

describe("the card of an accepted proposal", () => {
  test("says that it is taken back after its Undo, and not after anything else", async () => {
    const copilot = new Copilot(host());
    copilot.tick(OPEN, "t1", true);
    expect(await copilot.accept(OPEN)).toBe(true);
    expect(card(copilot)).toContain("Accepted");
    copilot.undo(ACCEPTED);
    expect(card(copilot)).toContain("Taken back");
    expect(card(copilot)).not.toContain("Accepted");
    expect(card(copilot)).not.toContain("Restore the earlier draft");
    shown = { rev: "after", isUnsaved: true }; // redone
    expect(card(copilot)).toContain("Accepted");
    expect(card(copilot)).toContain("Undo");
  });

  test("says accepted when the draft is another one by a change of somebody", async () => {
    const copilot = new Copilot(host());
    copilot.tick(OPEN, "t1", true);
    await copilot.accept(OPEN);
    shown = { rev: "typed", isUnsaved: true };
    expect(card(copilot)).toContain("Accepted");
    expect(card(copilot)).toContain("Restore the earlier draft");
  });

  test("says accepted again once it is accepted again", async () => {
    const copilot = new Copilot(host());
    for (const time of [1, 2]) {
      copilot.tick(OPEN, "t1", true);
      await copilot.accept(OPEN);
      if (time === 1) copilot.undo(ACCEPTED);
    }
    shown = { rev: "typed", isUnsaved: true };
    expect(card(copilot)).toContain("Accepted");
  });
});

test("what is ticked and chosen of an open proposal survives a reload", async () => {
  const kept = new Map<string, string>();
  const copilot = new Copilot(host(kept));
  copilot.tick(OPEN, "t1", true);
  copilot.chooseStep(OPEN, "b", false);
  const reloaded = new Copilot(host(kept));
  expect([[...reloaded.choice(OPEN).ticks], [...reloaded.choice(OPEN).steps]]).toEqual([["t1"], ["a"]]);
  await reloaded.accept(OPEN);
  expect([...new Copilot(host(kept)).choice(OPEN).ticks]).toEqual([]);
  kept.set("k", '{"isOpen": false, "choices": [["p1", 5]]}');
  expect([...new Copilot(host(kept)).choice(OPEN).ticks]).toEqual([]);
});
