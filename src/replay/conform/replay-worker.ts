import { parentPort, workerData } from "node:worker_threads";
import {
  PluginFault,
  type ProviderModule,
  type ProviderPlugin,
} from "../../engine/provider/plugin.js";
import { NetmemError } from "../error.js";
import type { ReplayConfig } from "../plan/replay-config.js";
import type { ReplayDocument } from "../record/schema.js";
import { runReplay } from "../run/run-replay.js";
import { loadProviderModule } from "./load-module.js";
import { OP_NAMES, PULSE_CALLS, PULSE_OP } from "./thread.js";

/** What the watcher gives this thread. */
export interface ReplayWork {
  /** Path of the module as it stands in `config.provider`, and its URL. */
  readonly plugin: string;
  readonly url: string;
  readonly config: ReplayConfig;
  readonly paths: readonly string[];
  readonly pulse: Int32Array;
}

/** What this thread tells, before `"done"`. */
export type ReplayNews =
  | { readonly kind: "ready" }
  | { readonly kind: "document"; readonly document: ReplayDocument; readonly exitCode: number }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

const { plugin, url, config, paths, pulse } = workerData as ReplayWork;
const tell = (news: ReplayNews) => parentPort!.postMessage(news);
const beat = (op: string) => {
  Atomics.store(pulse, PULSE_OP, Math.max(0, OP_NAMES.indexOf(op)));
  Atomics.add(pulse, PULSE_CALLS, 1);
};

/** The module with a beat of the pulse before each call. */
function watched(module: ProviderModule): ProviderModule {
  const create: ProviderModule["create"] = (area) => {
    beat("create");
    const inner = module.create(area);
    if (typeof inner !== "object" || inner === null) return inner;
    const told =
      <A extends unknown[], R>(op: string, call: (...args: A) => R) =>
      (...args: A): R => {
        beat(op);
        return call.apply(inner, args);
      };
    const outer = Object.fromEntries(
      OP_NAMES.flatMap((op) => {
        const call = inner[op as keyof ProviderPlugin] as ((...args: never[]) => unknown) | null;
        return typeof call === "function" ? [[op, told(op, call)]] : [];
      }),
    );
    return outer as unknown as ProviderPlugin;
  };
  return { ...module, create };
}

try {
  tell({ kind: "ready" });
  const module = await loadProviderModule(url);
  const plugins = new Map([[plugin, watched(module)]]);
  const { document, exitCode } = await runReplay(
    { ...config, provider: [plugin], plugins },
    paths,
    {
      signal: new AbortController().signal,
      onProgress: () => beat("the replay"),
      warn: () => {},
    },
  );
  tell({ kind: "document", document, exitCode });
} catch (error) {
  if (error instanceof NetmemError) {
    tell({ kind: "failed", code: error.code, message: error.message });
  } else if (error instanceof PluginFault) {
    const message = `${error.message} (clause ${error.clause})`;
    tell({ kind: "failed", code: "NETMEM_PROVIDER_FAULT", message });
  } else throw error;
}
parentPort!.postMessage("done");
