// Last step of the build: has V8 compile the program's pieces and keeps its code for the Node that
// runs the build (src/start). Only what was called is in it, so commands of each kind are run.
import { readdirSync } from "node:fs";
import { sep } from "node:path";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";

// All of the code is to be of this very run, and none of it a pack's.
process.env.NODE_DISABLE_COMPILE_CACHE = "1";
// V8 would drop code that was not called for a while. The flag must stand as before at the end.
setFlagsFromString("--no-flush-bytecode");
const { load, writeBuiltPack } = await import("../dist/start/main.js");

const PROGRAM = fileURLToPath(new URL("../dist/program/", import.meta.url));
const FIXTURE = fileURLToPath(new URL("../fixtures/edge/qinq.pcap", import.meta.url));
const RUNS = [
  ["--help"],
  ["replay", "--help"],
  ["replay", FIXTURE],
  ["replay", "--json", "--streams", FIXTURE],
];

process.env.OCLIF_DISABLE_ENGINE_WARNING = "1";
const { execute } = load("commands/shared/launch.js");
const { stdout, stderr } = process;
const shown = [stdout.write, stderr.write];
for (const args of RUNS) {
  const said = [];
  for (const stream of [stdout, stderr]) {
    stream.write = (text) => said.push(text) > 0;
  }
  await execute({ args, dir: new URL("../bin/run.js", import.meta.url).href });
  [stdout.write, stderr.write] = shown;
  if (process.exitCode) throw new Error(`netmem ${args.join(" ")}: ${said.join("")}`);
}
// What was not called still has its code for being loaded.
for (const file of readdirSync(PROGRAM, { recursive: true })) {
  if (file.endsWith(".js")) load(file.split(sep).join("/"));
}
setFlagsFromString("--flush-bytecode");
writeBuiltPack();
