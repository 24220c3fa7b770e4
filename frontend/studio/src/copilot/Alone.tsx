// The co-pilot on a page without a canvas: beside the editor of the workflow's text, which belongs to the page, or beside
// a run of the workflow.
import { useSyncExternalStore } from "react";
import { createRoot } from "react-dom/client";

import { api, type Canvas } from "../api";
import { Copilot, type AboutRun, type Subject } from "./copilot";
import { CopilotPanel } from "./CopilotPanel";

const LOOK_MS = 100;
const REST_MS = 800;
const KEPT_MS = 4_000;
const PHONE = 640;

export interface AloneMounted {
  workflow: string;
  owner: string;
  run?: AboutRun;
}

// What the page is given back.
export interface Alone {
  readonly isOpen: boolean;
  toggle(): void;
  // Take over what the page tells on a rerun.
  remount(mounted: AloneMounted): void;
  end(): void;
}

// Show the panel in `parent` once it is opened. `text` returns what the editor shows, null without an editor; `changed` is
// called when the draft was changed, and `turned` when the panel was opened or closed.
export function showAlone(parent: Element, mounted: AloneMounted, text: () => string | null, changed: () => void, turned: (isOpen: boolean) => void): Alone {
  const page = new Page(mounted, text, changed, turned);
  const root = createRoot(parent);
  root.render(<Shown page={page} />);
  return {
    get isOpen() {
      return page.copilot.isOpen;
    },
    toggle: () => page.toggle(),
    remount: (now) => page.remount(now),
    end: () => {
      page.end();
      root.unmount();
    },
  };
}

class Page {
  readonly copilot: Copilot;
  focusNumber = 0;
  private canvas: Canvas | null = null;
  private version = 0;
  private resting: ReturnType<typeof setTimeout> | undefined;
  private readonly listeners = new Set<() => void>();

  constructor(private mounted: AloneMounted, private readonly text: () => string | null, private readonly tell: () => void, private readonly turned: (isOpen: boolean) => void) {
    const { workflow, owner, run } = mounted;
    this.copilot = new Copilot({
      workflow,
      storage: sessionStorage,
      key: `orchestra.copilot/${owner}/${workflow}/${run ? `run/${run.id}` : "text"}`,
      isDrawing: false,
      ...(run && { run: () => this.mounted.run ?? run }),
      subjects: () => [],
      runId: () => "",
      steps: () => this.steps(),
      flush: () => this.flush(),
      rev: async () => (await this.read()).rev,
      accepted: () => void this.takeOver(),
      undo: () => void this.undo(),
      shownRev: () => this.canvas?.rev ?? "",
      isUnsaved: () => this.canvas?.is_draft ?? false,
      select: () => undefined,
      show: () => undefined,
      changed: () => this.changed(),
    });
    if (run) this.openFor(run); // such a page loads it only to open it
    else if (this.copilot.isOpen) void this.read().catch(() => undefined);
    addEventListener("input", this.typed);
    turned(this.copilot.isOpen);
  }

  end(): void {
    removeEventListener("input", this.typed);
    clearTimeout(this.resting);
    this.copilot.end();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  snapshot = (): number => this.version;

  toggle(): void {
    const isOpen = !this.copilot.isOpen;
    const { run } = this.mounted;
    if (isOpen && run) this.openFor(run);
    else {
      if (isOpen) this.beginning();
      this.copilot.open(isOpen);
    }
    this.turned(isOpen);
  }

  private openFor(run: AboutRun): void {
    this.beginning();
    this.copilot.explain(run.id, "");
  }

  private beginning(): void {
    this.focusNumber += 1;
    void this.read().catch(() => undefined);
  }

  remount(mounted: AloneMounted): void {
    this.mounted = mounted;
    this.changed();
    if (!mounted.run && this.copilot.isOpen && this.canvas?.is_draft) void this.read().catch(() => undefined); // the page may have saved it
  }

  private changed(): void {
    this.version += 1;
    for (const listener of this.listeners) listener();
  }

  private steps(): Subject[] {
    return (this.canvas?.steps ?? []).filter((one) => one.uses !== "");
  }

  private async read(): Promise<Canvas> {
    this.canvas = await api.canvas(this.copilot.host.workflow);
    this.changed();
    return this.canvas;
  }

  // The page sends what is typed a moment after the editor was left.
  private async flush(): Promise<boolean> {
    for (const end = Date.now() + KEPT_MS; ; ) {
      const shown = this.text();
      if (shown === null || shown === (await this.read()).text) return true;
      if (Date.now() > end) return false;
      await new Promise((done) => setTimeout(done, LOOK_MS));
    }
  }

  // Something was typed into the text: the page sends it once it rests.
  private readonly typed = ({ target }: Event): void => {
    if (!this.copilot.isOpen || !(target instanceof HTMLTextAreaElement) || target.value !== this.text()) return;
    clearTimeout(this.resting);
    this.resting = setTimeout(() => void this.flush().then(() => this.copilot.drafted(), () => undefined), REST_MS);
  };

  private async takeOver(): Promise<void> {
    await this.read();
    this.copilot.drafted();
    this.tell();
  }

  private async undo(): Promise<void> {
    await api.back(this.copilot.host.workflow, (await this.read()).rev, "undo", false);
    await this.takeOver();
  }
}

function Shown({ page }: { page: Page }) {
  useSyncExternalStore(page.subscribe, page.snapshot);
  const isPhone = useSyncExternalStore(onResize, () => innerWidth < PHONE);
  if (!page.copilot.isOpen) return null;
  return (
    <div className="studio copilot-alone">
      <CopilotPanel copilot={page.copilot} focusNumber={page.focusNumber} isSheet={isPhone} onClose={() => page.toggle()} />
    </div>
  );
}

function onResize(listener: () => void): () => void {
  addEventListener("resize", listener);
  return () => removeEventListener("resize", listener);
}
