import { dieWithParent, enterFreshNamespace } from "../../engine/backend/net/namespace.js";
import { Unavailable } from "../../engine/backend/unavailable.js";
import { NetmemError } from "../error.js";
import type { FromChild, NativeTask, ToChild } from "./native-messages.js";
import { replayNative } from "./native-replay.js";

/**
 * The process of one native run: it enters a network namespace of its own, replays, answers and
 * ends. Whatever it made in the kernel ends with it.
 *
 *      argv: [node, this file, pid of the parent]
 */
const stop = new AbortController();

function answer(message: FromChild): void {
  // Without the parent there is nobody to answer to.
  if (process.connected) process.send!(message, () => process.exit(0));
  else process.exit(0);
}

function failure(backend: string, error: unknown): FromChild {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Unavailable) {
    return {
      kind: "failed",
      code: "NETMEM_BACKEND_UNAVAILABLE",
      message: `backend ${backend} is not available here: ${message}`,
      suggestion: `${error.remedy} (netmem doctor, row ${error.capability})`,
    };
  }
  if (error instanceof NetmemError) {
    return { kind: "failed", code: error.code, message, suggestion: error.suggestion };
  }
  const invariant = error instanceof Error && error.name === "InvariantViolation";
  if (process.env.DEBUG !== undefined) process.stderr.write(`${(error as Error).stack}\n`);
  return {
    kind: "failed",
    code: invariant ? "NETMEM_INVARIANT" : "NETMEM_BACKEND_FAILED",
    message: `backend ${backend}: ${message}`,
    suggestion: "Keep the capture and the command line; netmem doctor tells of the machine.",
  };
}

async function run(task: NativeTask): Promise<void> {
  try {
    if (!dieWithParent(Number(process.argv[2]))) process.exit(0);
    enterFreshNamespace(task.hostNamespace);
    const outcome = await replayNative(task, stop.signal, {
      onProgress: (progress) => {
        process.send?.({ kind: "progress", progress } satisfies FromChild);
      },
      onInterval: (provider, interval) => {
        process.send?.({ kind: "interval", provider, interval } satisfies FromChild);
      },
    });
    answer({ kind: "done", outcome });
  } catch (error) {
    answer(failure(task.backend, error));
  }
}

// The terminal's interrupt reaches the whole group; the parent alone decides what it means.
process.on("SIGINT", () => {});
process.on("disconnect", () => process.exit(0));
process.on("message", (message: ToChild) => {
  if (message.kind === "stop") stop.abort();
  else void run(message);
});
