import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker, type WorkerOptions } from "node:worker_threads";

/**
 * A thread that runs a built file of this package. A test runner runs the sources, but a thread
 * needs JavaScript: it then takes the file of the same name from `dist`.
 */
export function startThread(url: URL, options: WorkerOptions): Worker {
  const built = existsSync(fileURLToPath(url));
  return new Worker(built ? url : new URL(url.href.replace("/src/", "/dist/")), options);
}
