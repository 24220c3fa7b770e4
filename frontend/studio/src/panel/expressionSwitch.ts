// Whether this browser shows expressions as they are written; words stand in their place until a person asks for them.
import { useSyncExternalStore } from "react";

const KEY = "orchestra.expressions";
const listeners = new Set<() => void>();
let isOn = stored();

function stored(): boolean {
  try {
    return localStorage.getItem(KEY) === "shown";
  } catch {
    return false; // storage is forbidden
  }
}

export const areExpressionsShown = (): boolean => isOn;

export function showExpressions(on: boolean): void {
  isOn = on;
  try {
    if (on) localStorage.setItem(KEY, "shown");
    else localStorage.removeItem(KEY);
  } catch {
    // Storage is full or forbidden: it holds until the page is left.
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useExpressionsShown = (): boolean => useSyncExternalStore(subscribe, areExpressionsShown, areExpressionsShown);
