// The step types of the engine and the fields of every step, asked when the tests run (by `make frontend-test`, which sets the engine up): nothing is
// kept that could be out of date.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../..", import.meta.url));
const python = `${root}.venv/bin/python`;
const program = `
import json
from dataclasses import asdict
from engine.compiler.definition.step_model import step_schema
from engine.plugins.step_info import step_type_infos
print(json.dumps({"types": [asdict(one) for one in step_type_infos()], "step": step_schema()}))
`;

export function registry() {
  return JSON.parse(execFileSync(python, ["-c", program], { cwd: root, encoding: "utf8", maxBuffer: 1e8 }));
}
