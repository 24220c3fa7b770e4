// Triggers in the panel: what they watch in words, and what adding, changing and removing them sends.
import { expect, test } from "vitest";

import { Refused, type TriggerStatus, type TriggerType } from "../../src/api";
import { applied } from "../../src/document";
import { operationsFor, WORKFLOW } from "../../src/panel/places";
import { addedTrigger, cronWords, everyWords, itemNames, needsConsent, removedTrigger, stateWords, triggersIn, watchedWords } from "../../src/panel/triggers";

const mail = { name: "gmail.new_message", title: "New mail" } as TriggerType;
const schedule = { name: "schedule", title: "At fixed times" } as TriggerType;
const steps = [{ id: "a" }];

test.each([
  ["0 7 * * *", "Every day at 07:00"],
  ["30 18 * * 1-5", "Monday to Friday at 18:30"],
  ["0 9 * * 0", "Every Sunday at 09:00"],
  ["5 9 1 * *", "On day 1 of each month at 09:05"],
  ["*/15 * * * *", "Every 15 minutes"],
  ["0 * * * *", "Every hour"],
  ["20 * * * *", "Every hour at minute 20"],
  ["*/7 * * * *", "At */7 * * * *"], // not every 7 minutes: it begins anew each hour
  ["0 7 1 * 1", "At 0 7 1 * 1"],
  ["0 7 * 2 *", "At 0 7 * 2 *"],
  ["0 7 * * MON", "At 0 7 * * MON"],
  ["nonsense", "At nonsense"],
])("the times of %s in words", (cron, words) => expect(cronWords(cron)).toBe(words));

test("intervals, mailboxes and states are words", () => {
  expect([60, 300, 3600, 7200, 86_400, 90, 1].map(everyWords)).toEqual(["Every minute", "Every 5 minutes", "Every hour", "Every 2 hours", "Every day", "Every 90 seconds", "Every second"]);
  const [daily, box, bare] = triggersIn({
    triggers: [
      { id: "daily", uses: "schedule", with: { cron: "0 7 * * *", time_zone: "Europe/Berlin" } },
      "not a trigger",
      { id: "mails", title: "Invoices", uses: "gmail.new_message", connection: "work", with: { query: "in:inbox", labels: ["a", "b"] } },
      { id: "bare", uses: "gmail.new_message" },
    ],
  });
  expect(watchedWords(daily!, schedule)).toBe("Every day at 07:00, Europe/Berlin");
  expect([box!.index, watchedWords(box!, mail)]).toEqual([2, "New mail · work · in:inbox · a · b"]);
  expect(watchedWords(bare!, mail)).toBe("gmail.new_message");
  expect(watchedWords({ ...bare!, fields: { query: "in:inbox" } }, mail)).toBe("What comes into the inbox");
  const on = { id: "daily", state: "on", is_on: true, is_resting: false, environment: "prod" } as TriggerStatus;
  const resting = { ...on, state: "resting", is_resting: true, environment: "" };
  expect([stateWords([resting, on], "daily"), stateWords([resting], "daily"), stateWords([on], "mails"), stateWords(null, "daily")]).toEqual(["On · prod", "Resting", "Not in force yet", ""]);
});

test("triggers come, change and go by operations on the draft", () => {
  const blank = { steps };
  const first = addedTrigger(blank, mail);
  const one = applied(blank, [first.operation]);
  expect([first.index, one.triggers]).toEqual([0, [{ id: "new_message", uses: "gmail.new_message" }]]);
  const second = addedTrigger(one, mail);
  const two = applied(one, [second.operation]);
  expect([second.index, two.triggers[1].id]).toEqual([1, "new_message_2"]);
  const place = { steps: [WORKFLOW], path: ["triggers", 1, "with", "query"] };
  const changed = applied(two, operationsFor(two, place, "in:inbox"));
  expect(changed.triggers[1].with).toEqual({ query: "in:inbox" });
  const left = applied(changed, [removedTrigger(changed, 0)]);
  expect(triggersIn(left).map(({ id, index }) => [id, index])).toEqual([["new_message_2", 0]]);
  expect(applied(left, [removedTrigger(left, 0)])).toEqual(blank);
});

test("the inputs of a trigger may name the parts of an item", () => {
  const names = itemNames({ properties: { id: { type: "string" }, subject: { type: "string", title: "Subject", outside: true } as never } });
  expect(names.map(({ name, type, from_outside }) => [name, type, from_outside])).toEqual([["item", "object", false], ["item.id", "string", false], ["item.subject", "string", true]]);
});

test("consent is asked for if the answer says what it is about, whatever the error is called", () => {
  const refused = (details: object) => new Refused(409, "Nobody has agreed.", "", details);
  expect(needsConsent(refused({ type: "Renamed", needs_confirmation: ["gmail:me:read"] }))).toBe(true);
  expect(needsConsent(refused({ type: "ConfirmationNeeded" }))).toBe(false);
  expect(needsConsent(new Error("ConfirmationNeeded"))).toBe(false);
});
