import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { PROVIDER_CONTRACT } from "../../engine/provider/plugin.js";
import { EXIT, NetmemError } from "../error.js";
import type { ConformPlan } from "../plan/conform-plan.js";
import {
  CLAUSES,
  type ClauseName,
  type ClauseVerdict,
  CONFORM_SCHEMA,
  type ConformDocument,
  type Counterexample,
  type ProviderVerdict,
  type SuiteTally,
} from "../record/conform-document.js";
import type { ConformNews, ConformWork } from "./conform-worker.js";
import { PULSE_WORDS, startPluginThread, type ThreadEnd, watchThread } from "./thread.js";

/** Names of the suites, in order; each can fall without the others. */
const SUITE_NAMES = ["faults", "state machine", "exploration", "determinism"];

/** What the threads of one module told. */
interface Gathered {
  name: string | null;
  contract: number | null;
  readonly broken: Map<ClauseName, Counterexample>;
  readonly suites: SuiteTally[];
}

/**
 * Puts provider modules through the contract, each in threads of its own: what throws, hangs or
 * ends its thread loses a clause, and nothing of another module. Exit code 0 if all conform, else
 * 7.
 *
 * @throws NetmemError NETMEM_PROVIDER for a path where there is no file.
 */
export async function runConform(
  plan: ConformPlan,
): Promise<{ document: ConformDocument; exitCode: number }> {
  for (const path of plan.paths) {
    if (existsSync(path)) continue;
    throw new NetmemError("NETMEM_PROVIDER", `no provider module ${path}`, "Check the path.");
  }
  const providers: ProviderVerdict[] = [];
  for (const path of plan.paths) providers.push(await conformOne(path, plan));
  const document: ConformDocument = {
    schema: CONFORM_SCHEMA,
    contract: PROVIDER_CONTRACT,
    seed: plan.seed,
    providers,
  };
  const all = providers.every(({ conforms }) => conforms);
  return { document, exitCode: all ? EXIT.done : EXIT.violated };
}

async function conformOne(path: string, plan: ConformPlan): Promise<ProviderVerdict> {
  const gathered: Gathered = { name: null, contract: null, broken: new Map(), suites: [] };
  let skip: readonly string[] = [];
  // Every round runs what is left, until a round comes to its end or falls before a suite began.
  for (;;) {
    const { end, running } = await round(path, plan, skip, gathered);
    if (end.kind !== "done") fall(gathered, end, running, plan);
    if (end.kind === "done" || running === null) break;
    skip = SUITE_NAMES.slice(0, SUITE_NAMES.indexOf(running) + 1);
    if (skip.length === SUITE_NAMES.length) break;
  }
  const clauses = verdicts(gathered);
  const conforms = clauses.every(({ verdict }) => verdict === "pass");
  const { name, contract, suites } = gathered;
  return { path, name, contract, conforms, clauses, suites };
}

/** One thread: the suites that are not skipped. `running` is the suite in which it fell. */
async function round(
  path: string,
  plan: ConformPlan,
  skip: readonly string[],
  gathered: Gathered,
): Promise<{ end: ThreadEnd; running: string | null }> {
  const pulse = new Int32Array(new SharedArrayBuffer(PULSE_WORDS * 4));
  const url = pathToFileURL(resolve(path)).href;
  const work: ConformWork = { url, seed: plan.seed, skip, pulse };
  const thread = startPluginThread(new URL("./conform-worker.js", import.meta.url), work);
  let running: string | null = null;
  const end = await watchThread(thread, pulse, plan.limitMs, (message) => {
    const news = message as ConformNews;
    if (news.kind === "loaded")
      Object.assign(gathered, { name: news.name, contract: news.contract });
    else if (news.kind === "refused") keep(gathered, "module", plain("loading", news.message));
    else if (news.kind === "begins") running = news.suite;
    else if (news.kind === "suite") {
      gathered.suites.push(news.result.tally);
      for (const [clause, found] of news.result.broken) keep(gathered, clause, found);
      running = null;
    }
  });
  return { end, running };
}

/** A thread that did not come to its end breaks a clause of its own. */
function fall(
  gathered: Gathered,
  end: Exclude<ThreadEnd, { kind: "done" }>,
  running: string | null,
  plan: ConformPlan,
): void {
  const suite = running ?? "loading";
  if (running !== null) {
    gathered.suites.push({ suite: running, runs: 0, operations: 0, complete: false });
  }
  if (end.kind === "hang") {
    const message = `${end.op} did not come back within ${plan.limitMs} ms`;
    keep(gathered, "time", plain(suite, message));
  } else keep(gathered, running === null ? "module" : "answers", plain(suite, end.reason));
}

function plain(suite: string, message: string): Counterexample {
  return { suite, message, netmems: 0, netmemBytes: 0, seed: null, steps: [] };
}

/** Keeps the counterexample with the fewest steps; of equals the first. */
function keep(gathered: Gathered, clause: ClauseName, found: Counterexample): void {
  const known = gathered.broken.get(clause);
  if (known !== undefined && known.steps.length <= found.steps.length) return;
  gathered.broken.set(clause, found);
}

function verdicts({ name, broken, suites }: Gathered): ClauseVerdict[] {
  const whole = SUITE_NAMES.every((suite) =>
    suites.some((tally) => tally.suite === suite && tally.complete),
  );
  return CLAUSES.map(([clause, text]) => {
    const counterexample = broken.get(clause) ?? null;
    const tested = clause === "module" ? name !== null : whole;
    const verdict = counterexample !== null ? "fail" : tested ? "pass" : "untested";
    return { clause, text, verdict, counterexample };
  });
}
