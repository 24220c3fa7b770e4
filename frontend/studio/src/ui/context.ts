// The canvas that a component belongs to, and its camera.
import { createContext, useContext, useSyncExternalStore } from "react";

import type { Studio } from "../store";

// What moves the view: of the drawing, or of the list.
export interface Camera {
  fit(): void;
  zoom(by: number): void;
  show(key: string): void;
}

export interface Surroundings {
  studio: Studio;
  camera: { current: Camera };
  run(command: import("../keys").Command): void;
  isEditable: boolean;
}

export const Context = createContext<Surroundings | null>(null);

export function useSurroundings(): Surroundings {
  return useContext(Context)!;
}

// Return the canvas, and draw again whenever it changes.
export function useStudio(): Studio {
  const { studio } = useSurroundings();
  useSyncExternalStore(studio.subscribe, studio.snapshot);
  return studio;
}
