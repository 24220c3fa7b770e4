// Trying a step: what is edited is tried, not what is saved.
import { afterEach, expect, test, vi } from "vitest";

import { edited, triedWith } from "../../src/panel/account";

const SAVED = { steps: [{ id: "sum", uses: "code.run", with: { code: "output = 1" } }, { id: "other", uses: "flow.set" }] };
const EDITED = { steps: [{ id: "sum", uses: "code.run", with: { code: "output = 2" } }, { id: "other", uses: "flow.set" }] };

const answers: Record<string, unknown> = {
  "/api/workflows/work": { document: SAVED },
  "/api/workflows/work/canvas": { text: JSON.stringify(EDITED) },
  "/api/workflows/work/steps/sum/try": { run_id: "r", status: "succeeded", steps: [] },
};
const sent: { path: string; body: unknown }[] = [];

const server = vi.fn((path: string, init: { body?: string } = {}) => {
  sent.push({ path, body: init.body && JSON.parse(init.body) });
  return Promise.resolve(new Response(JSON.stringify(answers[path]), { headers: { "Content-Type": "application/json" } }));
});

afterEach(() => vi.unstubAllGlobals());

test("a step that is edited differs from the saved one, another does not", async () => {
  vi.stubGlobal("fetch", server);
  expect(await edited("work", "sum")).toEqual({ definition: EDITED, isUnsaved: true });
  expect((await edited("work", "other")).isUnsaved).toBe(false);
});

test("a try says whether it is of the draft", async () => {
  vi.stubGlobal("fetch", server);
  await triedWith("work", "sum", true, {}, []);
  expect(sent.at(-1)?.body).toMatchObject({ draft: true, values: {} });
});
