import type { StepType } from "../../src/api";
import type { Schema } from "../../src/panel/schema";

export function registry(): { types: StepType[]; step: Schema };
