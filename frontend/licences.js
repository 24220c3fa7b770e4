// The licences of the packages in a bundle, for the LICENSES.txt beside it.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

// Return the texts of the licences of all packages among the inputs of a build in `folder`.
export function licences(folder, inputs) {
  const packages = new Set();
  for (const path of inputs) {
    const found = path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//);
    if (found) packages.add(found[1]);
  }
  return [...packages].sort().map((name) => notice(join(folder, "node_modules", name), name)).join(`\n${"-".repeat(80)}\n\n`);
}

function notice(folder, name) {
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = readdirSync(folder).find((one) => /^licen[sc]e/i.test(one));
  if (!file) throw new Error(`${name} ships no licence`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
}
