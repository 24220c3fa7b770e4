// The triggers of a definition: what they watch, in words, and the operations that add and remove them. Pure.
import type { Definition, Json, Operation, TriggerStatus, TriggerType } from "../api";
import { N_, t, tn } from "../language";
import { unagreed } from "./account";
import type { ScopeName } from "./completion";
import type { Schema } from "./schema";

export interface Trigger {
  // Its place in the list of the file.
  index: number;
  id: string;
  title: string;
  uses: string;
  connection: string;
  fields: Record<string, Json>;
}

const isObject = (value: unknown): value is Record<string, Json> => value !== null && typeof value === "object" && !Array.isArray(value);

// Return the triggers of a definition; other entries of the list are left out, but keep their index.
export function triggersIn(definition: Definition): Trigger[] {
  const list: unknown[] = Array.isArray(definition?.triggers) ? definition.triggers : [];
  return list.flatMap((one, index) => (isObject(one) ? [{ index, id: text(one.id), title: text(one.title), uses: text(one.uses), connection: text(one.connection), fields: isObject(one.with) ? one.with : {} }] : []));
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

export const titleOf = (trigger: Trigger, type: TriggerType | undefined): string => trigger.title || type?.title || trigger.id || t("Trigger");

// Return what a trigger watches, in words: `Every day at 07:00`, `New mail · in:inbox`.
export function watchedWords(trigger: Trigger, type: TriggerType | undefined): string {
  const { cron, every_seconds: every, time_zone: zone } = trigger.fields;
  const at = typeof cron === "string" ? cronWords(cron) : typeof every === "number" ? everyWords(every) : "";
  if (at) return typeof zone === "string" ? `${at}, ${zone}` : at;
  const kind = trigger.title ? (type?.title ?? trigger.uses) : "";
  const values = Object.values(trigger.fields).flatMap((one) => (Array.isArray(one) ? one : [one])).filter((one) => typeof one === "string" || typeof one === "number");
  if (values.length === 1 && values[0] === "in:inbox") values[0] = t("What comes into the inbox");
  return [kind, trigger.connection, ...values.map(String)].filter(Boolean).join(" · ") || trigger.uses;
}

const DAYS = [N_("Sunday"), N_("Monday"), N_("Tuesday"), N_("Wednesday"), N_("Thursday"), N_("Friday"), N_("Saturday"), N_("Sunday")];
const NUMBER = /^\d+$/;

// Return a cron expression in words; a more complex one is shown unchanged.
export function cronWords(cron: string): string {
  const [minute = "", hour = "", day, month, weekday = "", ...rest] = cron.trim().split(/\s+/);
  const asItIs = t("At {time}", { time: cron.trim() });
  if (rest.length > 0 || month !== "*" || (day !== "*" && weekday !== "*")) return asItIs;
  if (NUMBER.test(minute) && NUMBER.test(hour)) {
    const at = t("at {time}", { time: `${hour.padStart(2, "0")}:${minute.padStart(2, "0")}` });
    if (day !== "*") return NUMBER.test(day ?? "") ? t("On day {day} of each month {at}", { day: day ?? "", at }) : asItIs;
    if (weekday === "*") return t("Every day {at}", { at });
    if (weekday === "1-5") return t("Monday to Friday {at}", { at });
    const days = daysOf(weekday);
    return days ? t("Every {day} {at}", { day: days.map((one) => t(DAYS[one]!)).join(", "), at }) : asItIs;
  }
  if (day !== "*" || weekday !== "*" || hour !== "*") return asItIs;
  if (minute === "*") return tn("Every minute", "Every {count} minutes", 1);
  if (NUMBER.test(minute)) return Number(minute) === 0 ? tn("Every hour", "Every {count} hours", 1) : t("Every hour at minute {minute}", { minute });
  const step = /^\*\/(\d+)$/.exec(minute)?.[1];
  return step && 60 % Number(step) === 0 ? tn("Every minute", "Every {count} minutes", Number(step)) : asItIs;
}

// Return the days that a list of them means, such as `1,4` or `2-4`; undefined for what is not one.
function daysOf(weekday: string): number[] | undefined {
  const found = weekday.split(",").flatMap((one) => {
    const [first = "", last = first, ...rest] = one.split("-");
    if (rest.length > 0 || !NUMBER.test(first) || !NUMBER.test(last) || Number(last) < Number(first)) return [-1];
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => Number(first) + index);
  });
  return found.every((one) => DAYS[one]) ? found : undefined;
}

// Return an interval in words.
export function everyWords(seconds: number): string {
  const isWhole = (size: number) => seconds > 0 && seconds % size === 0;
  if (isWhole(86_400)) return tn("Every day", "Every {count} days", seconds / 86_400);
  if (isWhole(3600)) return tn("Every hour", "Every {count} hours", seconds / 3600);
  return isWhole(60) ? tn("Every minute", "Every {count} minutes", seconds / 60) : tn("Every second", "Every {count} seconds", seconds);
}

// Return the status of a trigger for the accounts in use; undefined if it is not in force.
export function statusOf(statuses: TriggerStatus[] | null, id: string): TriggerStatus | undefined {
  const found = (statuses ?? []).filter((one) => one.id === id);
  return found.find((one) => !one.is_resting) ?? found[0];
}

// Return whether a request was refused because nobody has agreed to what it would touch: the answer lists that.
export const needsConsent = (error: unknown): boolean => unagreed(error).length > 0;

const STATES = [N_("By hand"), N_("Off"), N_("Resting"), N_("Broken"), N_("Needs you"), N_("Silent"), N_("Trying again"), N_("On")];

// Return whether a trigger starts runs, and in which environment: `On · prod`; "" if that is not known yet.
export function stateWords(statuses: TriggerStatus[] | null, id: string): string {
  if (statuses === null) return "";
  const status = statusOf(statuses, id);
  if (!status) return t("Not in force yet");
  const word = t(STATES.find((one) => one.toLowerCase() === status.state) ?? status.state);
  return status.environment ? `${word} · ${status.environment}` : word;
}

// Return the operation that adds a trigger of a type, and where it will be.
export function addedTrigger(definition: Definition, type: TriggerType): { operation: Operation; index: number } {
  const list = Array.isArray(definition?.triggers) ? definition.triggers : [];
  const taken = new Set(triggersIn(definition).map(({ id }) => id));
  const wanted = type.name.split(".").at(-1) ?? type.name;
  let id = wanted;
  for (let number = 2; taken.has(id); number += 1) id = `${wanted}_${number}`;
  const trigger = { id, uses: type.name };
  if (list.length === 0) return { operation: { op: "set", field: "triggers", value: [trigger] }, index: 0 };
  return { operation: { op: "set", field: ["triggers", list.length], value: trigger }, index: list.length };
}

// Return the operation that removes a trigger; the last one takes the list with it.
export const removedTrigger = (definition: Definition, index: number): Operation =>
  definition.triggers.length === 1 ? { op: "unset", field: "triggers" } : { op: "unset", field: ["triggers", index] };

// Return the names that the inputs of a trigger may use: the parts of what was found.
export function itemNames(item: Schema): ScopeName[] {
  const found = Object.entries(item.properties ?? {}).map(([name, schema]) => ({
    name: `item.${name}`,
    type: typeof schema.type === "string" ? schema.type : "",
    may_be_missing: false,
    from_outside: (schema as { outside?: boolean }).outside === true,
    title: schema.title ?? "",
    sample: null,
  }));
  return [{ name: "item", type: "object", may_be_missing: false, from_outside: false, title: t("What was found"), sample: null }, ...found];
}
