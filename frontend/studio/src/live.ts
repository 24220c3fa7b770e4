// Follows a run, or the draft of a workflow, over a WebSocket that is opened again after a break. The messages:
// docs/live.md.
//
//   const live = watchDraft("inbox-triage", {
//     rev: () => canvas.rev,                    // the rev of the text that this window has
//     onRev: (draft) => …,                      // the draft has changed: read `GET …/canvas` again
//     onFile: ({ saved_etag, saved_by }) => …,  // the file was saved, changed by hand or by git pull, or deleted
//     onProblems: ({ rev, problems }) => …,
//     onLink: (link) => …,                      // "open", "waiting" (it tries again), "refused" (it does not)
//   });
//   const run = watchRun("20261120T120000Z-aaaaaaaa", { onState: (state) => …, onLink: … });
//   live.close();
//
// A window also gets its own changes, sometimes before the answer to its request: ignore a `rev` that it already has.
// `onState` always gets the whole state of the run. After a break the first message is a snapshot, so nothing is missed.

export interface Usage {
  input_tokens: number;
  output_tokens: number;
  cost_usd: number | null;
}

// A step of the workflow, over all its repetitions in the run; `counts` by status, for a loop of its items.
export interface StepState {
  status: string;
  counts: Record<string, number>;
  started_at: string | null;
  ended_at: string | null;
  due_at: string | null;
  attempts: number;
  usage: Usage;
}

export interface RunState {
  run_id: string;
  workflow: string;
  status: string;
  started_at: string | null;
  ended_at: string | null;
  due_at: string | null;
  usage: Usage;
  // By the path in the workflow; steps that have not begun are missing.
  steps: Record<string, StepState>;
}

export type RunChange = Partial<Omit<RunState, "run_id" | "workflow" | "steps">> & { steps?: Record<string, StepState | null> };

export interface DraftState {
  rev: string;
  etag: string;
  saved_etag: string;
  is_draft: boolean;
  can_undo: boolean;
  can_redo: boolean;
}

export interface FileNews {
  etag: string;
  saved_etag: string;
  saved_by: string | null;
}

export interface ProblemNews<Problem = unknown> {
  rev: string;
  problems: Problem[];
}

// "over": the run has ended. "refused": signed out, not allowed, or gone.
export type Link = "connecting" | "open" | "waiting" | "over" | "refused";

export interface Live {
  close(): void;
}

export interface DraftListener {
  rev?(): string;
  onRev(draft: DraftState): void;
  onFile(news: FileNews): void;
  onProblems?(news: ProblemNews): void;
  onLink?(link: Link): void;
}

export interface RunListener {
  onState(state: RunState): void;
  onLink?(link: Link): void;
}

// What the browser provides; tests replace it.
export interface LiveParts {
  open(address: string): WebSocket;
  // The HTTP status of a request for the same data; 0 without an answer.
  status(address: string): Promise<number>;
  later(callback: () => void, milliseconds: number): () => void;
  // Calls back when the browser is online again or the page becomes visible; returns a function that stops it.
  awake(callback: () => void): () => void;
  random(): number;
}

const WAITS_MS = [500, 1_000, 2_000, 5_000, 10_000, 20_000];
const DONE = 1000;
const [SIGNED_OUT, GONE] = [4401, 4404]; // api/sockets/serving.py
const NEVER = new Set([401, 403, 404]);

export function watchDraft(workflow: string, listener: DraftListener, parts: LiveParts = browser): Live {
  const of = `/workflows/${encodeURIComponent(workflow)}`;
  let file: string | null = null; // the etag of the file as this window knows it
  return watched(
    () => {
      const rev = listener.rev?.() ?? "";
      return `${of}${rev && `?rev=${encodeURIComponent(rev)}`}`;
    },
    `/api${of}/positions`,
    listener.onLink,
    parts,
    (news) => {
      if (news.type === "problems") listener.onProblems?.(news as unknown as ProblemNews);
      else if (news.type === "file") listener.onFile(news as unknown as FileNews);
      else if (news.type === "rev" || news.type === "snapshot") {
        const draft = news.draft as DraftState;
        const isMissed = news.type === "snapshot" && file !== null && file !== draft.saved_etag;
        if (news.type === "rev" || draft.rev !== listener.rev?.()) listener.onRev(draft);
        if (isMissed) listener.onFile({ etag: draft.etag, saved_etag: draft.saved_etag, saved_by: null });
      }
      file = savedEtagIn(news) ?? file;
    },
  );
}

// Return the etag of the file as a message names it: about the file, or about the draft.
function savedEtagIn(news: News): string | undefined {
  const named = news.type === "file" ? (news as unknown as FileNews) : (news.draft as DraftState | undefined);
  return named?.saved_etag;
}

export function watchRun(runId: string, listener: RunListener, parts: LiveParts = browser): Live {
  const of = `/runs/${encodeURIComponent(runId)}`;
  let state: RunState | null = null;
  return watched(() => of, `/api${of}`, listener.onLink, parts, (news) => {
    if (news.type === "snapshot") state = news.run as RunState;
    else if (news.type === "changed" && state) state = changed(state, news.change as RunChange);
    else return;
    listener.onState(state);
  });
}

// Return a state after a change; a frame of `GET /api/runs/{run_id}/timeline` is such a change, too.
export function changed(state: RunState, change: RunChange): RunState {
  const steps: Record<string, StepState> = {};
  for (const [path, step] of Object.entries({ ...state.steps, ...change.steps })) if (step) steps[path] = step;
  return { ...state, ...change, steps };
}

type News = Record<string, unknown> & { type?: string };

function watched(
  address: () => string,
  asked: string,
  tell: ((link: Link) => void) | undefined,
  parts: LiveParts,
  take: (news: News) => void,
): Live {
  let socket: WebSocket | null = null;
  let link: Link | null = null;
  let tries = 0;
  let stop: (() => void) | null = null;

  const become = (now: Link) => {
    if (now !== link) tell?.((link = now));
  };
  const end = (now: Link) => {
    stop?.();
    stopWaking();
    become(now);
  };
  const again = () => {
    become("waiting");
    const wait = WAITS_MS[Math.min(tries, WAITS_MS.length - 1)]!;
    tries += 1;
    stop = parts.later(open, wait * (0.5 + parts.random() / 2)); // not all windows at once after a restart
  };
  const closed = async (one: WebSocket, code: number, hasOpened: boolean) => {
    if (one !== socket) return;
    socket = null;
    if (code === DONE) return end("over");
    if (code === SIGNED_OUT || code === GONE) return end("refused");
    // The browser hides why a socket was not opened; the status of a request for the same data tells.
    if (!hasOpened && tries === 0 && NEVER.has(await parts.status(asked))) return end("refused");
    if (link !== "over" && link !== "refused") again();
  };

  function open(): void {
    stop = null;
    become("connecting");
    const one = parts.open(`/api/ws${address()}`);
    let hasOpened = false;
    socket = one;
    one.onmessage = ({ data }) => {
      if (one !== socket) return;
      if (!hasOpened) [hasOpened, tries] = [true, 0];
      become("open");
      take(JSON.parse(data as string) as News);
    };
    one.onclose = ({ code }) => void closed(one, code, hasOpened);
  }

  const stopWaking = parts.awake(() => {
    if (link !== "waiting" || !stop) return;
    stop();
    tries = 1; // the status was asked for before
    open();
  });
  open();
  return {
    close: () => {
      const one = socket;
      socket = null;
      end("over");
      one?.close();
    },
  };
}

const browser: LiveParts = {
  open: (address) => new WebSocket(new URL(address, location.href.replace(/^http/, "ws"))),
  status: async (address) => {
    try {
      const response = await fetch(address, { cache: "no-store" });
      void response.body?.cancel();
      return response.status;
    } catch {
      return 0;
    }
  },
  later: (callback, milliseconds) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
  awake: (callback) => {
    const seen = () => document.hidden || callback();
    window.addEventListener("online", callback);
    document.addEventListener("visibilitychange", seen);
    return () => {
      window.removeEventListener("online", callback);
      document.removeEventListener("visibilitychange", seen);
    };
  },
  random: Math.random,
};
