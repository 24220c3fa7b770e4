// The state of one canvas: what the server has, what is on its way there, and what is selected, folded and open.
import { Copilot } from "./copilot/copilot";
import { api, Refused, Unanswered, textsOf, type Canvas, type CanvasStep, type Definition, type Edited, type Operation, type PausedStep, type StepLook, type Problem, type StepType, type StepTypes, type TriggerBeginning, type TriggerStatus, type TriggerType } from "./api";
import { idsIn, stepIn, stepsOf, type TypeLook } from "./document";
import { connect, copied, disconnect, gapAfter, idFor, insert, move, pasted, remove, renumbered, unwrap, wrap } from "./gestures";
import { Foresight } from "./foresight";
import { targetsOf, type Target } from "./join";
import { joinedBy, type Joining } from "./joining";
import { learn, t, tn } from "./language";
import type { Gap } from "./layout";
import { askedInputs, Debugger, pauseWords } from "./flow/debugging";
import { Flow } from "./flow/flow";
import { watchDraft, type Link, type Live } from "./live";
import { modelOf, outermost, type Model, type Node } from "./model";
import { painted } from "./paint";
import { editsOf, type Edits } from "./panel/edits";
import { AUTOMATIC, fitting, type Size } from "./own";
import { nameOf } from "./panel/places";
import type { Schema } from "./panel/schema";
import { removedTrigger, statusOf, titleOf, triggersIn } from "./panel/triggers";
import { Queue, type Change, type QueueState } from "./queue";
import { parsed, spliced, withoutPlace } from "./text";

// What the page tells: dashboard/workflow/canvas.py.
export interface Mounted {
  workflow: string;
  // A name for the person, so that nobody gets what another one has folded or not sent.
  owner: string;
  // The etag of the file as the page shows it.
  etag: string;
  mayEdit: boolean;
  // Whether the person may start runs: debugging does.
  mayRun: boolean;
  services: Record<string, string>;
  // The paths of steps that never run, and the ways of text that must not go there, in the saved file.
  never: string[];
  breaches: [string, string][];
  // Names that mean something else in expressions: no step can have them.
  reserved: string[];
  // The run to show, "" for none: from the address of the page.
  run: string;
  // The address of the code editor, whose colours code has.
  editor?: string;
  // What the co-pilot is asked at once, for a new workflow; "" for nothing.
  asks?: string;
}

export interface View {
  definition: Definition | null;
  steps: CanvasStep[];
  model: Model;
  problems: Problem[];
}

export interface SaveClash {
  theirs: string;
  etag: string;
  differences: string[];
}

export type Dialog =
  | { kind: "picker"; gap: Gap }
  | { kind: "menu"; x: number; y: number; key: string | null }
  | { kind: "rename"; key: string; refused?: { title: string; id: string; why: string } }
  // `text`: what was typed and is not kept yet.
  | { kind: "note"; key: string; text?: string }
  | { kind: "connect"; key: string }
  // `from`: null if that is chosen in it; `field`: the index of the target.
  | { kind: "join"; from: string | null; to: string; field?: number | undefined }
  | { kind: "debug" }
  | { kind: "help" }
  | { kind: "save"; clash: SaveClash }
  | { kind: "discard" };

export interface Toast {
  text: string;
  isError: boolean;
  number: number;
}

// Changes of where steps stand and how they look, by path; null and "" stand for what is automatic.
interface Arrangement {
  positions: Record<string, [number, number] | null>;
  looks: Record<string, Partial<StepLook>>;
}

const EMPTY: View = { definition: null, steps: [], model: modelOf([]), problems: [] };
const NO_READS: CanvasStep["reads"] = [];

export class Studio {
  mounted: Mounted;
  canvas: Canvas | null = null;
  failure = "";
  view: View = EMPTY;
  selected: ReadonlySet<string> = new Set();
  // The step that the keyboard is on.
  current: string | null = null;
  folded: ReadonlySet<string>;
  // The connection that is chosen: the keys of both steps.
  line: { from: string; to: string } | null = null;
  isPanelOpen = false;
  // Whether the panel and the co-pilot stand beside each other: the page tells, by its width.
  hasRoomForBoth = true;
  // Whether the panel shows the workflow itself.
  isWorkflowOpen = false;
  // The trigger that the panel shows, by its place in the file, or the form that adds one.
  trigger: number | "new" | null = null;
  triggerTypes: TriggerType[] | null = null;
  // Of the triggers that are in force; null until they are loaded.
  triggerStatuses: TriggerStatus[] | null = null;
  dialog: Dialog | null = null;
  toast: Toast | null = null;
  spoken = "";
  search = "";
  types: StepType[] | null = null;
  // The fields of every step; they come with the step types.
  stepSchema: Schema = {};
  keptAt: Date | null = null;
  isSaving = false;
  isEverywhereData = false;
  // The run that is shown on the steps.
  readonly flow: Flow;
  readonly debugger: Debugger;
  readonly copilot: Copilot;
  // Changes when the co-pilot's field shall get the focus.
  askNumber = 0;
  readonly queue: Queue;
  private readonly listeners = new Set<() => void>();
  private version = 0;
  private number = 0;
  // The reading of the draft that is under way, and whether another one must follow: it may have begun too early.
  private reading: Promise<void> | null = null;
  private isReadAgain = false;
  private isTold = false;
  private definition: Definition | null = null;
  private draftNews: Live | null = null;
  private readonly looks = new Map<string, TypeLook>();
  // Steps that were renamed here, both ways: a refusal or an undo takes the name back.
  private readonly renamed = new Map<string, string>();
  private loadingTypes: Promise<StepTypes> | null = null;
  private readonly foresight = new Foresight();
  // What the view was last foreseen from.
  private foreseenOf: unknown[] = [];
  private link: Link = "connecting";
  // The file was changed while changes were on their way.
  private isFileOther = false;
  // The text whose problems the socket has not sent yet, and what it sent last: it may come before the answer.
  private uncheckedRev = "";
  private told: { rev: string; problems: Problem[] } = { rev: "", problems: [] };

  constructor(mounted: Mounted, private readonly tellSaved: () => void) {
    this.mounted = mounted;
    this.folded = new Set(storedFolds(this.foldKey));
    this.flow = new Flow({
      workflow: mounted.workflow,
      rev: () => this.canvas?.rev ?? "",
      titleOf: (path) => this.view.model.byPath.get(path)?.step.title ?? path,
      ran: () => this.debugger?.follow(this.flow.runId, this.flow.runs.find((one) => one.run_id === this.flow.runId)?.is_test !== false),
      changed: () => this.changed(),
    });
    this.debugger = new Debugger({
      workflow: mounted.workflow,
      key: `orchestra.breakpoints/${mounted.owner}/${mounted.workflow}`,
      storage: localStorage,
      ids: () => this.view.steps.filter((one) => one.uses !== "").map((one) => one.id),
      flush: () => this.flushed(),
      show: (runId) => void this.flow.open(runId),
      paused: (step) => this.showPause(step),
      say: (text, isError) => this.say(text, isError),
      changed: () => this.changed(),
    });
    if (mounted.run) void this.flow.open(mounted.run);
    this.queue = new Queue({
      send: (change, base) => painted().then(() => this.post(change, base)), // what it changes is shown first
      storage: sessionStorage,
      key: `orchestra.canvas/${mounted.owner}/${mounted.workflow}`,
      newId: () => randomId(),
      later: (callback, milliseconds) => {
        const timer = setTimeout(callback, milliseconds);
        return () => clearTimeout(timer);
      },
      changed: () => {
        this.viewChanged();
        if (this.isFileOther && this.queue.isEmpty) void this.refresh(); // no answer to a change brings that
      },
      kept: (change, edited) => this.take(change, edited),
      refused: (_change, error) => this.say(`${error.message} ${error.remedy}`.trim(), true),
      outdated: () => void this.refresh(),
    });
    this.copilot = new Copilot({
      workflow: mounted.workflow,
      storage: sessionStorage,
      key: `orchestra.copilot/${mounted.owner}/${mounted.workflow}`,
      isDrawing: true,
      subjects: () => this.selectedNodes.map(({ step }) => step),
      runId: () => (this.flow.isOn ? (this.flow.runId ?? "") : ""),
      steps: () => this.view.steps.filter((one) => one.uses !== ""),
      flush: () => this.settled(),
      rev: async () => (await api.canvas(mounted.workflow)).rev,
      accepted: ({ rev }) => {
        this.acceptedRev = rev;
        void this.refresh();
      },
      undo: () => this.undo("undo"),
      shownRev: () => this.canvas?.rev ?? "",
      isUnsaved: () => this.canvas?.is_draft ?? false,
      select: (steps) => this.select(steps),
      show: (step) => this.showStep(step),
      changed: () => this.changed(),
    });
    if (mounted.asks) {
      this.openCopilot(true);
      void this.copilot.begin(mounted.asks);
    }
  }

  // ---- for React

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  snapshot = (): number => this.version;

  changed(): void {
    this.version += 1;
    if (this.isTold) return;
    this.isTold = true;
    queueMicrotask(() => {
      this.isTold = false;
      for (const listener of this.listeners) listener();
    });
  }

  // ---- reading

  get readOnly(): boolean {
    return !this.mounted.mayEdit || this.view.definition === null;
  }

  get state(): QueueState {
    return this.queue.state;
  }

  node(key: string | null): Node | null {
    return key === null ? null : (this.view.model.nodes.get(key) ?? null);
  }

  get selectedNodes(): Node[] {
    return this.view.model.list.filter((one) => this.selected.has(one.key));
  }

  problemsOf(id: string): Problem[] {
    return this.view.problems.filter((one) => one.step === id);
  }

  // Take over what the page tells on a rerun.
  remount(mounted: Mounted): void {
    const isOther = mounted.etag !== this.mounted.etag;
    if (mounted.run && mounted.run !== this.mounted.run && mounted.run !== this.flow.runId) void this.flow.open(mounted.run);
    this.mounted = mounted;
    this.changed();
    if (isOther) void this.refresh();
  }

  // Read the draft again, unless changes are on their way: their answers bring it.
  refresh(): Promise<void> {
    this.isReadAgain = true;
    this.reading ??= this.readAll().finally(() => (this.reading = null));
    return this.reading;
  }

  private async readAll(): Promise<void> {
    while (this.isReadAgain && !(this.canvas && !this.queue.isEmpty)) {
      this.isReadAgain = false;
      await this.read();
    }
    this.isReadAgain = false;
  }

  private async read(): Promise<void> {
    try {
      const canvas = await api.canvas(this.mounted.workflow);
      if (this.canvas && !this.queue.isEmpty) return;
      this.failure = "";
      this.isFileOther = false;
      if (this.canvas?.rev !== canvas.rev) this.foresight.forget();
      this.uncheckedRev = "";
      this.show(canvas);
      this.queue.begin(canvas.rev);
      if (triggersIn(this.definition).length > 0) void this.loadTriggers();
      void this.stepTypes().catch(() => undefined); // the panel needs them, also once nothing answers any more
    } catch (error) {
      this.failure = error instanceof Unanswered ? t("The server cannot be reached.") : (error as Error).message;
      if (error instanceof Unanswered && !this.canvas) setTimeout(() => void this.refresh(), 3000);
    } finally {
      this.changed();
    }
  }

  private show(canvas: Canvas): void {
    const isFirst = this.canvas === null;
    if (!isFirst && this.canvas?.rev !== canvas.rev) this.copilot.drafted();
    if (this.canvas?.rev !== canvas.rev || this.definition === null) this.definition = parsed(canvas.text);
    this.canvas = canvas;
    if (canvas.rev === this.acceptedRev) {
      this.acceptedRev = "";
      this.accepted += 1;
    }
    if (!canvas.is_draft) this.keptAt = null;
    this.learn(canvas.steps);
    this.viewChanged();
    this.flow.follow();
    if (isFirst) this.reopenNote();
  }

  private learn(steps: CanvasStep[]): void {
    for (const { uses, kind, service, effect } of steps) {
      if (uses && kind !== "group" && !this.looks.has(uses)) this.looks.set(uses, { title: "", kind, service, effect });
    }
  }

  // Take over the answer to a change.
  private take(change: Change, edited: Edited): void {
    const { canvas } = this;
    if (!canvas) return;
    let { text } = edited;
    if (text === null && canvas.rev === edited.base) {
      try {
        text = spliced(canvas.text, edited.splices);
      } catch {
        text = null;
      }
    }
    if (text === null && canvas.rev !== edited.rev) {
      queueMicrotask(() => void this.refresh()); // once this change is no longer waiting
      return;
    }
    const { rev, steps, can_undo, can_redo } = edited;
    const problems = edited.problems ?? (this.told.rev === rev ? this.told.problems : null);
    this.keptAt = new Date();
    if (edited.text === null && canvas.rev === edited.base) this.foresight.made(change.kind, this.definition);
    else this.foresight.forget();
    this.uncheckedRev = problems ? "" : rev;
    this.show({ ...canvas, text: text ?? canvas.text, rev, steps, can_undo, can_redo, problems: problems ?? canvas.problems, is_draft: true });
  }

  private async post(change: Change, base: string): Promise<Edited> {
    const { workflow } = this.mounted;
    const check = this.link !== "open"; // an open socket tells the problems a moment later
    return change.kind === "ops" ? api.ops(workflow, base, change.opId, change.ops, check) : api.back(workflow, base, change.kind, check);
  }

  // Work out what is shown: what the server has, with the changes that are on their way.
  private viewChanged(): void {
    const { canvas } = this;
    if (canvas) {
      const { changes } = this.queue;
      this.view = changes.length > 0 && this.definition ? this.foreseen(canvas, changes) : this.known(canvas);
      this.keepSelection();
    }
    this.changed();
  }

  private known(canvas: Canvas): View {
    return this.viewOf(this.definition, canvas.steps, canvas.problems);
  }

  // What has not changed stays the same object, so that only what has changed is drawn again.
  private viewOf(definition: Definition, steps: CanvasStep[], problems: Problem[]): View {
    const now = keptSteps(this.view.steps, steps);
    const isSame = now === this.view.steps;
    if (isSame && problems === this.view.problems && definition === this.view.definition) return this.view;
    return { definition, steps: now, model: isSame ? this.view.model : modelOf(now), problems };
  }

  private foreseen(canvas: Canvas, pending: Change[]): View {
    const definition = this.foresight.after(this.definition, pending);
    const of = [definition, canvas.steps, canvas.problems, this.types];
    if (of.every((one, index) => one === this.foreseenOf[index]) && this.view.definition === definition) return this.view;
    this.foreseenOf = of;
    const reads = new Map(canvas.steps.map((one) => [one.id, one.reads]));
    const steps = stepsOf(definition, (uses) => this.look(uses), (id) => reads.get(id) ?? NO_READS);
    return this.viewOf(definition, steps, canvas.problems);
  }

  private look(uses: string): TypeLook | undefined {
    const type = this.types?.find((one) => one.name === uses);
    if (type) return { title: type.title, kind: type.kind, service: type.service ?? "", effect: type.effect };
    const known = this.looks.get(uses);
    return known && { ...known, title: this.canvas?.steps.find((one) => one.uses === uses)?.title ?? "" };
  }

  async stepTypes(): Promise<StepType[]> {
    this.loadingTypes ??= api.stepTypes();
    try {
      ({ step_types: this.types, step_schema: this.stepSchema } = await this.loadingTypes);
    } catch (error) {
      this.loadingTypes = null;
      throw error;
    }
    this.changed();
    return this.types;
  }

  // ---- triggers

  loadTriggerTypes = async (): Promise<TriggerType[]> => {
    this.triggerTypes ??= await api.triggerTypes();
    return this.triggerTypes;
  };

  // Load which triggers are on. If that fails, the cards do not show it.
  // A file that was written just now may be read by the scheduler a moment later.
  async loadTriggers(again = 4): Promise<void> {
    await this.loadTriggerTypes().catch(() => undefined);
    this.triggerStatuses = await api.triggers(this.mounted.workflow).catch(() => null);
    this.changed();
    const isSaved = this.canvas !== null && !this.canvas.is_draft;
    const isWhole = triggersIn(this.definition).every(({ id }) => statusOf(this.triggerStatuses, id));
    if (again > 0 && isSaved && !isWhole) setTimeout(() => void this.loadTriggers(again - 1), 1500);
  }

  // Turn a trigger on, or off if `beginning` is null; it takes effect at once.
  turnTrigger = async (id: string, beginning: TriggerBeginning | null): Promise<void> => {
    try {
      await api.turnTrigger(this.mounted.workflow, id, beginning ? "on" : "off", beginning ?? {});
      this.speak(beginning ? t("Turned on") : t("Turned off"));
    } finally {
      await this.loadTriggers();
    }
  };

  removeTrigger(index: number): void {
    const trigger = triggersIn(this.view.definition).find((one) => one.index === index);
    if (!trigger || this.readOnly) return;
    this.go([removedTrigger(this.view.definition, index)], "");
    this.openTrigger(null);
    this.say(t("{titles} removed. Ctrl+Z brings it back.", { titles: titleOf(trigger, this.triggerTypes?.find(({ name }) => name === trigger.uses)) }));
  }

  // ---- what happens elsewhere

  // Hear of changes by other windows, until `end`.
  listen(): void {
    this.draftNews = watchDraft(this.mounted.workflow, {
      rev: () => this.canvas?.rev ?? "",
      onRev: ({ rev }) => void (rev !== this.canvas?.rev && this.refresh()),
      onFile: () => {
        this.isFileOther = true;
        void this.refresh();
      },
      onProblems: ({ rev, problems }) => void this.hear(rev, problems as Problem[]),
      onLink: (link) => {
        this.link = link;
        if (this.canvas && this.uncheckedRev === this.canvas.rev && link !== "connecting") void this.refresh();
      },
    });
  }

  private async hear(rev: string, problems: Problem[]): Promise<void> {
    this.told = { rev, problems };
    await learn(textsOf(problems));
    if (rev !== this.canvas?.rev || this.told.problems !== problems) return;
    this.uncheckedRev = "";
    this.canvas = { ...this.canvas, problems };
    this.viewChanged();
  }

  end(): void {
    this.draftNews?.close();
    this.flow.end();
    this.debugger.end();
    this.copilot.end();
  }

  // ---- what is looked at

  select(keys: Iterable<string>, current: string | null = null): void {
    this.selected = new Set(keys);
    if (this.selected.size > 0) [this.isWorkflowOpen, this.trigger] = [false, null];
    this.current = current ?? [...this.selected].at(-1) ?? this.current;
    this.line = null;
    this.changed();
  }

  openPanel(isOpen = true): void {
    this.isPanelOpen = isOpen;
    this.changed();
  }

  // Open the panel of what is selected, where it can be seen.
  showPanel(): void {
    this.openPanel();
    this.uncover();
  }

  openWorkflow(isOpen = !this.isWorkflowOpen || this.isPanelCovered): void {
    if (isOpen) [this.selected, this.trigger] = [new Set(), null];
    this.isWorkflowOpen = isOpen;
    this.changed();
    if (isOpen) this.uncover();
  }

  // Whether the open co-pilot stands where the panel would be.
  get isPanelCovered(): boolean {
    return this.copilot.isOpen && this.mounted.mayEdit && !this.hasRoomForBoth;
  }

  // Put the panel in place of the co-pilot where both have no room: that keeps what is typed.
  private uncover(): void {
    if (this.isPanelCovered) this.openCopilot(false);
  }

  // Show a trigger in the panel, or the form that adds one; null closes it.
  openTrigger(which: number | "new" | null): void {
    if (which !== null) [this.selected, this.isWorkflowOpen, this.line] = [new Set(), false, null];
    this.trigger = which;
    this.changed();
    if (which !== null) this.uncover();
    if (which !== null && this.triggerStatuses === null) void this.loadTriggers();
  }

  // Open or close the co-pilot; it gets the focus.
  openCopilot(isOpen = !this.copilot.isOpen): void {
    if (!this.mounted.mayEdit) return;
    if (isOpen) this.askNumber += 1;
    this.copilot.open(isOpen);
  }

  // Ask the co-pilot why the code of a step has failed in a try: the person sends the question.
  explainCode(runId: string): void {
    this.askNumber += 1;
    this.copilot.explain(runId, t("Why does this code fail? Please correct it."));
  }

  // Show a step that a proposal changes.
  private showStep(id: string): void {
    const node = this.view.steps.some((one) => one.id === id) ? this.node(id) : null;
    if (!node) return;
    if (this.copilot.isSheet) this.copilot.open(false);
    this.reveal(node);
    this.select([node.key], node.key);
    this.shown += 1;
    this.changed();
  }

  // Changes when the current step shall come into view.
  shown = 0;

  // Changes when what was accepted of a proposal is drawn; until then, `acceptedRev` names its text.
  accepted = 0;
  private acceptedRev = "";

  open(dialog: Dialog | null): void {
    this.dialog = dialog;
    store(this.noteKey, dialog?.kind === "note" && dialog.text !== undefined ? dialog : null);
    this.changed();
  }

  // Open the note again that was being typed when the page was left.
  private reopenNote(): void {
    const note = stored(this.noteKey);
    if (!this.dialog && note && this.node(note.key) && !this.readOnly) this.dialog = note;
  }

  private get noteKey(): string {
    return `orchestra.note/${this.mounted.owner}/${this.mounted.workflow}`;
  }

  find(search: string): void {
    this.search = search;
    this.changed();
  }

  fold(node: Node, isFolded = !this.folded.has(node.key)): void {
    if (!node.inner) return;
    const folded = new Set(this.folded);
    if (isFolded) folded.add(node.key);
    else folded.delete(node.key);
    this.folded = folded;
    try {
      localStorage.setItem(this.foldKey, JSON.stringify([...folded]));
    } catch {
      // Local storage is full: the groups are open again next time.
    }
    this.speak(isFolded ? t("{title} folded", { title: node.step.title }) : t("{title} unfolded", { title: node.step.title }));
    this.changed();
  }

  // Unfold the groups around a step, so that it can be seen.
  reveal(node: Node): void {
    for (let owner = node.block.owner; owner; owner = owner.block.owner) if (this.folded.has(owner.key)) this.fold(owner, false);
  }

  private get foldKey(): string {
    return `orchestra.folded/${this.mounted.owner}/${this.mounted.workflow}`;
  }

  private keepSelection(): void {
    const { nodes } = this.view.model;
    const now = (key: string): string => (nodes.has(key) ? key : (this.renamed.get(key) ?? key));
    if ([...this.selected].some((key) => !nodes.has(key))) this.selected = new Set([...this.selected].map(now).filter((key) => nodes.has(key)));
    if (typeof this.trigger === "number" && !triggersIn(this.view.definition).some(({ index }) => index === this.trigger)) this.trigger = null;
    if (this.line && !isConnected(this.view.model, this.line)) this.line = null;
    if (this.current !== null && !nodes.has(this.current)) this.current = nodes.has(now(this.current)) ? now(this.current) : ([...this.selected][0] ?? null);
  }

  say(text: string, isError = false): void {
    this.number += 1;
    const { number } = this;
    this.toast = { text, isError, number };
    this.changed();
    if (!isError) setTimeout(() => this.toast?.number === number && this.hush(), 5000);
  }

  hush(): void {
    this.toast = null;
    this.changed();
  }

  // Tell people who listen instead of looking.
  speak(text: string): void {
    this.spoken = this.spoken === text ? `${text}\u00a0` : text;
    this.changed();
  }

  // ---- changes

  // Send operations; they are shown at once. Settles when the server has kept them.
  // `base`: the text that they were made for, if that is not the newest.
  send = (ops: Operation[], base: string | null = null): Promise<string> => {
    if (ops.length > 0) this.forgetArranged();
    for (const one of ops) if (one.op === "rename") this.renamed.set(one.step, one.to).set(one.to, one.step);
    return ops.length > 0 ? this.queue.push("ops", ops, base) : Promise.resolve(this.canvas?.rev ?? "");
  };

  private go(ops: Operation[], said: string): void {
    if (this.readOnly || ops.length === 0) return;
    this.send(ops).catch(() => undefined); // told by the queue
    if (said) this.speak(said);
  }

  private takenIds(): Set<string> {
    return new Set([...idsIn(this.view.definition), ...this.mounted.reserved]);
  }

  add(gap: Gap, type: StepType): void {
    const id = idFor(type.name, this.takenIds());
    const step = { id, title: type.title, uses: type.name, with: initialFields(type) };
    this.go(insert(this.view.model, gap, [step]), t("{title} added", { title: type.title }));
    this.select([id], id);
  }

  addGroup(gap: Gap): void {
    const id = idFor("group", this.takenIds());
    this.go(insert(this.view.model, gap, [{ id, title: t("Group"), steps: [] }]), t("Group added"));
    this.select([id], id);
  }

  move(keys: Iterable<string>, gap: Gap): boolean {
    const nodes = outermost(this.view.model, keys);
    const ops = move(this.view.model, keys, gap);
    if (ops === null) {
      this.say(t("A step cannot be moved into itself."), true);
      return false;
    }
    this.go(ops, t("{titles} moved {where}", { titles: titles(nodes), where: wordsOf(gap) }));
    return ops.length > 0;
  }

  remove(): void {
    if (this.line) return this.disconnect(this.line.from, this.line.to);
    const nodes = outermost(this.view.model, this.selected);
    if (nodes.length === 0 || this.readOnly) return;
    const near = neighbour(nodes);
    this.go(remove(this.view.model, this.selected), t("{titles} removed", { titles: titles(nodes) }));
    this.say(t("{titles} removed. Ctrl+Z brings it back.", { titles: titles(nodes) }));
    this.select(near ? [near.key] : [], near?.key ?? null);
  }

  group(): void {
    const made = wrap(this.view.model, this.selected, this.takenIds());
    if (typeof made === "string") {
      this.say(made, true);
      return;
    }
    this.go(made.operations, t("Grouped"));
    this.select([made.id], made.id);
  }

  ungroup(): void {
    const node = this.selectedNodes[0];
    if (!node?.inner) {
      this.say(t("Select a group first."), true);
      return;
    }
    const inside = node.inner.nodes.map((one) => one.key);
    this.go(unwrap(this.view.model, node), t("Group dissolved"));
    this.select(inside, inside[0] ?? null);
  }

  // Choose a connection, so that it can be removed.
  choose(from: string, to: string): void {
    const [first, second] = [this.node(from), this.node(to)];
    if (!first || !second) return;
    this.selected = new Set();
    this.line = { from, to };
    this.speak(`${t("{second} waits for {first}.", { second: second.step.title, first: first.step.title })} ${this.readOnly ? "" : t("Delete removes the connection.")}`);
    this.changed();
  }

  // Let a step wait for another one; says why if it cannot.
  connect(from: string, to: string): void {
    const [first, second] = [this.node(from), this.node(to)];
    if (!first || !second) return;
    const made = connect(first, second);
    if (typeof made === "string") this.say(made, true);
    else this.go(made, t("{second} waits for {first}", { second: second.step.title, first: first.step.title }));
  }

  // The fields of a step into which data may go; none until the step types are loaded.
  targets(node: Node): Target[] {
    if (!this.types) void this.stepTypes().catch(() => undefined);
    const type = this.types?.find(({ name }) => name === node.step.uses);
    return type || node.inner ? targetsOf(this.view.definition, node.step.id, type) : [];
  }

  // Let a field use an output; returns why it may not.
  async join(joining: Joining): Promise<string | null> {
    const made = await joinedBy(this.mounted.workflow, this.view.definition, joining);
    if (typeof made === "string") return made;
    const { from, to, target } = joining;
    this.select([to.key], to.key);
    this.go(made, t("{field} of {second} uses an output of {first}", { field: target.label, first: from.step.title, second: to.step.title }));
    return null;
  }

  disconnect(from: string, to: string): void {
    const [first, second] = [this.node(from), this.node(to)];
    this.line = null;
    if (!first || !second || this.readOnly) return this.changed();
    this.go(disconnect(first, second), "");
    this.say(t("{second} waits for {first} no more. Ctrl+Z brings it back.", { second: second.step.title, first: first.step.title }));
  }

  // Give a step another title and id.
  rename(node: Node, title: string, id: string): void {
    const ops: Operation[] = [];
    const old = stepIn(this.view.definition, node.step.id)?.title;
    if (title !== node.step.title) {
      if (title) ops.push({ op: "set", step: node.step.id, field: "title", value: title });
      else if (old !== undefined) ops.push({ op: "unset", step: node.step.id, field: "title" });
    }
    if (id !== node.step.id) ops.push({ op: "rename", step: node.step.id, to: id });
    if (ops.length === 0 || this.readOnly) return;
    this.send(ops).catch((error: Error) => {
      this.select([node.key], node.key);
      this.open({ kind: "rename", key: node.key, refused: { title, id, why: withoutPlace(error.message) } });
    });
    this.speak(t("Renamed to {title}", { title: title || id }));
    const key = id === node.step.id ? node.key : id;
    this.select([key], key);
  }

  note(node: Node, text: string): void {
    if (text !== node.step.note) this.go([{ op: "notes", step: node.step.id, text }], text ? t("Note set") : t("Note removed"));
  }

  undo(way: "undo" | "redo"): void {
    if (this.readOnly) return;
    const possible = way === "undo" ? this.canUndo : this.canRedo;
    if (!possible) {
      this.say(way === "undo" ? t("There is nothing to undo in this draft.") : t("There is nothing to redo."));
      return;
    }
    if (this.rearrange(way)) return;
    this.forgetArranged();
    this.queue.push(way).then(
      () => this.speak(way === "undo" ? t("Undone") : t("Redone")),
      () => undefined,
    );
  }

  get canUndo(): boolean {
    return this.arranged.undo.length > 0 || !this.queue.isEmpty || (this.canvas?.can_undo ?? false);
  }

  get canRedo(): boolean {
    if (this.arranged.redo.length > 0) return true;
    const waiting = this.queue.changes.map((one) => one.kind);
    if (waiting.lastIndexOf("ops") > waiting.lastIndexOf("undo")) return false;
    return waiting.includes("undo") || (this.canvas?.can_redo ?? false);
  }

  copy(): string | null {
    const nodes = outermost(this.view.model, this.selected);
    if (nodes.length === 0 || !this.view.definition) return null;
    this.say(t("{titles} copied.", { titles: titles(nodes) }));
    return copied(this.view.definition, nodes.map((one) => one.step));
  }

  // Put the steps of a text behind what is selected; returns whether there were any.
  async paste(text: string): Promise<boolean> {
    const found = pasted(text);
    if (!found || this.readOnly) return false;
    await this.stepTypes().catch(() => undefined); // their titles
    const steps = renumbered(found, this.takenIds());
    const last = this.selectedNodes.at(-1);
    const gap: Gap = last ? gapAfter(last) : { block: this.view.model.main, after: null, before: null };
    this.go(insert(this.view.model, gap, steps), steps.length === 1 ? t("A step pasted") : t("{count} steps pasted", { count: steps.length }));
    this.select(steps.map((one) => String(one.id)));
    return true;
  }

  // ---- where steps stand, and how they look

  place(offsets: Arrangement["positions"]): void {
    this.arrange({ positions: offsets, looks: {} });
  }

  // Change the look of steps; what is automatic is null or "".
  restyle(nodes: readonly Node[], change: Partial<StepLook>): void {
    this.arrange({ positions: {}, looks: Object.fromEntries(nodes.map(({ step }) => [step.path, change])) });
  }

  // Give steps another size; `to` gets the size that each is drawn with.
  resize(nodes: readonly Node[], to: (size: Size) => Size | null): void {
    const looks: Arrangement["looks"] = {};
    for (const node of nodes) {
      const drawn = this.drawnSize(node);
      const size = drawn && to(drawn);
      looks[node.step.path] = { size: size && fitting(size) };
    }
    this.arrange({ positions: {}, looks });
    const [first] = nodes;
    const size = first && (looks[first.step.path]?.size ?? this.drawnSize(first));
    if (first && size) this.speak(t("{title}: {width} by {height} pixels", { title: first.step.title, width: size[0], height: size[1] }));
  }

  // The canvas says how large it draws a step.
  drawnSize: (node: Node) => Size | null = () => null;

  // What was moved or made to look otherwise since the last change of the draft, so that it can be undone and redone.
  private readonly arranged: Record<"undo" | "redo", Arrangement[]> = { undo: [], redo: [] };
  private arranging: Promise<unknown> = Promise.resolve();

  private forgetArranged(): void {
    this.arranged.undo.length = 0;
    this.arranged.redo.length = 0;
  }

  private arrange(change: Arrangement): void {
    const back = this.keep(change);
    if (!back) return;
    this.arranged.undo.push(back);
    this.arranged.redo.length = 0;
  }

  // Undo or redo the last of them; returns whether there was one.
  private rearrange(way: "undo" | "redo"): boolean {
    const change = this.arranged[way].pop();
    const back = change && this.keep(change);
    if (!back) return false;
    this.arranged[way === "undo" ? "redo" : "undo"].push(back);
    this.speak(way === "undo" ? t("Undone") : t("Redone"));
    return true;
  }

  // Show and store a change; returns the one that takes it back.
  private keep({ positions, looks }: Arrangement): Arrangement | null {
    const { canvas } = this;
    if (!canvas || this.readOnly) return null;
    const back: Arrangement = { positions: {}, looks: {} };
    const now = { positions: { ...canvas.positions }, looks: { ...canvas.looks } };
    for (const [path, offset] of Object.entries(positions)) {
      back.positions[path] = canvas.positions[path] ?? null;
      if (offset) now.positions[path] = offset;
      else delete now.positions[path];
    }
    for (const [path, change] of Object.entries(looks)) {
      const look = canvas.looks[path] ?? AUTOMATIC;
      back.looks[path] = Object.fromEntries(Object.keys(change).map((name) => [name, look[name as keyof StepLook]]));
      now.looks[path] = { ...look, ...change };
    }
    this.canvas = { ...canvas, ...now };
    this.changed();
    this.arranging = this.arranging.then(async () => {
      try {
        if (Object.keys(positions).length > 0) await api.position(this.mounted.workflow, positions);
        if (Object.keys(looks).length > 0) await api.look(this.mounted.workflow, looks);
      } catch (error) {
        this.say(t("This is not kept: {why}", { why: `${(error as Error).message} ${error instanceof Refused ? error.remedy : ""}`.trim() }), true);
        void this.refresh();
      }
    });
    return back;
  }

  // ---- the file

  get isDirty(): boolean {
    return !this.queue.isEmpty || (this.canvas?.is_draft ?? false);
  }

  // What is typed into the fields of the panel.
  get edits(): Edits {
    return editsOf(`${this.mounted.owner}/${this.mounted.workflow}`);
  }

  // Whether a field or a note holds something that the draft does not have yet.
  get isTyping(): boolean {
    return this.edits.isUnsent || (this.dialog?.kind === "note" && this.dialog.text !== undefined);
  }

  async save(etag?: string): Promise<void> {
    if (!this.canvas || this.isSaving || this.readOnly) return;
    this.isSaving = true;
    this.changed();
    try {
      void this.edits.flush();
      const canvas = await this.kept(); // what is drawn may be older: a proposal was just accepted, or another window is quicker
      if (canvas === null) {
        this.say(t("Not saved: changes are still on their way to the server. Try again when the draft is kept."), true);
        return;
      }
      if (etag === undefined && canvas.saved_etag === "") {
        this.open({ kind: "save", clash: { theirs: "", etag: "", differences: [] } });
        return;
      }
      const saved = await api.save(this.mounted.workflow, canvas.text, etag ?? canvas.etag);
      const errors = saved.problems.filter((one) => one.severity === "error").length;
      const said = [errors > 0 ? t("Saved. It cannot run yet: {errors}.", { errors: tn("{count} error", "{count} errors", errors) }) : t("Saved.")];
      const { unkept } = this.edits;
      if (unkept.length > 0) said.push(t("Not in it, because it is not kept: what you typed into {names}.", { names: unkept.map(nameOf).join(", ") }));
      this.say(said.join(" "));
      this.open(null);
      await this.refresh();
      this.tellSaved();
    } catch (error) {
      if (error instanceof Refused && error.status === 412) {
        this.open({ kind: "save", clash: error.details.conflict ?? { theirs: "", etag: "", differences: [] } });
      } else this.say(`${t("Not saved: {why}", { why: (error as Error).message })} ${error instanceof Refused ? error.remedy : ""}`.trim(), true);
    } finally {
      this.isSaving = false;
      this.changed();
    }
  }

  // ---- debugging

  // Start a debug run of the draft; ask for its inputs first, if it has any.
  debug(): void {
    if (askedInputs(this.view.definition).length > 0) this.open({ kind: "debug" });
    else void this.debugger.start({});
  }

  // Store what is typed; false if changes cannot be stored now.
  private async settled(): Promise<boolean> {
    void this.edits.flush();
    return (this.queue.isEmpty && !this.edits.isWaiting) || (await this.kept()) !== null;
  }

  private async flushed(): Promise<boolean> {
    if (await this.settled()) return true;
    this.say(t("Not started: changes are still on their way to the server. Try again when the draft is kept."), true);
    return false;
  }

  // Show the step before which the run pauses, with what it will get.
  private showPause(step: PausedStep): void {
    const node = this.view.model.byPath.get(step.step);
    if (this.debugger.view) this.speak(pauseWords(this.debugger.view, step));
    if (!node) return;
    this.reveal(node);
    this.select([node.key], node.key);
    this.openPanel();
  }

  // Wait until all changes are kept, and return the draft; null if that needs the server or the person first.
  private kept(): Promise<Canvas | null> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const { kind } = this.state;
        if ((!this.queue.isEmpty || this.edits.isWaiting) && (kind === "idle" || kind === "sending")) return;
        stop();
        stopEdits();
        if (this.queue.isEmpty) api.canvas(this.mounted.workflow).then(resolve, reject);
        else resolve(null);
      };
      const stop = this.subscribe(look);
      const stopEdits = this.edits.subscribe(look);
      look();
    });
  }

  async discard(): Promise<void> {
    try {
      await api.discard(this.mounted.workflow);
      this.say(t("The draft is discarded: this is the saved file."));
      this.open(null);
      await this.refresh();
      this.tellSaved();
    } catch (error) {
      this.say((error as Error).message, true);
    }
  }
}

// Return a random name, also where `crypto.randomUUID` is missing: on pages that are not from this machine, without TLS.
function randomId(): string {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((one) => one.toString(16).padStart(2, "0")).join("");
}

// Return the steps; those that are as before are the objects from before, and so is the list if all of them are.
function keptSteps(before: CanvasStep[], steps: CanvasStep[]): CanvasStep[] {
  if (before === steps) return before;
  const known = new Map(before.map((one) => [one.path, one]));
  const kept = steps.map((one) => {
    const old = known.get(one.path);
    return old && isSame(old, one) ? old : one;
  });
  return kept.length === before.length && kept.every((one, index) => one === before[index]) ? before : kept;
}

const isSame = (one: CanvasStep, other: CanvasStep): boolean =>
  (Object.keys(other) as (keyof CanvasStep)[]).every((key) => one[key] === other[key] || (typeof other[key] === "object" && JSON.stringify(one[key]) === JSON.stringify(other[key])));

type NoteDialog = Extract<Dialog, { kind: "note" }>;

function store(name: string, note: NoteDialog | null): void {
  try {
    if (note) sessionStorage.setItem(name, JSON.stringify(note));
    else sessionStorage.removeItem(name);
  } catch {
    // Storage is full or forbidden: what was typed is still on the page.
  }
}

function stored(name: string): NoteDialog | null {
  try {
    return JSON.parse(sessionStorage.getItem(name) ?? "null") as NoteDialog | null;
  } catch {
    return null;
  }
}

function storedFolds(key: string): string[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(key) ?? "[]");
    return Array.isArray(found) ? found.map(String) : [];
  } catch {
    return [];
  }
}

// The fields that a new step needs, with their defaults or an empty value, so that the panel shows what to fill in.
function initialFields(type: StepType): Definition {
  const { properties = {}, required = [] } = type.fields_schema ?? {};
  const found: Definition = {};
  for (const name of required as string[]) {
    const schema = properties[name] ?? {};
    if (schema.default !== undefined || (!schema.type && !schema.anyOf && !schema.enum && !schema.$ref)) continue; // an empty text would be a value of it
    found[name] = schema.type === "object" ? {} : schema.type === "array" ? [] : schema.type === "boolean" ? false : schema.type === "integer" || schema.type === "number" ? (schema.minimum ?? 0) : "";
  }
  return found;
}

function isConnected(model: Model, { from, to }: { from: string; to: string }): boolean {
  const [first, second] = [model.nodes.get(from), model.nodes.get(to)];
  return first !== undefined && second !== undefined && (second.block.waits.get(second)?.includes(first) ?? false);
}

export function titles(nodes: readonly Node[]): string {
  return nodes.length === 1 ? nodes[0]!.step.title : tn("{count} step", "{count} steps", nodes.length);
}

export function wordsOf(gap: Gap): string {
  if (gap.before) return t("before {title}", { title: gap.before.step.title });
  if (gap.after) return t("after {title}", { title: gap.after.step.title });
  if (gap.block.kind === "failure") return t("to what runs if the workflow fails");
  if (gap.block.kind === "fallback") return t("to what runs if {title} fails", { title: gap.block.owner!.step.title });
  return gap.block.owner ? t("to the end of {title}", { title: gap.block.owner.step.title }) : t("to the end");
}

function neighbour(nodes: readonly Node[]): Node | null {
  const gone = new Set(nodes);
  const [first] = nodes;
  if (!first) return null;
  const list = first.block.nodes;
  const index = list.indexOf(first);
  return list.slice(index).find((one) => !gone.has(one)) ?? list.slice(0, index).findLast((one) => !gone.has(one)) ?? first.block.owner;
}
