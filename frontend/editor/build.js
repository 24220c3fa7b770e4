// Builds the code editor into dashboard/assets/editor: one module, and the licences of the packages inside it.
import { build } from "esbuild";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { licences } from "../licences.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const out = join(here, "../../dashboard/assets/editor");

const result = await build({
  absWorkingDir: here,
  entryPoints: ["src/editor.js"],
  outfile: join(out, "editor.js"),
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  charset: "utf8",
  legalComments: "inline",
  metafile: true,
  banner: { js: "/*! AI-Orchestra's code editor, built from frontend/editor. Licences of the packages in it: LICENSES.txt */" },
});

await writeFile(join(out, "LICENSES.txt"), licences(here, Object.keys(result.metafile.inputs)));
