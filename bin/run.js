#!/usr/bin/env node
import { fstatSync, writeSync } from "node:fs";
import { load } from "../dist/start/main.js";

// oclif would load 45 files to hold its own package.json against this Node's version.
process.env.OCLIF_DISABLE_ENGINE_WARNING ??= "1";
// A reader that went away is no fault; oclif would end anything else, a full disk say, in a stack.
process.stdout.on("error", (error) => {
  if (error.code === "EPIPE") return;
  process.stderr.write(`netmem: standard output: ${error.message}\nTry: Check the disk.\n`);
  process.exit(1);
});
// Node hands a file its text once, and a disk that fills up takes a part of it without a word.
if (fstatSync(1).isFile()) {
  process.stdout._write = (bytes, _encoding, done) => {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
      done();
    } catch (error) {
      done(error);
    }
  };
}

await load("commands/shared/launch.js").execute({ dir: import.meta.url });
