// Data of the panel: loaded again while the server cannot be reached, and what a field names as it is written.
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Refused, Unanswered } from "../../src/api";
import { keepLoading, type Loaded } from "../../src/panel/loading";
import { plainText } from "../../src/panel/values";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("what could not be loaded is loaded once the server can be reached again", async () => {
  const told: Loaded<string>[] = [];
  const load = vi.fn<() => Promise<string>>().mockRejectedValueOnce(new Unanswered("away")).mockResolvedValue("here");
  keepLoading(load, (one) => told.push(one));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(told).toEqual([{ failure: "away" }, { value: "here" }]);
});

test("what was refused is not asked for again, and a closed panel asks for nothing", async () => {
  const refused = vi.fn(() => Promise.reject(new Refused(404, "gone", "", {})));
  const away = vi.fn(() => Promise.reject(new Unanswered("away")));
  keepLoading(refused, () => undefined);
  const end = keepLoading(away, () => undefined);
  await vi.advanceTimersByTimeAsync(1000);
  end();
  await vi.advanceTimersByTimeAsync(10_000);
  expect([refused.mock.calls.length, away.mock.calls.length]).toEqual([1, 1]);
});

test("the name of a workflow is not cut", () => {
  expect(plainText("triage@labels")).toBe("triage@labels");
  expect([plainText("{{ inputs.name }}"), plainText(7), plainText(undefined)]).toEqual(["", "", ""]);
});
