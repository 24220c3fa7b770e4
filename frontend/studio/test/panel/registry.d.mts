import type { StepType } from "../../src/api";

export function registry(): StepType[];
