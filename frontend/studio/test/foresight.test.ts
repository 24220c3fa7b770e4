import { expect, test } from "vitest";

import type { Operation } from "../src/api";
import { Foresight } from "../src/foresight";
import type { Change } from "../src/queue";

const titled = (title: string) => ({ steps: [{ id: "a", title }] });
const named = (title: string): Operation[] => [{ op: "set", step: "a", field: "title", value: title }];
let count = 0;
const change = (kind: Change["kind"], ops: Operation[] = []): Change => ({ kind, opId: `${(count += 1)}`, ops, base: null, tries: 0 });

test("changes, undo and redo on their way are shown in their order", () => {
  const foresight = new Foresight();
  foresight.made("ops", titled("first")); // the server has made "second" of it
  const base = titled("second");
  const pending = [change("undo"), change("redo"), change("ops", named("third")), change("undo"), change("undo")];
  const shown = pending.map((_, index) => foresight.after(base, pending.slice(0, index + 1)).steps[0].title);
  expect(shown).toEqual(["first", "second", "third", "second", "first"]);
});

test("what the server has undone can be repeated; a text that was not seen stays as it is", () => {
  const foresight = new Foresight();
  foresight.made("ops", titled("first"));
  foresight.made("undo", titled("second"));
  expect(foresight.after(titled("first"), [change("redo")])).toEqual(titled("second"));
  expect(foresight.after(titled("first"), [change("undo")])).toEqual(titled("first"));
  foresight.forget(); // somebody else has changed it
  expect(foresight.after(titled("theirs"), [change("redo")])).toEqual(titled("theirs"));
});

test("an operation that cannot be applied changes nothing, and an undo is then of the one before it", () => {
  const foresight = new Foresight();
  const pending = [change("ops", named("second")), change("ops", [{ op: "remove", steps: ["gone"] }]), change("undo")];
  expect(foresight.after(titled("first"), pending)).toEqual(titled("first"));
});
