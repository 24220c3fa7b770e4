// The state of the co-pilot's panel: the conversation, the proposals, and what is chosen of them.
import { Refused, Unanswered, type Edited, type Operation } from "../api";
import { said, t, tn } from "../language";
import { acceptance, begun, demandedOf, isOpen, withStep, withTick, type Choice } from "./choice";
import { asked, heard, proposalsIn, refused, working } from "./conversation";
import { ghostsOf, type Ghosts } from "./ghosts";
import { answered, routes } from "./requests";
import type { Asking, Conversation, Fix, Part, Preview, Proposal, Restoration, Setup, Tick } from "./shapes";

const REJECTABLE: ReadonlySet<Proposal["status"]> = new Set(["open", "partly_accepted", "stale"]);
const LOOK_MS = 1_000;
// How long a draft rests before its problems are looked at again.
const REST_MS = 800;

// The run whose page the panel is on.
export interface AboutRun {
  id: string;
  // Whether it has failed, or some of its items.
  hasFailed: boolean;
}

export interface Subject {
  id: string;
  path: string;
  title: string;
  // What it does outside, such as `writes`, where that is known.
  effect?: string;
}

// What it needs of the page: the canvas, the editor of the text, or the page of a run.
export interface Host {
  readonly workflow: string;
  // Where the open panel and a typed question survive a reload, and under which name.
  readonly storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  readonly key: string;
  // Whether the steps of a proposal can be marked here.
  readonly isDrawing: boolean;
  // The run whose page it is on.
  run?(): AboutRun;
  // The steps that are selected.
  subjects(): Subject[];
  // The run that is shown, "" for none, and the steps whose values it may have.
  runId(): string;
  steps(): Subject[];
  // Store what is typed, so that the server has it; false if that needs the person first.
  flush(): Promise<boolean>;
  // The etag of the draft, once all is stored.
  rev(): Promise<string>;
  // The draft has changed by an acceptance.
  accepted(edited: Edited): void;
  undo(): void;
  // The etag of the draft as it is shown, to know whether an undo would revert an acceptance.
  shownRev(): string;
  // Whether it differs from the saved file.
  isUnsaved(): boolean;
  select(steps: string[]): void;
  show(step: string): void;
  changed(): void;
}

export type Busy = "accept" | "reject" | "demo" | "again" | "restore";

interface Kept {
  isOpen: boolean;
  text: string;
  runId: string;
  choices: [string, { steps: string[]; ticks: string[]; demanded: readonly Tick[] }][];
}

export class Copilot {
  isOpen: boolean;
  // What is typed.
  text: string;
  conversation: Conversation;
  proposals: ReadonlyMap<string, Proposal> = new Map();
  // null: not loaded.
  setup: Setup | null = null;
  preview: Preview | null = null;
  fixes: Fix[] = [];
  isLoaded = false;
  // Why something failed, in words.
  failure = "";
  // What screen readers say.
  status = "";
  busy: ReadonlyMap<string, Busy> = new Map();
  // Of each proposal, why the server refused it.
  refusals: ReadonlyMap<string, string> = new Map();
  // Of each proposal, what restoring the text from before it would change, while that is shown.
  restorations: ReadonlyMap<string, Restoration> = new Map();
  // The run that the page was opened for.
  runId: string;
  // The steps whose values in the run may be sent.
  values: ReadonlySet<string> = new Set();
  // The change to scroll to.
  wanted: { proposal: string; step: string; number: number } | null = null;
  isAsking = false;
  // Whether it covers the canvas: then the marks stay when it is closed.
  isSheet = false;
  private choices: ReadonlyMap<string, Choice>;
  private readonly acceptedRevs = new Map<string, string>();
  // The proposals that were undone by the button of their card.
  private readonly undone = new Set<string>();
  private loading: Promise<void> | null = null;
  // An agreement, or its end, that is on its way to the server; null: none.
  private deciding: Promise<void> | null = null;
  private number = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private resting: ReturnType<typeof setTimeout> | undefined;
  private fixesNumber = 0;
  private drawn: { proposal: Proposal | null; ghosts: Ghosts | null } = { proposal: null, ghosts: null };

  constructor(readonly host: Host) {
    const kept = stored(host);
    [this.isOpen, this.text, this.runId] = [kept.isOpen, kept.text, kept.runId];
    this.choices = new Map(kept.choices.map(([id, { steps, ticks, demanded }]) => [id, { steps: new Set(steps), ticks: new Set(ticks), demanded }]));
    this.conversation = { workflow: host.workflow, turns: [], from_outside: false };
    if (this.isOpen) void this.load();
  }

  end(): void {
    clearTimeout(this.timer);
    clearTimeout(this.resting);
  }

  // ---- the panel

  open(isOpen = true): void {
    this.isOpen = isOpen;
    this.keep();
    this.changed();
    if (isOpen) void this.load();
    else clearTimeout(this.timer);
  }

  // Open it to explain a run that failed.
  explain(runId: string, question: string): void {
    this.runId = runId;
    if (!this.text.trim()) this.text = question;
    this.open();
  }

  type(text: string): void {
    this.text = text;
    this.keep();
    this.changed();
  }

  forgetRun(): void {
    this.runId = "";
    this.values = new Set();
    this.keep();
    this.changed();
  }

  allow(step: string, isAllowed: boolean): void {
    const values = new Set(this.values);
    if (isAllowed) values.add(step);
    else values.delete(step);
    this.values = values;
    this.changed();
  }

  private keep(): void {
    const { text, runId } = this;
    const open = [...this.choices].filter(([id]) => mayBeOpen(this.proposals.get(id)));
    const choices: Kept["choices"] = open.map(([id, { steps, ticks, demanded }]) => [id, { steps: [...steps], ticks: [...ticks], demanded }]);
    const kept: Kept = { isOpen: this.isOpen, text, runId, choices };
    try {
      this.host.storage.setItem(this.host.key, JSON.stringify(kept));
    } catch {
      // Storage is full or forbidden: the panel is closed after a reload.
    }
  }

  private changed(): void {
    this.host.changed();
  }

  private tell(status: string): void {
    this.status = status;
  }

  // ---- what the server has

  load(): Promise<void> {
    this.loading ??= this.loadAll().finally(() => (this.loading = null));
    return this.loading;
  }

  private async loadAll(): Promise<void> {
    try {
      await Promise.all([this.loadTalk(), this.loadProposals(), this.loadFixes()]);
      this.isLoaded = true;
      this.failure = "";
    } catch (error) {
      this.failure = sentence(error);
    } finally {
      this.changed();
    }
    this.follow();
  }

  private async loadTalk(): Promise<void> {
    const before = this.conversation;
    const [setup, conversation] = await Promise.all([this.setup ?? routes.setup(), routes.conversation(this.host.workflow)]);
    this.setup = setup;
    if (!this.isAsking && this.conversation === before) this.conversation = conversation; // else it is older than what is shown
  }

  private async loadProposals(): Promise<void> {
    this.proposals = new Map((await routes.proposals(this.host.workflow)).map((one) => [one.id, one]));
  }

  // Load what mends the problems of the draft.
  private async loadFixes(): Promise<void> {
    const number = ++this.fixesNumber;
    const found = await routes.fixes(this.host.workflow).catch(() => []);
    if (number === this.fixesNumber) this.fixes = found;
  }

  // The draft has changed: its problems are others, once it rests.
  drafted(): void {
    clearTimeout(this.resting);
    if (this.isOpen) this.resting = setTimeout(() => void this.loadFixes().then(() => this.changed()), REST_MS);
  }

  // Look at a turn that this page does not stream: it was begun before a reload or in another window, or its stream was cut.
  private follow(): void {
    clearTimeout(this.timer);
    if (this.isAsking || !this.isOpen || working(this.conversation) === null) return;
    this.timer = setTimeout(() => {
      void this.loadTalk()
        .then(async () => {
          if (working(this.conversation) !== null) return;
          await this.loadProposals();
          this.tell(t("Answered."));
        })
        .catch(() => undefined)
        .then(() => {
          this.changed();
          this.follow();
        });
    }, LOOK_MS);
  }

  private put(proposal: Proposal): void {
    this.proposals = new Map(this.proposals).set(proposal.id, proposal);
  }

  // The proposals that no turn shows: made by a button, or by a command.
  get others(): Proposal[] {
    const shown = proposalsIn(this.conversation);
    return [...this.proposals.values()].filter((one) => !shown.has(one.id) && (one.status !== "rejected") && (isOpen(one) || one.status === "stale" || this.acceptedRevs.has(one.id)));
  }

  // What was accepted before, and is shown nowhere else: what was before each can be restored.
  get earlier(): Proposal[] {
    const shown = new Set([...proposalsIn(this.conversation), ...this.others.map((one) => one.id)]);
    return [...this.proposals.values()].filter((one) => !shown.has(one.id) && one.accepted.length > 0);
  }

  // The open proposal that is newest: it is marked on the canvas.
  get current(): Proposal | null {
    return this.isOpen || this.isSheet ? ([...this.proposals.values()].findLast(isOpen) ?? null) : null;
  }

  get ghosts(): Ghosts | null {
    const proposal = this.current;
    if (this.drawn.proposal !== proposal) this.drawn = { proposal, ghosts: proposal && ghostsOf(proposal) };
    return this.drawn.ghosts;
  }

  get isWorking(): boolean {
    return this.isAsking || working(this.conversation) !== null;
  }

  // Whether what is asked goes to a model of the person.
  get asksModel(): boolean {
    return this.setup !== null && this.setup.is_on && this.setup.is_available && this.setup.is_agreed;
  }

  // ---- asking

  get asking(): Asking {
    return { text: this.text.trim(), selection: this.host.subjects().map((one) => one.id), run_id: this.runId || this.host.runId(), values: [...this.values] };
  }

  // Ask this, or leave it typed where the person has not agreed to a model yet.
  async begin(text: string): Promise<void> {
    this.text = text;
    await this.load();
    if (this.asksModel) await this.ask();
  }

  async ask(text = this.text): Promise<void> {
    const said = text.trim();
    if (!said || this.isWorking) return;
    const asking = { ...this.asking, text: said };
    this.isAsking = true;
    this.failure = "";
    this.preview = null;
    this.conversation = asked(this.conversation, said, new Date().toISOString());
    if (text === this.text) this.text = "";
    this.tell(t("Working on it …"));
    this.changed();
    try {
      await this.flushed();
      await this.deciding; // what was said last about the model counts
      await this.hear(asking);
    } catch (error) {
      await this.failed(said, error);
    } finally {
      this.isAsking = false;
      this.keep();
      this.changed();
      this.follow();
    }
  }

  private async hear(asking: Asking): Promise<void> {
    for await (const event of answered(this.host.workflow, asking)) {
      this.conversation = heard(this.conversation, event);
      if (event.type === "call") this.tell(said(event.call.words));
      if (event.type === "done") await this.answeredWith(event.turn.parts);
      this.changed();
    }
  }

  private async answeredWith(parts: Part[]): Promise<void> {
    const ids = parts.filter((one) => one.kind === "proposal").map((one) => one.proposal_id);
    for (const id of ids) this.put(await routes.proposal(this.host.workflow, id));
    const last = this.proposals.get(ids.at(-1) ?? "");
    this.tell(last ? proposalWords(last) : t("Answered."));
  }

  // Nothing that was typed is lost. A turn that the server has taken goes on there, and is followed.
  private async failed(said: string, error: unknown): Promise<void> {
    const turn = working(this.conversation);
    if (turn?.id) return;
    if (turn) {
      this.conversation = refused(this.conversation);
      this.isAsking = false;
      await this.loadTalk().catch(() => undefined);
      if (working(this.conversation)?.asked === said) return; // it was taken, only the answer did not arrive
      if (!this.text) this.text = said;
    }
    this.failure = sentence(error);
    this.tell("");
  }

  async stop(): Promise<void> {
    const turn = working(this.conversation);
    if (!turn?.id) return;
    await this.tried(async () => {
      const stopped = await routes.stop(this.host.workflow, turn.id);
      this.conversation = { ...this.conversation, turns: this.conversation.turns.map((one) => (one.id === stopped.id ? stopped : one)) };
      this.tell(t("Stopped."));
    });
  }

  // Forget the conversation, and reject what is left of its proposals; the draft stays.
  async beginAnew(): Promise<void> {
    await this.tried(async () => {
      await routes.forget(this.host.workflow);
      this.conversation = { workflow: this.host.workflow, turns: [], from_outside: false };
      this.values = new Set();
      await this.loadProposals();
      for (const one of [...this.proposals.values()].filter(({ status }) => REJECTABLE.has(status))) this.put(await routes.reject(this.host.workflow, one.id));
      this.tell(t("The conversation is forgotten."));
    });
  }

  // ---- the model

  async showPreview(): Promise<void> {
    await this.tried(async () => {
      if (!(await this.host.flush())) return;
      const text = this.text.trim() || t("explain this workflow");
      this.preview = await routes.preview(this.host.workflow, { ...this.asking, text });
    });
  }

  hidePreview(): void {
    this.preview = null;
    this.changed();
  }

  async agree(): Promise<void> {
    const { setup } = this;
    if (!setup) return;
    await this.decide(async () => {
      this.setup = await routes.agree(setup.host, setup.model);
      this.preview = null;
      this.tell(t("Agreed. {model} answers from now on.", { model: setup.model }));
    }, async () => {
      this.setup = await routes.setup(); // another host or model by now
    });
  }

  async disagree(): Promise<void> {
    await this.decide(async () => {
      this.setup = await routes.disagree();
      this.tell(t("Nothing is sent any more. Rules answer, on this machine."));
    });
  }

  private async decide(act: () => Promise<void>, otherwise?: () => Promise<void>): Promise<void> {
    const deciding = act();
    this.deciding = deciding;
    await this.tried(() => deciding, otherwise);
    if (this.deciding === deciding) this.deciding = null;
  }

  // ---- proposals

  choice(proposal: Proposal): Choice {
    return this.choices.get(proposal.id) ?? begun(proposal);
  }

  private choose(proposal: Proposal, choice: Choice): void {
    this.choices = new Map(this.choices).set(proposal.id, choice);
    this.keep();
    this.changed();
  }

  private unchoose(proposal: Proposal): void {
    this.choices = new Map([...this.choices].filter(([id]) => id !== proposal.id));
    this.keep();
  }

  chooseStep(proposal: Proposal, step: string, isChosen: boolean): void {
    this.choose(proposal, withStep(proposal, this.choice(proposal), step, isChosen));
  }

  tick(proposal: Proposal, id: string, isGiven: boolean): void {
    this.choose(proposal, withTick(this.choice(proposal), id, isGiven));
  }

  // Accept what is chosen; returns whether the draft has changed.
  async accept(proposal: Proposal): Promise<boolean> {
    const { why, missing, steps, ticks } = acceptance(proposal, this.choice(proposal));
    if (why === "ticks") {
      this.refuse(proposal, tickWords(missing));
      return false;
    }
    if (why !== "") return false;
    return this.doing(proposal, "accept", async () => {
      await this.flushed();
      const { edited, proposal: now } = await routes.accept(this.host.workflow, proposal.id, steps, ticks);
      this.put(now);
      this.acceptedRevs.set(proposal.id, edited.rev);
      this.undone.delete(proposal.id);
      this.unchoose(proposal);
      this.tell(t("Accepted into your draft; Undo takes it back."));
      this.host.accepted(edited);
    });
  }

  // Accept a proposal for this workflow or for another one, whole. Throws Refused and Unanswered.
  async acceptOf(proposal: Proposal, ticks: string[]): Promise<Proposal> {
    const isOwn = proposal.workflow === this.host.workflow;
    if (isOwn) await this.flushed();
    const { edited, proposal: now } = await routes.accept(proposal.workflow, proposal.id, null, ticks);
    this.unchoose(proposal);
    if (isOwn) {
      this.put(now);
      this.acceptedRevs.set(now.id, edited.rev);
      this.undone.delete(now.id);
      this.host.accepted(edited);
    }
    return now;
  }

  reject(proposal: Proposal): Promise<boolean> {
    return this.doing(proposal, "reject", async () => {
      this.put(await routes.reject(this.host.workflow, proposal.id));
      this.tell(t("Rejected. The draft is as it was."));
    });
  }

  tryInDemo(proposal: Proposal): Promise<boolean> {
    return this.doing(proposal, "demo", async () => {
      const now = await routes.demo(this.host.workflow, proposal.id);
      this.put(now);
      this.tell(now.demo ? t("Tried in the demo: {status}.", { status: now.demo.status }) : "");
    });
  }

  // Make a stale proposal again, for the draft as it is now.
  async again(proposal: Proposal): Promise<void> {
    const turn = this.conversation.turns.find((one) => one.parts.some((each) => each.proposal_id === proposal.id));
    if (turn?.source === "model") return this.ask(turn.asked);
    await this.doing(proposal, "again", async () => {
      const made = await this.made(proposal.ops, proposal.why, proposal.from_outside);
      if (turn) await routes.reject(this.host.workflow, proposal.id).then((one) => this.put(one), () => undefined);
      this.wanted = { proposal: made.id, step: "", number: ++this.number };
    });
  }

  // Make a proposal of operations, such as a button has.
  async propose(ops: Operation[], why: string): Promise<void> {
    await this.tried(async () => {
      const made = await this.made(ops, why, this.conversation.from_outside);
      this.wanted = { proposal: made.id, step: "", number: ++this.number };
      this.tell(proposalWords(made));
    });
  }

  private async made(ops: Operation[], why: string, fromOutside: boolean): Promise<Proposal> {
    await this.flushed();
    const made = await routes.propose(this.host.workflow, await this.host.rev(), ops, why, fromOutside);
    this.put(made);
    return made;
  }

  // Whether the draft is as it was made by this acceptance, and not saved: an undo would revert this, and nothing else.
  canUndo(proposal: Proposal): boolean {
    const rev = this.acceptedRevs.get(proposal.id);
    return rev !== undefined && rev === this.host.shownRev() && this.host.isUnsaved();
  }

  undo(proposal: Proposal): void {
    this.undone.add(proposal.id);
    this.host.undo();
    this.changed();
  }

  // Whether the draft has it no longer because of its own Undo; a redo brings it back.
  isTakenBack(proposal: Proposal): boolean {
    return this.undone.has(proposal.id) && !this.canUndo(proposal);
  }

  // Show what restoring the text from before an acceptance would change; nothing is restored yet.
  lookBefore(proposal: Proposal): Promise<boolean> {
    return this.doing(proposal, "restore", async () => {
      await this.flushed();
      const found = await routes.before(this.host.workflow, proposal.id);
      this.restorations = new Map(this.restorations).set(proposal.id, found);
    });
  }

  leaveBefore(proposal: Proposal): void {
    this.restorations = new Map([...this.restorations].filter(([id]) => id !== proposal.id));
    this.changed();
  }

  // Restore what was looked at; a draft that has changed meanwhile stays.
  restore(proposal: Proposal): Promise<boolean> {
    const found = this.restorations.get(proposal.id);
    if (!found) return Promise.resolve(false);
    return this.doing(proposal, "restore", async () => {
      this.restorations = new Map([...this.restorations].filter(([id]) => id !== proposal.id));
      await this.flushed();
      const edited = await routes.restore(this.host.workflow, proposal.id, found.rev);
      this.tell(t("Your draft is restored. Undo reverts this."));
      this.host.accepted(edited);
    });
  }

  // Scroll to a change of a proposal.
  reveal(proposal: string, step: string): void {
    this.wanted = { proposal, step, number: ++this.number };
    this.open();
  }

  // Send what is still on its way: the server's draft is what is shown then. Throws Unanswered if it cannot be sent.
  private async flushed(): Promise<void> {
    if (!(await this.host.flush())) throw new Unanswered(t("changes are still on their way to the server"));
  }

  private async doing(proposal: Proposal, what: Busy, act: () => Promise<void>): Promise<boolean> {
    if (this.busy.has(proposal.id)) return false;
    this.busy = new Map(this.busy).set(proposal.id, what);
    this.refuse(proposal, "");
    try {
      await act();
      return true;
    } catch (error) {
      await this.refusedFor(proposal, error);
      return false;
    } finally {
      this.busy = new Map([...this.busy].filter(([id]) => id !== proposal.id));
      this.changed();
    }
  }

  private async refusedFor(proposal: Proposal, error: unknown): Promise<void> {
    const ticks = error instanceof Refused && Array.isArray(error.details.ticks) ? (error.details.ticks as Tick[]) : [];
    const now = error instanceof Refused ? await routes.proposal(this.host.workflow, proposal.id).catch(() => null) : null;
    if (now) this.put(now); // it may be stale now
    if (ticks.length > 0) this.choose(proposal, demandedOf(this.choice(proposal), ticks));
    this.refuse(proposal, ticks.length > 0 ? tickWords(ticks) : sentence(error));
  }

  private refuse(proposal: Proposal, why: string): void {
    this.refusals = new Map(this.refusals).set(proposal.id, why);
    this.changed();
  }

  private async tried(act: () => Promise<void>, otherwise?: () => Promise<void>): Promise<void> {
    this.failure = "";
    try {
      await act();
    } catch (error) {
      this.failure = sentence(error);
      await otherwise?.().catch(() => undefined);
    }
    this.changed();
  }
}

export const tickWords = (missing: readonly Tick[]): string =>
  tn("{count} point needs your tick first.", "{count} points need your tick first.", missing.length);

// One of another workflow is not known here.
const mayBeOpen = (proposal: Proposal | undefined): boolean => !proposal || isOpen(proposal);

function proposalWords(proposal: Proposal): string {
  const changes = tn("A proposal with {count} change.", "A proposal with {count} changes.", proposal.changes.length);
  return proposal.ticks.length > 0 ? `${changes} ${tn("{count} point needs a tick.", "{count} points need a tick.", proposal.ticks.length)}` : changes;
}

// Return an error as a sentence with its remedy.
export function sentence(error: unknown): string {
  const { message } = error as Error;
  if (error instanceof Unanswered) return t("Not done: {why}. Try again.", { why: message });
  return `${message} ${error instanceof Refused ? error.remedy : ""}`.trim();
}

function stored({ storage, key }: Host): Kept {
  try {
    const found = JSON.parse(storage.getItem(key) ?? "{}") as Partial<Kept>;
    return { isOpen: found.isOpen === true, text: String(found.text ?? ""), runId: String(found.runId ?? ""), choices: (found.choices ?? []).filter(isChoice) };
  } catch {
    return { isOpen: false, text: "", runId: "", choices: [] };
  }
}

const isChoice = ([, one]: Kept["choices"][number]): boolean => [one.steps, one.ticks, one.demanded].every(Array.isArray);
