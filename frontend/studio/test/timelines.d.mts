import type { Timeline } from "../src/api";
import type { RunState } from "../src/live";

export function waited(): { line: Timeline; states: Record<string, RunState> };
