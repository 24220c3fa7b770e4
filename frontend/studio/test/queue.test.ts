import { expect, test } from "vitest";

import { Refused, Unanswered, type Edited, type Operation } from "../src/api";
import { Dropped, Queue, type Change } from "../src/queue";

// A server that applies each request once, and a connection to it that can be cut before or after the request arrives.
class Server {
  applied: Operation[][] = [];
  rev = 0;
  cut: ("before" | "after" | null)[] = [];
  private readonly done = new Set<string>();

  async answer(change: Change): Promise<Edited> {
    const cut = this.cut.shift() ?? null;
    if (cut === "before") throw new Unanswered("gone");
    if (!this.done.has(change.opId)) {
      this.done.add(change.opId);
      this.applied.push(change.ops);
      this.rev += 1;
    }
    if (cut === "after") throw new Unanswered("gone");
    return { rev: `r${this.rev}`, base: change.base ?? "", splices: [], text: null, words: "", steps: [], can_undo: true, can_redo: false, problems: [] };
  }
}

class Store {
  items = new Map<string, string>();
  getItem = (key: string) => this.items.get(key) ?? null;
  setItem = (key: string, value: string) => void this.items.set(key, value);
  removeItem = (key: string) => void this.items.delete(key);
}

const numberedIds = () => {
  let number = 0;
  return () => `op${(number += 1)}`;
};

function queue(send: (change: Change, base: string) => Promise<Edited>, storage = new Store(), newId = numberedIds()) {
  const refused: string[] = [];
  const timers: (() => void)[] = [];
  const made = new Queue({
    send, storage, key: "q", newId,
    later: (callback) => (timers.push(callback), () => timers.splice(timers.indexOf(callback), 1)),
    changed: () => undefined,
    kept: () => undefined,
    refused: (_change, error) => refused.push(error.message),
    outdated: () => undefined,
  });
  const tick = async () => {
    await new Promise((resolve) => setTimeout(resolve));
    for (const timer of timers.splice(0)) timer();
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { made, refused, storage, tick };
}

const note = (text: string): Operation[] => [{ op: "notes", step: "a", text }];

test("while there is no server changes wait in order, and none is made twice", async () => {
  const server = new Server();
  const { made, tick } = queue((change) => server.answer(change));
  server.cut = ["before", "after", "before", null, "after", null];
  made.begin("r0");
  const settled = Promise.all([made.push("ops", note("1")), made.push("ops", note("2"))]);
  expect(made.state.kind).toBe("sending");
  for (let count = 0; count < 6; count += 1) await tick();
  await settled;
  expect(server.applied).toEqual([note("1"), note("2")]);
  expect(made.isEmpty).toBe(true);
});

test("a reload in the middle of a request sends it again in the same words", async () => {
  const server = new Server();
  const before = queue(async (change) => {
    await server.answer(change);
    return new Promise(() => undefined); // the page goes away before the answer comes
  });
  before.made.begin("r0");
  void before.made.push("ops", note("1"));
  void before.made.push("ops", note("2"));
  await before.tick();
  const bases: string[] = [];
  const after = queue((change, base) => (bases.push(base), server.answer(change)), before.storage, () => "never");
  expect(after.made.changes.map((one) => one.opId)).toEqual(["op1", "op2"]);
  after.made.begin("r1");
  await after.tick();
  expect(server.applied).toEqual([note("1"), note("2")]);
  expect(bases).toEqual(["r0", "r1"]);
  expect(after.storage.items.size).toBe(0);
});

const conflict = { clashes_with: "set title of a", rev: "r9", theirs: "{1}", yours: "{2}" };

test.each([
  ["mine" as const, ["r9"], [note("2")]],
  ["theirs" as const, [], []],
])("a clash shows both texts and waits for an answer: %s", async (choice, bases, applied) => {
  const server = new Server();
  const sent: string[] = [];
  const { made, tick } = queue(async (change, base) => {
    if (base === "r0") throw new Refused(409, "It clashes.", "", { conflict });
    sent.push(base);
    return server.answer(change);
  });
  made.begin("r0");
  const settled = made.push("ops", note("2")).catch((error: Error) => error.message);
  await tick();
  expect(made.state).toMatchObject({ kind: "clash", clash: { theirs: "{1}", yours: "{2}", clashesWith: "set title of a" } });
  expect(made.changes).toHaveLength(1);
  made.answer(choice);
  await tick();
  expect([sent, server.applied, made.isEmpty]).toEqual([bases, applied, true]);
  expect(await settled).toBe(choice === "mine" ? "r1" : "It clashes.");
});

test("what waited while somebody else changed the text is sent for the text that its author saw", async () => {
  const server = new Server();
  const bases: string[] = [];
  const { made, tick } = queue(async (change, base) => {
    bases.push(base);
    return { ...(await server.answer(change)), base: "theirs" };
  });
  const settled = Promise.all([made.push("ops", note("1")), made.push("ops", note("2"))]);
  made.begin("r0");
  await tick();
  await settled;
  expect(bases).toEqual(["r0", "r0"]);
});

test("what is refused is told and leaves the way for the next one", async () => {
  const server = new Server();
  const { made, refused, tick } = queue(async (change) => {
    if (change.ops[0]?.op === "remove") throw new Refused(422, "There is no step b.", "", {});
    return server.answer(change);
  });
  made.begin("r0");
  const first = made.push("ops", [{ op: "remove", steps: ["b"] }]);
  const second = made.push("ops", note("1"));
  await expect(first).rejects.toThrow("no step b");
  await second;
  await tick();
  expect([refused, server.applied]).toEqual([["There is no step b."], [note("1")]]);
});

test("an undo whose answer was lost is not made again", async () => {
  let undone = 0;
  const { made, refused, tick } = queue(async () => {
    undone += 1;
    if (undone === 1) throw new Unanswered("gone");
    throw new Refused(409, "The draft has changed since.", "", { conflict });
  });
  made.begin("r1");
  const settled = made.push("undo");
  await tick();
  await tick();
  await settled;
  expect([undone, refused, made.isEmpty]).toEqual([2, [], true]);
});

test("a change for an older text is sent with it, and what is said about one change has no number of it", async () => {
  const bases: string[] = [];
  const { made, refused, tick } = queue(async (_change, base) => {
    bases.push(base);
    const message = "ops[0] (rename a to b): There is already a step 'b'.";
    throw new Refused(base === "r1" ? 409 : 422, message, "", base === "r1" ? { conflict: { clashes_with: "", rev: "r4", theirs: "", yours: null } } : {});
  });
  made.begin("r3");
  const dropped = made.push("ops", note("one"), "r1").catch((error) => error);
  await tick();
  expect(made.state).toMatchObject({ kind: "clash", clash: { message: "There is already a step 'b'." } });
  made.answer("theirs");
  expect(await dropped).toBeInstanceOf(Dropped);
  await made.push("ops", note("two")).catch(() => undefined);
  expect([bases, refused]).toEqual([["r1", "r4"], ["There is already a step 'b'."]]);
});
