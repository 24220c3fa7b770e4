// Loads data from the server, again and again while the server cannot be reached.
import { Unanswered } from "../api";

const AGAIN_MS = 3000;

export interface Loaded<T> {
  value?: T;
  failure?: string;
}

// Call `load`, and `tell` what came of it, until `load` is answered; returns what ends this.
export function keepLoading<T>(load: () => Promise<T>, tell: (loaded: Loaded<T>) => void): () => void {
  let isWanted = true;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const attempt = (): void => {
    load().then(
      (value) => isWanted && tell({ value }),
      (error: unknown) => {
        if (!isWanted) return;
        tell({ failure: error instanceof Error ? error.message : String(error) });
        if (error instanceof Unanswered) timer = setTimeout(attempt, AGAIN_MS);
      },
    );
  };
  attempt();
  return () => {
    isWanted = false;
    clearTimeout(timer);
  };
}
