// Step of the build: writes oclif.manifest.json, which spares each start the search for commands
// and the loading of those that were not called.
import { rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Plugin } from "@oclif/core";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FILE = `${ROOT}oclif.manifest.json`;

// What is compiled here is not worth keeping: code.mjs keeps what runs call.
process.env.NODE_DISABLE_COMPILE_CACHE = "1";
rmSync(FILE, { force: true });
const plugin = new Plugin({
  root: ROOT,
  type: "core",
  ignoreManifest: true,
  errorOnManifestCreate: true,
});
await plugin.load();
writeFileSync(FILE, `${JSON.stringify(plugin.manifest)}\n`);
