// The run that a canvas shows: live over its socket, at a time of its past, or compared with another one; or a prediction
// of what the draft would do.
import { api, Refused, type RunRow, type Timeline } from "../api";
import { t } from "../language";
import { watchRun, type Live, type RunState } from "../live";
import { runOf } from "../panel/account";
import { plannedMarks, predictedMarks, runMarks, type Marks } from "./marks";
import { pauseAt, stopsOf, wordsAt, type Stop } from "./past";
import { planOf, type Plan } from "./plan";
import type { Prediction } from "./prediction";

export type Showing = "off" | "live" | "past" | "predicted";

// What it needs of the canvas.
export interface Owner {
  workflow: string;
  // The etag of the text that the server has.
  rev(): string;
  titleOf(path: string): string;
  // Another run is shown, or it has changed.
  ran(): void;
  changed(): void;
}

const ENDED = new Set(["succeeded", "failed", "cancelled"]);
const OPEN = new Set(["queued", "running"]);
const LATER_MS = 500;
const NO_MARKS: Marks = {};

export class Flow {
  showing: Showing = "off";
  // The last runs of the workflow, newest first.
  runs: RunRow[] = [];
  runId: string | null = null;
  // The newest state of the run, and the stops of its past once that is known.
  run: RunState | null = null;
  stops: Stop[] = [];
  at = 0;
  isPlaying = false;
  otherId: string | null = null;
  prediction: Prediction | null = null;
  // What the run would have written, if it is a try.
  plan: Plan | null = null;
  failure = "";
  private timeline: Timeline | null = null;
  private other: RunState | null = null;
  private socket: Live | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked = 0; // the newest request for a prediction
  private drawn: { of: unknown[]; marks: Marks } = { of: [], marks: NO_MARKS };

  constructor(private readonly owner: Owner) {}

  get isOn(): boolean {
    return this.showing !== "off";
  }

  get isOver(): boolean {
    return this.run !== null && ENDED.has(this.run.status);
  }

  // Whether the run has a past to go through.
  get hasPast(): boolean {
    return this.run !== null && !OPEN.has(this.run.status);
  }

  // The state that is shown, null in a prediction.
  get state(): RunState | null {
    if (this.showing === "past") return this.stops[this.at]?.state ?? this.run;
    return this.showing === "live" ? this.run : null;
  }

  get marks(): Marks {
    const of = [this.showing, this.state, this.showing === "predicted" ? this.prediction : null, this.other, this.plan];
    if (of.some((one, index) => one !== this.drawn.of[index])) this.drawn = { of, marks: this.made() };
    return this.drawn.marks;
  }

  private made(): Marks {
    if (this.showing === "predicted") return this.prediction ? predictedMarks(this.prediction) : NO_MARKS;
    const found = this.state ? runMarks(this.state, this.other) : NO_MARKS;
    return this.plan ? plannedMarks(found, this.plan) : found;
  }

  // The moment in words, with the stretch without work that begins there.
  get words(): string {
    return this.stops.length > 0 ? wordsAt(this.stops, this.at, this.timeline?.idle ?? [], this.owner.titleOf) : "";
  }

  get isJoined(): boolean {
    return this.timeline?.is_joined ?? false;
  }

  // ---- which run

  toggle(): void {
    if (this.isOn) this.close();
    else void this.open(null);
  }

  // Show a run, null for the newest one; without any run, what the draft would do.
  async open(runId: string | null): Promise<void> {
    this.showing = "live";
    this.owner.changed();
    await this.list();
    const id = runId ?? this.runs[0]?.run_id ?? null;
    if (!this.isOn) return;
    if (id !== null) this.choose(id);
    else this.show("predicted");
  }

  // Run the saved workflow without a write, and show that run.
  async try(): Promise<void> {
    try {
      await this.open(await api.plan(this.owner.workflow));
    } catch (error) {
      this.showing = "live";
      this.failure = error instanceof Refused ? `${error.message} ${error.remedy}`.trim() : (error as Error).message;
      this.owner.changed();
    }
  }

  async list(): Promise<void> {
    try {
      this.runs = await api.runs(this.owner.workflow);
      this.failure = "";
    } catch (error) {
      this.failure = (error as Error).message;
    }
    this.owner.changed();
  }

  choose(runId: string): void {
    this.leave();
    this.runId = runId;
    if (this.otherId === runId) this.compare("");
    address(runId);
    this.socket = watchRun(runId, {
      onState: (state) => this.take(state),
      onLink: (link) => {
        if (link === "over" && this.run) {
          void this.loadPast();
          void this.loadPlan();
        }
        if (link === "refused") this.failure = t("This run no longer exists, or you may not see it.");
        this.owner.changed();
      },
    });
    if (this.showing === "predicted") void this.predict();
    else this.showing = "live";
    this.owner.changed();
  }

  private take(state: RunState): void {
    const isFirst = this.run === null;
    this.run = state;
    this.owner.ran();
    this.runs = this.runs.map((one) => (one.run_id === state.run_id && one.status !== state.status ? { ...one, status: state.status } : one));
    if (isFirst && this.hasPast && !this.isOver && this.showing !== "predicted") void this.loadPast(); // the run is waiting
    this.owner.changed();
  }

  private leave(): void {
    const { socket } = this;
    this.pause();
    [this.socket, this.run, this.timeline, this.stops, this.at, this.plan, this.failure] = [null, null, null, [], 0, null, ""];
    socket?.close();
  }

  close(): void {
    this.leave();
    [this.showing, this.runId, this.otherId, this.other, this.prediction] = ["off", null, null, null, null];
    this.owner.ran();
    address(null);
    this.owner.changed();
  }

  end(): void {
    this.leave();
  }

  // Compare with the end of another run, or with none for "".
  compare(runId: string): void {
    [this.otherId, this.other] = [runId || null, null];
    this.owner.changed();
    if (!runId) return;
    api.timeline(runId).then(
      (line) => {
        if (this.otherId !== runId) return;
        this.other = stopsOf(line).at(-1)!.state;
        this.owner.changed();
      },
      (error: Error) => this.fail(error),
    );
  }

  private fail(error: Error): void {
    this.failure = error.message;
    this.owner.changed();
  }

  // ---- when

  show(showing: Showing): void {
    this.pause();
    this.showing = showing;
    if (showing === "past" && this.timeline === null) void this.loadPast();
    if (showing === "predicted") void this.predict();
    this.owner.changed();
  }

  // Load the past of the run; a run that has ended is shown at its end.
  private async loadPast(): Promise<void> {
    const id = this.runId;
    if (id === null) return;
    try {
      const line = await api.timeline(id);
      if (this.runId !== id) return;
      [this.timeline, this.stops] = [line, stopsOf(line)];
      this.at = this.stops.length - 1;
      if (this.showing === "live" && this.isOver) this.showing = "past";
      this.owner.changed();
    } catch (error) {
      this.fail(error as Error);
    }
  }

  // Tries are not in the list of runs.
  private async loadPlan(): Promise<void> {
    const id = this.runId;
    if (id === null || this.runs.some((one) => one.run_id === id)) return;
    try {
      const plan = planOf(await runOf(id));
      if (this.runId !== id) return;
      this.plan = plan;
      this.owner.changed();
    } catch (error) {
      this.fail(error as Error);
    }
  }

  seek(index: number): void {
    this.pause();
    this.at = Math.max(0, Math.min(this.stops.length - 1, index));
    this.owner.changed();
  }

  play(): void {
    if (this.isPlaying) return this.seek(this.at);
    if (this.at >= this.stops.length - 1) this.at = 0;
    this.isPlaying = true;
    this.goOn();
  }

  private goOn(): void {
    this.owner.changed();
    if (this.at >= this.stops.length - 1) return this.pause();
    this.timer = setTimeout(() => {
      this.at += 1;
      this.goOn();
    }, pauseAt(this.stops, this.at));
  }

  private pause(): void {
    clearTimeout(this.timer);
    this.isPlaying = false;
  }

  // ---- what the draft would do

  // The draft has changed: predict it again after a short pause.
  follow(): void {
    if (this.showing !== "predicted" || this.prediction?.rev === this.owner.rev()) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.predict(), LATER_MS);
  }

  private async predict(): Promise<void> {
    const number = (this.asked += 1);
    try {
      const found = await api.prediction(this.owner.workflow, this.runId ?? "");
      if (number !== this.asked || this.showing !== "predicted") return;
      [this.prediction, this.failure] = [found, ""];
      this.owner.changed();
    } catch (error) {
      if (number === this.asked) this.fail(error as Error);
    }
  }
}

// Keep the run in the address of the page, so that a reload shows it again.
function address(runId: string | null): void {
  const url = new URL(location.href);
  if (runId === null) url.searchParams.delete("run");
  else url.searchParams.set("run", runId);
  if (url.href !== location.href) history.replaceState(history.state, "", url);
}
