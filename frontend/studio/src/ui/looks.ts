// How steps look: the word and the icon of each kind and status. Never a colour alone.
import type { CanvasStep, Kind } from "../api";
import { N_, t } from "../language";
import { clauseOf, pathOf, plainWords } from "../panel/meaning";
import { wholeOf } from "../panel/template";
import { conditionOf } from "../panel/conditions";
import type { IconName } from "./icons";

const WORDS: Record<Kind, string> = {
  input: N_("Reads"),
  output: N_("Writes"),
  process: N_("Works internally"),
  agent: N_("Asks a model"),
  tool: N_("Uses a tool"),
  group: N_("Group"),
  unknown: N_("Unknown type"),
};

export const isLoop = (step: CanvasStep): boolean => step.foreach !== "";

// Return what a step does, in words: `Reads Gmail`.
export function wordOf(step: CanvasStep, services: Record<string, string>): string {
  if (step.uses === "workflow.run") return t("Runs a workflow");
  const word = kindWord(step.kind, isLoop(step));
  const service = services[step.service];
  return service && (step.kind === "input" || step.kind === "output") ? `${word} ${service}` : word;
}

export const kindWord = (kind: Kind, isLoop: boolean): string => (kind === "group" && isLoop ? t("For each") : t(WORDS[kind]));

export const iconOf = (step: CanvasStep): IconName => (step.kind === "group" && isLoop(step) ? "loop" : step.kind);

export interface StatusLook {
  word: string;
  icon: IconName;
}

const STATUSES: Record<string, StatusLook> = {
  pending: { word: N_("Pending"), icon: "pending" },
  running: { word: N_("Running"), icon: "running" },
  waiting: { word: N_("Waiting"), icon: "waiting" },
  paused: { word: N_("Paused"), icon: "pause" },
  succeeded: { word: N_("Succeeded"), icon: "done" },
  failed: { word: N_("Failed"), icon: "failed" },
  cancelled: { word: N_("Cancelled"), icon: "close" },
  queued: { word: N_("Queued"), icon: "pending" },
  interrupted: { word: N_("Interrupted"), icon: "waiting" },
  skipped: { word: N_("Skipped"), icon: "skipped" },
};

// Return how the status of a step in a run is shown.
export const lookOf = (status: string): StatusLook => translated(STATUSES[status]) ?? { word: status, icon: "pending" };

const translated = (look: StatusLook | undefined): StatusLook | undefined => look && { ...look, word: t(look.word) };

// Return a word as it is written inside a sentence.
export const insideSentence = (word: string): string => word.charAt(0).toLowerCase() + word.slice(1);

export interface Said {
  condition: string;
  // The first part of the condition, and how many follow: a card has no room for more.
  clause: string;
  more: number;
  // "For each of the …"; "" for a step that does not repeat.
  each: string;
}

// Return under which condition a step runs, and for each of which list: in words, or as it is written if a person wants that.
export function saidOf({ condition, foreach }: CanvasStep, steps: readonly CanvasStep[], isRaw: boolean): Said {
  const titleOf = (id: string) => steps.find((one) => one.id === id)?.title ?? id;
  if (isRaw) return { condition, clause: condition, more: 0, each: foreach && t("For each of {list}", { list: wholeOf(foreach) ?? foreach }) };
  const [first, ...others] = conditionOf(wholeOf(condition) ?? condition)?.rows ?? [];
  const isFirst = others.length > 0 && first?.source !== undefined;
  const list = plainWords(foreach, [], titleOf);
  return {
    condition: condition && clauseOf(condition, [], titleOf),
    clause: condition && clauseOf(isFirst ? first.source! : condition, [], titleOf),
    more: isFirst ? others.length : 0,
    each: foreach && (isMember(wholeOf(foreach) ?? "") ? t("For each of the {list}", { list }) : t("For each of {list}", { list })),
  };
}

// Return whether an expression is a part of a value, which its words begin with: `messages of “Read mail”`.
function isMember(expression: string): boolean {
  const parts = pathOf(expression).split(".");
  return parts[0] === "steps" ? parts.length > 3 : parts[0] !== "inputs" && parts.length > 1;
}
