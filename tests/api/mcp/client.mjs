// Another implementation of the protocol, the package @modelcontextprotocol/sdk, as a client of our server.
// Arguments: the folder of the package, then `http` URL TOKEN or `stdio` COMMAND ARGUMENT…; prints one line of JSON.
import { pathToFileURL } from "node:url";

const [folder, how, ...where] = process.argv.slice(2);
const from = (path) => import(pathToFileURL(`${folder}/dist/esm/client/${path}.js`).href);
const { Client } = await from("index");

async function transport() {
  if (how === "http") {
    const { StreamableHTTPClientTransport } = await from("streamableHttp");
    return new StreamableHTTPClientTransport(new URL(where[0]), {
      requestInit: { headers: { Authorization: `Bearer ${where[1]}` } },
    });
  }
  const { StdioClientTransport } = await from("stdio");
  return new StdioClientTransport({ command: where[0], args: where.slice(1) });
}

const client = new Client({ name: "another", version: "1.0.0" });
await client.connect(await transport());
const { tools } = await client.listTools();
const call = (name, given) => client.callTool({ name, arguments: given });
const said = {
  tools: tools.map((one) => one.name).sort(),
  greeting: (await call("greet", { who: "Ada" })).structuredContent,
  wrong: (await call("greet", { who: 3 })).isError,
  waiting: (await call("asking", {})).structuredContent.waiting_for[0].title,
};
await client.close();
console.log(JSON.stringify(said));
