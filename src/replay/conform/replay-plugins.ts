import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { EXIT, NetmemError } from "../error.js";
import { isModulePath } from "../plan/provider-list.js";
import type { ReplayConfig } from "../plan/replay-config.js";
import type { NetmemRecord, ReplayDocument } from "../record/schema.js";
import type { ReplayHooks, ReplayResult, RunReplay } from "../run/contract.js";
import type { ReplayNews, ReplayWork } from "./replay-worker.js";
import { PULSE_WORDS, startPluginThread, watchThread } from "./thread.js";

/** A call into a module that takes longer than this hangs, unless told otherwise. */
const LIMIT_MS = 10_000;

/** What the run of one module came to. */
interface PluginRun {
  readonly plugin: string;
  readonly document: ReplayDocument | null;
  readonly exitCode: number;
  /** Why there is no document; `code` is an error code. */
  readonly failure: { readonly code: string; readonly message: string } | null;
}

/**
 * A replay in which provider modules take part. netmem's own providers run here, each module in a
 * thread of its own over the same captures; its runs are then added to the records. A module that
 * throws, hangs or breaks a rule adds a warning `provider-failed` and exit code 7 instead, and
 * costs the others nothing.
 *
 * @throws NetmemError NETMEM_USAGE for standard input, which can be read only once; the module's
 *   own error if no other provider was asked for.
 */
export async function replayWithPlugins(
  config: ReplayConfig,
  paths: readonly string[],
  hooks: ReplayHooks,
  runReplay: RunReplay,
  limitMs = LIMIT_MS,
): Promise<ReplayResult> {
  const plugins = config.provider.filter(isModulePath);
  const own = config.provider.filter((name) => !isModulePath(name));
  if (paths.includes("-")) {
    throw new NetmemError(
      "NETMEM_USAGE",
      "standard input cannot be replayed with a provider module",
      "Write the capture to a file first.",
    );
  }
  const base =
    own.length === 0 ? null : await runReplay({ ...config, provider: own }, paths, hooks);
  const runs: PluginRun[] = [];
  for (const plugin of plugins) {
    if (hooks.signal.aborted) break;
    runs.push(await replayPlugin({ config, plugin, paths, limitMs }, hooks));
  }
  const documents = [base?.document, ...runs.map(({ document }) => document)].filter(
    (document) => document != null,
  );
  const first = documents[0];
  const failures = runs.flatMap(({ plugin, failure }) =>
    failure === null ? [] : [{ plugin, ...failure }],
  );
  if (first === undefined) {
    const { code, message } = failures[0] ?? { code: "NETMEM_USAGE", message: "nothing was run" };
    const hint = "netmem conform tells which clause of the contract is broken.";
    throw new NetmemError(code as "NETMEM_PROVIDER_FAULT", message, hint);
  }
  for (const other of documents.slice(1)) addRuns(first, other);
  for (const record of recordsOf(first)) {
    record.config.provider = [...config.provider];
    for (const { plugin, message } of failures) {
      record.warnings.push({ code: "provider-failed", message: `${plugin}: ${message}` });
    }
  }
  const codes = [base?.exitCode ?? EXIT.done, ...runs.map(({ exitCode }) => exitCode)];
  return { document: first, exitCode: worst(codes) };
}

async function replayPlugin(
  asked: Pick<ReplayWork, "config" | "plugin" | "paths"> & { readonly limitMs: number },
  hooks: ReplayHooks,
): Promise<PluginRun> {
  const { config, plugin, paths, limitMs } = asked;
  const pulse = new Int32Array(new SharedArrayBuffer(PULSE_WORDS * 4));
  const url = pathToFileURL(resolve(plugin)).href;
  const work: ReplayWork = { plugin, url, config, paths, pulse };
  const thread = startPluginThread(new URL("./replay-worker.js", import.meta.url), work);
  const stop = () => void thread.terminate();
  hooks.signal.addEventListener("abort", stop, { once: true });
  let run: PluginRun | null = null;
  const end = await watchThread(thread, pulse, limitMs, (message) => {
    const news = message as ReplayNews;
    if (news.kind === "document") {
      run = { plugin, document: news.document, exitCode: news.exitCode, failure: null };
    } else if (news.kind === "failed") run = failed(plugin, news.code, news.message);
  });
  hooks.signal.removeEventListener("abort", stop);
  if (run !== null) return run;
  const reason =
    end.kind === "hang"
      ? `${end.op} did not come back within ${limitMs} ms`
      : hooks.signal.aborted
        ? "interrupted"
        : end.kind === "died"
          ? end.reason
          : "no record";
  return failed(plugin, "NETMEM_PROVIDER_FAULT", reason);
}

function failed(plugin: string, code: string, message: string): PluginRun {
  const exitCode = code === "NETMEM_PROVIDER" ? EXIT.usage : EXIT.violated;
  return { plugin, document: null, exitCode, failure: { code, message } };
}

/** Adds the runs of one document to those of another, capture by capture. */
function addRuns(to: ReplayDocument, from: ReplayDocument): void {
  const known = new Map(recordsOf(from).map((record) => [record.capture.path, record]));
  for (const record of recordsOf(to)) {
    const other = known.get(record.capture.path);
    if (other === undefined) continue;
    record.runs.push(...other.runs);
    // What concerns the capture stands there already; what concerns the run names its provider.
    const news = other.warnings.filter(
      ({ message }) => !record.warnings.some((warning) => warning.message === message),
    );
    record.warnings.push(...news);
  }
}

function recordsOf(document: ReplayDocument): NetmemRecord[] {
  return "records" in document ? document.records : [document];
}

/** 7 before 5 before the others. */
function worst(codes: readonly number[]): number {
  for (const code of [EXIT.violated, EXIT.captureUnreadable]) if (codes.includes(code)) return code;
  return Math.max(...codes);
}
