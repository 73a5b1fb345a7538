import { createHash } from "node:crypto";
import { readSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { BLOCK_BYTES } from "./reader.js";

// The thread of FileHash: reads an open file by position, beside the one who replays it.

const fd = workerData as number;
const hash = createHash("sha256");
const block = new Uint8Array(BLOCK_BYTES);
try {
  for (let at = 0, got = -1; got !== 0; at += got) {
    got = readSync(fd, block, 0, block.length, at);
    hash.update(block.subarray(0, got));
  }
} catch {
  // The reader meets the same error and reports it; the hash is of what could be read.
}
parentPort!.postMessage(hash.digest("hex"));
