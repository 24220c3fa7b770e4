import { expect, test } from "vitest";

import type { Stop, Story } from "../src/copilot/shapes";
import { pagesOf, stoppedAt } from "../src/copilot/walking";

const stop = (path: string, status = "succeeded"): Stop => ({ path, id: path, title: path, uses: "x.y", status, words: "", can_run_alone: true, can_be_pinned: true });
const story = (...stops: Stop[]): Story => ({ run_id: "r1", workflow: "w", status: "failed", stops, more: 0 });

test("a walk begins at the first failure, or else at the first step", () => {
  expect(stoppedAt(story(stop("a"), stop("b", "failed"), stop("c", "failed")))).toBe(1);
  expect(stoppedAt(story(stop("a"), stop("b")))).toBe(0);
  expect(stoppedAt(story({ ...stop("each", "failed"), uses: "" }, stop("each[0].b", "failed")))).toBe(1);
});

test("a step is opened in the row of its item", () => {
  const open = (path: string) => new URL(pagesOf(story(), stop(path)).only, "http://x").searchParams.get("open");
  expect([open("mails"), open("each_mail[3].task"), open("group.page")]).toEqual(["mails", "each_mail[3]", "group"]);
  expect(pagesOf(story(), stop("a[0].b")).pin).toBe("/workflow?name=w&pin=r1&step=a%5B0%5D.b");
});
