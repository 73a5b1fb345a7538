#!/usr/bin/env node
import module from "node:module";

// Node 22.1 and later keep compiled code from one start to the next; older ones have no such call.
module.enableCompileCache?.();
// oclif would load 45 files to hold its own package.json against this Node's version.
process.env.OCLIF_DISABLE_ENGINE_WARNING ??= "1";
// A reader that went away is no fault; oclif would end anything else, a full disk say, in a stack.
process.stdout.on("error", (error) => {
  if (error.code === "EPIPE") return;
  process.stderr.write(`netmem: standard output: ${error.message}\nTry: Check the disk.\n`);
  process.exit(1);
});

const { execute } = await import("../dist/commands/shared/launch.js");
await execute({ dir: import.meta.url });
