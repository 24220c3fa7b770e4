// What a page hears of a run and of a draft, over breaks of the connection.
import { describe, expect, test } from "vitest";

import { changed, watchDraft, watchRun, type DraftState, type FileNews, type Link, type LiveParts, type RunState } from "../src/live";

class Server {
  sockets: { address: string; socket: WebSocket; isClosed: boolean }[] = [];
  waits: { callback: () => void; milliseconds: number }[] = [];
  asked: string[] = [];
  answer = 200;
  wake: () => void = () => undefined;

  readonly parts: LiveParts = {
    open: (address) => {
      const one = { address, isClosed: false, socket: {} as WebSocket };
      one.socket = { close: () => (one.isClosed = true) } as unknown as WebSocket;
      this.sockets.push(one);
      return one.socket;
    },
    status: async (address) => {
      this.asked.push(address);
      return this.answer;
    },
    later: (callback, milliseconds) => {
      const wait = { callback, milliseconds };
      this.waits.push(wait);
      return () => void (this.waits = this.waits.filter((one) => one !== wait));
    },
    awake: (callback) => {
      this.wake = callback;
      return () => (this.wake = () => undefined);
    },
    random: () => 1,
  };

  get last() {
    return this.sockets.at(-1)!;
  }

  say(news: unknown): void {
    this.last.socket.onmessage?.({ data: JSON.stringify(news) } as MessageEvent);
  }

  async hangUp(code: number): Promise<void> {
    this.last.socket.onclose?.({ code } as CloseEvent);
    await new Promise((done) => setTimeout(done, 0));
  }

  pass(): number {
    const [wait] = this.waits.splice(0, 1);
    wait!.callback();
    return wait!.milliseconds;
  }
}

const step = (status: string) => ({ status }) as RunState["steps"][string];
const RUN = { run_id: "r", workflow: "w", status: "running", steps: { a: step("running") } } as unknown as RunState;

function following() {
  const server = new Server();
  const states: RunState[] = [];
  const links: Link[] = [];
  const live = watchRun("r 1", { onState: (state) => states.push(state), onLink: (link) => links.push(link) }, server.parts);
  return { server, states, links, live };
}

describe("a run", () => {
  test("is followed to its end", async () => {
    const { server, states, links } = following();
    expect(server.last.address).toBe("/api/ws/runs/r%201");
    server.say({ type: "snapshot", run: RUN });
    server.say({ type: "changed", change: { steps: { a: null, b: step("running") } }, skipped: 0 });
    server.say({ type: "changed", change: { status: "succeeded" }, skipped: 3 });
    server.say({ type: "end", status: "succeeded" });
    await server.hangUp(1000);
    expect(states.map((one) => [one.status, Object.keys(one.steps)])).toEqual([
      ["running", ["a"]],
      ["running", ["b"]],
      ["succeeded", ["b"]],
    ]);
    expect(links).toEqual(["connecting", "open", "over"]);
    expect([server.sockets.length, server.waits]).toEqual([1, []]);
  });

  test("is followed again after a break, later each time, and from a snapshot", async () => {
    const { server, states, links } = following();
    server.say({ type: "snapshot", run: RUN });
    await server.hangUp(1006);
    expect(server.pass()).toBe(500);
    await server.hangUp(1006);
    expect(server.pass()).toBe(1000);
    server.say({ type: "snapshot", run: { ...RUN, steps: {} } });
    expect(states.at(-1)!.steps).toEqual({});
    await server.hangUp(1012);
    expect(server.pass()).toBe(500);
    expect(links.slice(0, 5)).toEqual(["connecting", "open", "waiting", "connecting", "waiting"]);
    expect(server.asked).toEqual([]);
  });

  test("is asked for at once when the page is looked at again", async () => {
    const { server } = following();
    await server.hangUp(1006);
    server.wake();
    expect([server.sockets.length, server.waits.length]).toEqual([2, 0]);
  });

  test.each([401, 403, 404])("that is refused with %i is not asked for again", async (status) => {
    const { server, links } = following();
    server.answer = status;
    await server.hangUp(1006);
    expect([links.at(-1), server.asked, server.waits]).toEqual(["refused", ["/api/runs/r%201"], []]);
  });

  test.each([4401, 4404])("whose socket ends with %i is not asked for again", async (code) => {
    const { server, links } = following();
    server.say({ type: "snapshot", run: RUN });
    await server.hangUp(code);
    expect([links.at(-1), server.waits]).toEqual(["refused", []]);
  });

  test("that nobody follows any more is quiet", async () => {
    const { server, states, live } = following();
    live.close();
    server.say({ type: "snapshot", run: RUN });
    await server.hangUp(1005);
    expect([server.last.isClosed, states, server.waits]).toEqual([true, [], []]);
  });
});

test("a frame of a timeline leads from one state to the next", () => {
  expect(changed(RUN, { status: "failed", steps: { b: step("failed") } })).toEqual({
    ...RUN,
    status: "failed",
    steps: { a: step("running"), b: step("failed") },
  });
});

describe("a draft", () => {
  const news = (rev: string, saved_etag = "f1") => ({
    draft: { rev, etag: "f1", saved_etag, is_draft: true, can_undo: true, can_redo: false },
    base: "r0",
    splices: [],
    words: [],
  });

  function edited() {
    const server = new Server();
    const revs: DraftState[] = [];
    const files: FileNews[] = [];
    let rev = "r 0";
    watchDraft(
      "w",
      { rev: () => rev, onRev: (one) => revs.push(one), onFile: (one) => files.push(one) },
      server.parts,
    );
    return { server, revs, files, have: (now: string) => (rev = now) };
  }

  test("that another window changes is told, with the file", () => {
    const { server, revs, files } = edited();
    expect(server.last.address).toBe("/api/ws/workflows/w?rev=r%200");
    server.say({ type: "snapshot", ...news("r 0") });
    expect(revs).toEqual([]);
    server.say({ type: "rev", ...news("r1") });
    server.say({ type: "file", etag: "f1", saved_etag: "f2", saved_by: "ann" });
    expect([revs.map((one) => one.rev), files.map((one) => one.saved_by)]).toEqual([["r1"], ["ann"]]);
  });

  test("that has changed during a break is told after it, and the file as well", async () => {
    const { server, revs, files, have } = edited();
    server.say({ type: "snapshot", ...news("r 0") });
    have("r1");
    await server.hangUp(1006);
    server.pass();
    expect(server.last.address).toBe("/api/ws/workflows/w?rev=r1");
    server.say({ type: "snapshot", ...news("r2", "f2") });
    expect([revs.map((one) => one.rev), files]).toEqual([["r2"], [{ etag: "f1", saved_etag: "f2", saved_by: null }]]);
  });
});
