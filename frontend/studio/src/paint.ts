// Work that may wait until what a person has just done is on the screen.

// A page that is not drawn has no frames: it goes on after this time.
const LONGEST_MS = 100;

// Call back once the next frame is drawn; returns what stops it.
export function afterPaint(callback: () => void): () => void {
  let isOver = false;
  const frame = globalThis.requestAnimationFrame?.(() => setTimeout(end));
  const timer = setTimeout(end, LONGEST_MS);
  function stop(): void {
    isOver = true;
    clearTimeout(timer);
    if (frame !== undefined) cancelAnimationFrame(frame);
  }
  function end(): void {
    if (isOver) return;
    stop();
    callback();
  }
  return stop;
}

// Return when the next frame is drawn.
export const painted = (): Promise<void> => new Promise((resolve) => void afterPaint(resolve));
