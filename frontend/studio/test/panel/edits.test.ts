// Nothing that was typed is lost or sent twice, whatever the order of answers.
import { beforeEach, expect, test, vi } from "vitest";

import { Refused, type Json, type Operation } from "../../src/api";
import { Edits } from "../../src/panel/edits";
import { nameOf } from "../../src/panel/places";
import { Dropped } from "../../src/queue";

const place = { steps: ["a"], path: ["with", "title"] };
const withTitle = (title?: Json) => ({ steps: [{ id: "a", with: title === undefined ? {} : { title } }] });
const set = (value: Json) => [{ op: "set", step: "a", field: "with.title", value }];

let number = 0;
let kept: Record<string, string>;

beforeEach(() => {
  kept = {};
  number += 1;
  vi.useFakeTimers();
  vi.stubGlobal("sessionStorage", {
    getItem: (name: string) => kept[name] ?? null,
    setItem: (name: string, value: string) => void (kept[name] = value),
    removeItem: (name: string) => void delete kept[name],
  });
});

function edits(send: (ops: Operation[], base: string | null) => Promise<string | void>, definition: unknown = withTitle()) {
  const made = new Edits(`w${number}`);
  made.follow(definition, send);
  return made;
}

test("a pause sends what was typed, once", async () => {
  const sent: Operation[][] = [];
  const made = edits(async (ops) => void sent.push(ops));
  for (const text of ["H", "Hi"]) made.type(place, text, { value: text });
  expect(sent).toEqual([]);
  await vi.runAllTimersAsync();
  await made.flush();
  expect(sent).toEqual([set("Hi")]);
  expect(kept).toEqual({});
});

test("what is typed while a change is on its way is sent after it, also if it is removed again", async () => {
  const sent: Operation[][] = [];
  let answer: () => void = () => undefined;
  const made = edits((ops) => {
    sent.push(ops);
    return new Promise((resolve) => (answer = resolve));
  });
  made.entered(place);
  made.type(place, "Hi", { value: "Hi" });
  const first = made.flush();
  made.type(place, "", { value: undefined });
  const second = made.flush();
  answer();
  await first;
  await vi.advanceTimersByTimeAsync(0);
  answer();
  await second;
  expect(sent).toEqual([set("Hi"), [{ op: "unset", step: "a", field: "with.title" }]]);
});

test("what has arrived is taken back although the page has not been told of it yet", async () => {
  const sent: Operation[][] = [];
  const made = edits(async (ops) => void sent.push(ops));
  made.entered(place);
  made.type(place, "Hi", { value: "Hi" });
  await made.flush();
  made.type(place, "", { value: undefined });
  await made.flush();
  expect(sent).toEqual([set("Hi"), [{ op: "unset", step: "a", field: "with.title" }]]);
});

test("half an expression is kept, and sent once the field is left", async () => {
  const sent: Operation[][] = [];
  const made = edits(async (ops) => void sent.push(ops));
  made.type(place, "{{ ste }}", { value: "{{ ste }}" }, true);
  await vi.runAllTimersAsync();
  expect([sent, Object.keys(kept).length]).toEqual([[], 1]);
  made.left(place);
  await made.flush();
  expect(sent).toEqual([set("{{ ste }}")]);
});

test("a page that is closed before the pause sends what was typed when it is opened again", async () => {
  edits(async () => undefined).type(place, "Hi", { value: "Hi" });
  const sent: Operation[][] = [];
  const later = edits(async (ops) => void sent.push(ops));
  expect(later.at(place)?.draft).toBe("Hi");
  await later.flush();
  expect(sent).toEqual([set("Hi")]);
});

test("text that means nothing yet is kept and not sent", async () => {
  const sent: Operation[][] = [];
  const made = edits(async (ops) => void sent.push(ops));
  made.type(place, "{", { error: "no JSON" });
  made.left(place);
  await made.flush();
  expect([sent, made.at(place)?.draft, Object.keys(kept).length]).toEqual([[], "{", 1]);
});

test("no change from elsewhere replaces the text of the field that has the focus: both are shown, and neither overwrites the other", async () => {
  const sent: unknown[] = [];
  const send = async (ops: Operation[], base: string | null) => {
    sent.push([base, ops]);
    return "r2";
  };
  const made = edits(send);
  made.follow(withTitle(), send, "r1");
  made.entered(place);
  made.type(place, "Hi ", { value: "Hi " });
  await made.flush();
  made.follow(withTitle("Hi "), send, "r2");
  expect(made.at(place)).toMatchObject({ draft: "Hi " });
  made.follow(withTitle("by another window"), send, "r3");
  expect(made.at(place)).toMatchObject({ draft: "Hi ", theirs: { value: "by another window" } });
  made.type(place, "Hi you", { value: "Hi you" });
  expect(made.at(place)).toMatchObject({ draft: "Hi you", theirs: { value: "by another window" } });
  await made.flush();
  expect(sent.slice(1)).toEqual([["r2", set("Hi you")]]); // where the server sees that both have changed it
  expect(made.at(place)?.theirs).toBeUndefined();
});

test("a refused field is called by its label, and the reason is the server's without the operation", async () => {
  const made = edits(async () => {
    throw new Refused(422, "ops[0] (set with.title of a): It is taken.", "Choose another one.", { reason: "It is taken.", operation: 0 });
  });
  made.type(place, "Hi", { value: "Hi" }, false, "Title of the issue");
  await made.flush();
  expect(made.unkept.map(({ refused }) => refused)).toEqual(["It is taken. Choose another one."]);
  expect([...made.unkept, { place }].map(nameOf)).toEqual(["“Title of the issue” of a", "title of a"]);
});

test("what means nothing yet is warned of only once its field is left", () => {
  const made = edits(async () => undefined);
  let drawn = 0;
  made.subscribe(() => void (drawn += 1));
  made.entered(place);
  made.type(place, { rows: [] }, { error: "A condition lacks a value." });
  expect([made.faulty.length, made.unkept.length, drawn]).toEqual([0, 1, 1]);
  made.left(place);
  expect([made.faulty.length, made.unkept.length, drawn]).toEqual([1, 1, 2]);
});

test("what was changed elsewhere is shown once the field is left, and at once in the other fields", async () => {
  const send = async () => undefined;
  const made = edits(send);
  const other = { steps: ["a"], path: ["note"] };
  made.type(other, "n", { value: "n" });
  made.entered(place);
  made.type(place, "Hi", { value: "Hi" });
  await made.flush();
  made.follow(withTitle("by another window"), send);
  expect([made.at(place)?.draft, made.at(other)]).toEqual(["Hi", undefined]);
  made.left(place);
  expect(made.at(place)).toBeUndefined();
});

test("the last field of a group takes the group with it", async () => {
  const sent: Operation[][] = [];
  const made = edits(async (ops) => void sent.push(ops), { steps: [{ id: "a", retry: { attempts: 5 } }] });
  made.type({ steps: ["a"], path: ["retry", "attempts"] }, "", { value: undefined });
  await made.flush();
  expect(sent).toEqual([[{ op: "unset", step: "a", field: "retry" }]]);
});

test("what was refused is not sent again by itself, nor after a reload; what was typed with it is sent", async () => {
  const sent: Operation[][] = [];
  const other = { steps: ["a"], path: ["note"] };
  const send = async (ops: Operation[]) => {
    sent.push(ops);
    const operation = ops.findIndex((one) => "field" in one && one.field === "with.title");
    if (operation >= 0) throw new Refused(422, "It is taken.", "Choose another one.", { operation });
  };
  const first = edits(send);
  first.type(other, "n", { value: "n" });
  first.type(place, "Hi", { value: "Hi" });
  await vi.runAllTimersAsync();
  const both = [{ op: "set", step: "a", field: "note", value: "n" }, ...set("Hi")];
  expect(sent).toEqual([both, both.slice(0, 1)]);
  const again = edits(send, withTitle("by another window"));
  await again.flush();
  again.left(place);
  await vi.runAllTimersAsync();
  expect([sent.length, again.at(place)?.refused]).toEqual([2, "It is taken. Choose another one."]);
  await again.retry(place);
  expect(sent.slice(2)).toEqual([set("Hi")]);
  again.type(place, "Ho", { value: "Ho" });
  await vi.runAllTimersAsync();
  expect(sent.slice(3)).toEqual([set("Ho")]);
  again.forget(place);
  expect([again.unkept, kept]).toEqual([[], {}]);
});

test("a change is based on the newest text in which the field was as it is when the typing began", async () => {
  const sent: unknown[] = [];
  const send = async (ops: Operation[], base: string | null) => {
    sent.push([base, ops]);
    return "r9";
  };
  const made = edits(send, withTitle("old"));
  made.follow(withTitle("old"), send, "r1");
  made.entered(place);
  made.type(place, "m", { value: "m" });
  made.follow({ ...withTitle("old"), title: "of the workflow" }, send, "r2");
  made.follow(withTitle("by another window"), send, "r3");
  made.type(place, "mine", { value: "mine" });
  await made.flush();
  made.follow(withTitle("mine"), send, "r10");
  made.type(place, "more", { value: "more" });
  made.follow({ steps: [] }, send, "r11");
  await made.close();
  expect(sent).toEqual([["r2", set("mine")], ["r10", set("more")]]);
});

test("what is typed while another change is on its way is for the text that this change leads to", async () => {
  const sent: unknown[] = [];
  const send = async (ops: Operation[], base: string | null) => void sent.push([base, ops]);
  const made = edits(send, withTitle("old"));
  made.follow(withTitle("old"), send, "r1");
  made.follow(withTitle("old"), send, null); // the step just got this id, and the server does not know it yet
  made.type(place, "mine", { value: "mine" });
  await made.flush();
  expect(sent).toEqual([[null, set("mine")]]);
});

test("a change that the person has dropped is forgotten", async () => {
  const made = edits(() => Promise.reject(new Dropped("it clashes")));
  made.type(place, "Hi", { value: "Hi" });
  await made.flush();
  expect([made.at(place), kept]).toEqual([undefined, {}]);
});
