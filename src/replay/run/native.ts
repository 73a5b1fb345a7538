import { NetmemError } from "../error.js";
import type { ReplayConfig } from "../plan/replay-config.js";
import type { ReplayHooks } from "./contract.js";
import {
  type FromChild,
  type NativeOutcome,
  type NativeTask,
  NO_LOOK,
  type ToChild,
} from "./native-messages.js";
import {
  endedEarly,
  GIVEN_PATH,
  hostNamespace,
  notStarted,
  startNative,
} from "./native-process.js";

/** How long a process may take to end once it has answered. */
const GRACE_MS = 2000;

/** A capture that may have no name: whoever is to read it gets its descriptor. */
export interface OpenFile {
  /** Path by which this process opens it. */
  readonly path: string;
  readonly fd: number;
}

/**
 * Replays a capture through one native backend, in a process of its own.
 *
 * @param capture a regular file: native backends read a capture twice.
 * @throws NetmemError NETMEM_BACKEND_UNAVAILABLE where the machine lacks something, and
 *   NETMEM_BACKEND_FAILED where the process ended before it answered.
 */
export async function runNative(
  config: ReplayConfig,
  backend: string,
  capture: string | OpenFile,
  hooks: ReplayHooks,
  look = NO_LOOK,
): Promise<NativeOutcome> {
  const file = typeof capture === "string" ? undefined : capture.fd;
  const path = typeof capture === "string" ? capture : GIVEN_PATH;
  const { child, lastWords } = startNative(moduleBeside("native-child"), [], { file });
  const send = (message: ToChild) => {
    if (child.connected) child.send(message);
  };
  const stop = () => send({ kind: "stop" });
  hooks.signal.addEventListener("abort", stop);
  try {
    return await new Promise<NativeOutcome>((resolve, reject) => {
      child.on("error", (error) => {
        // One that was started and is gone cannot be sent to; why, its end tells.
        if (child.pid === undefined) reject(notStarted(backend, error));
      });
      // Not on "exit": its last message may still be in the pipe then.
      child.on("close", (code, signal) => {
        reject(endedEarly(`backend ${backend}`, code, signal, lastWords()));
      });
      child.on("message", (message: FromChild) => {
        if (message.kind === "progress") hooks.onProgress?.(message.progress);
        else if (message.kind === "interval") {
          const { provider, interval } = message;
          hooks.onInterval?.({ capture: path, provider, backend, interval });
        } else if (message.kind === "done") resolve(message.outcome);
        else reject(new NetmemError(message.code, message.message, message.suggestion));
      });
      const task: NativeTask = {
        kind: "replay",
        config,
        backend,
        path,
        look,
        hostNamespace: hostNamespace(),
      };
      send(task);
    });
  } finally {
    hooks.signal.removeEventListener("abort", stop);
    await gone(child);
  }
}

/** Waits until a process that has answered is gone, and ends it where it does not go. */
async function gone(child: ReturnType<typeof startNative>["child"]): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const left = new Promise((resolve) => child.once("exit", resolve));
  const timer = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
  if (child.connected) child.disconnect();
  await left;
  clearTimeout(timer);
}

/** A module of this folder, from sources or from dist as this one is. */
export function moduleBeside(name: string): URL {
  return new URL(`./${name}${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url);
}
