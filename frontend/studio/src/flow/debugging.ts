// Debug runs: the breakpoints of a person, where the run that is shown is paused, and how it goes on.
import { api, Refused, type DebugView, type Json, type Past, type PausedStep } from "../api";
import { parseJson } from "../json";
import { said, t, tn } from "../language";
import type { Mark, Marks } from "./marks";

const LOOK_MS = 400;
const ENDED = new Set(["succeeded", "failed", "cancelled"]);

// What it needs of the canvas.
export interface DebugOwner {
  workflow: string;
  // Whose breakpoints these are, in this browser.
  key: string;
  storage: Pick<Storage, "getItem" | "setItem">;
  // The ids of the steps that make a call.
  ids(): string[];
  // Store what is typed and on its way; false if that needs the person first.
  flush(): Promise<boolean>;
  show(runId: string): void;
  // The run pauses somewhere else than before.
  paused(step: PausedStep): void;
  say(text: string, isError?: boolean): void;
  changed(): void;
}

export class Debugger {
  // The ids of the steps with a breakpoint, also of steps that were removed: undo brings those back.
  breakpoints: ReadonlySet<string>;
  // Where the run that is shown is; null if it is no debug run.
  view: DebugView | null = null;
  // The paused step that is meant if there are several, by its path in the run.
  private wanted = "";
  private runId: string | null = null;
  private isAsking = false;
  private isAskedAgain = false;
  private isSending = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private drawn: { marks: Marks | null; view: DebugView | null; made: Marks } = { marks: null, view: null, made: {} };

  constructor(private readonly owner: DebugOwner) {
    this.breakpoints = new Set(read(owner));
  }

  // Whether the run that is shown is a debug run that has not ended.
  get isOn(): boolean {
    return this.view !== null && !ENDED.has(this.view.status);
  }

  // The paused step that Step goes on with.
  get chosen(): PausedStep | null {
    return this.view?.paused.find(({ path }) => path === this.wanted) ?? this.view?.paused[0] ?? null;
  }

  // The paused calls of a step of the workflow.
  pausedAt(step: string): PausedStep[] {
    return this.view?.paused.filter((one) => one.step === step) ?? [];
  }

  choose(path: string): void {
    this.wanted = path;
    this.owner.changed();
  }

  // Return these marks, with the pauses.
  marks(marks: Marks): Marks {
    if (!this.isOn || !this.view) return marks;
    if (this.drawn.marks !== marks || this.drawn.view !== this.view) this.drawn = { marks, view: this.view, made: withPauses(marks, this.view) };
    return this.drawn.made;
  }

  // ---- breakpoints

  toggle(id: string): void {
    const next = new Set(this.breakpoints);
    if (!next.delete(id)) next.add(id);
    this.breakpoints = next;
    try {
      this.owner.storage.setItem(this.owner.key, JSON.stringify([...next]));
    } catch {
      // Storage is full: they are forgotten with the page.
    }
    this.owner.changed();
    if (this.isOn) void this.send((runId) => api.breakpoints(runId, this.named));
  }

  private get named(): string[] {
    return this.owner.ids().filter((id) => this.breakpoints.has(id));
  }

  // ---- the run

  // Start a debug run of the draft.
  async start(inputs: Record<string, Json>): Promise<boolean> {
    if (this.isSending) return false;
    this.isSending = true;
    try {
      if (!(await this.owner.flush())) return false;
      const { run_id } = await api.debug(this.owner.workflow, inputs, this.named);
      this.owner.show(run_id);
      return true;
    } catch (error) {
      this.fail(error);
      return false;
    } finally {
      this.isSending = false;
    }
  }

  step(): void {
    if (!this.isOn) return;
    const path = this.chosen?.path ?? "";
    void this.send((runId) => api.debugStep(runId, path));
  }

  goOn(past: Past = ""): void {
    if (!this.isOn) return;
    const path = past ? (this.chosen?.path ?? "") : "";
    if (past === "breakpoint" && this.chosen) this.forget(this.chosen);
    void this.send((runId) => api.debugContinue(runId, past, path));
  }

  // The server deletes the breakpoint of the run; the person's goes with it.
  private forget({ step }: PausedStep): void {
    const next = new Set(this.breakpoints);
    next.delete(step.split(".").at(-1)!);
    this.breakpoints = next;
    this.owner.storage.setItem(this.owner.key, JSON.stringify([...next]));
  }

  stop(): void {
    if (!this.isOn || !this.runId) return;
    api.cancel(this.runId).then(
      () => this.look(),
      (error: unknown) => this.fail(error),
    );
  }

  private async send(way: (runId: string) => Promise<DebugView>): Promise<void> {
    const { runId } = this;
    if (runId === null || this.isSending) return;
    this.isSending = true;
    try {
      const view = await way(runId);
      if (this.runId === runId) this.take(view);
    } catch (error) {
      this.fail(error);
    } finally {
      this.isSending = false;
    }
  }

  private fail(error: unknown): void {
    const { message } = error as Error;
    this.owner.say(error instanceof Refused ? `${message} ${error.remedy}`.trim() : message, true);
  }

  // The run that is shown is another one, or something has happened in it.
  follow(runId: string | null, mayBeDebugged: boolean): void {
    if (runId !== this.runId) [this.runId, this.view, this.wanted] = [runId, null, ""];
    if (runId !== null && mayBeDebugged && !(this.view && ENDED.has(this.view.status))) this.look();
  }

  // Ask where the run is, one request at a time.
  private look(): void {
    clearTimeout(this.timer);
    if (this.isAsking) {
      this.isAskedAgain = true;
      return;
    }
    const { runId } = this;
    if (runId === null) return;
    this.isAsking = true;
    this.isAskedAgain = false;
    api
      .debugView(runId)
      .then(
        (view) => this.runId === runId && this.take(view),
        () => undefined, // no debug run, or the server is away: the next change asks again
      )
      .finally(() => {
        this.isAsking = false;
        if (this.isAskedAgain || this.runId !== runId) this.look();
      });
  }

  private take(view: DebugView): void {
    const before = this.chosen?.path;
    this.view = view;
    const { chosen } = this;
    if (chosen && chosen.path !== before) this.owner.paused(chosen);
    if (view.is_moving) this.timer = setTimeout(() => this.look(), LOOK_MS);
    this.owner.changed();
  }

  end(): void {
    clearTimeout(this.timer);
  }
}

function read({ storage, key }: DebugOwner): string[] {
  try {
    const found: unknown = JSON.parse(storage.getItem(key) ?? "[]");
    return Array.isArray(found) ? found.map(String) : [];
  } catch {
    return [];
  }
}

// Return where a run is, in words.
export function pauseWords({ paused, is_moving, sentence }: DebugView, chosen: PausedStep | null): string {
  if (!chosen) return is_moving ? t("Running to the next pause …") : said(sentence);
  const where = chosen.item ? t("Paused before {title}, {item}", { title: chosen.title, item: chosen.item }) : t("Paused before {title}", { title: chosen.title });
  const others = paused.length - 1;
  return others > 0 ? `${where}, ${tn("and {count} other step", "and {count} other steps", others)}` : where;
}

// Return marks with the paused steps in place of what the run says of them.
export function withPauses(marks: Marks, { paused }: DebugView): Marks {
  const found: Marks = { ...marks };
  for (const { step, item } of paused) {
    const known = found[step];
    const count = paused.filter((one) => one.step === step).length;
    const words = count > 1 ? t("Paused here, {count} times", { count }) : item ? t("Paused here: {item}", { item }) : t("Paused here");
    found[step] = { ...(known ?? BLANK), status: "paused", icon: "pause", words };
  }
  return found;
}

const BLANK: Mark = { status: "", icon: "pause", words: "", difference: "", isPredicted: false, isHollow: false, type: "", count: 0 };

// An input as a person types it: its schema, and the text to begin with.
export interface Asked {
  name: string;
  title: string;
  isText: boolean;
  text: string;
}

// Return what a debug run asks for, from the schema of the inputs of a definition.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export function askedInputs(definition: any): Asked[] {
  const properties = (definition?.inputs?.properties ?? {}) as Record<string, { title?: string; type?: string; default?: Json }>;
  return Object.entries(properties).map(([name, schema]) => {
    const isText = (schema.type ?? "string") === "string";
    const known = schema.default;
    return { name, title: schema.title ?? name, isText, text: known === undefined ? "" : isText ? String(known) : JSON.stringify(known) };
  });
}

// Return typed inputs as values: text as it is, all else as JSON; what is empty and no text is left out.
export function typedInputs(asked: readonly Asked[]): Record<string, Json> {
  const found: Record<string, Json> = {};
  for (const { name, isText, text } of asked) {
    if (isText) found[name] = text;
    else if (text.trim()) found[name] = jsonOr(text);
  }
  return found;
}

function jsonOr(text: string): Json {
  try {
    return parseJson(text) as Json;
  } catch {
    return text; // the server says what it should be
  }
}
