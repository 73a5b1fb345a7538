import { Command } from "@oclif/core";
import { EXIT, NetmemError } from "../../replay/error.js";
import { FLAG_NAMES } from "../../replay/plan/flags.js";
import { nearestName } from "../../replay/plan/nearest.js";
import { documentChunks } from "../../report/export/json.js";
import { type Failure, failureDocument, failureText } from "../../report/failure.js";
import { harmless } from "../../report/harmless.js";
import { styleFor } from "../../report/table/style.js";
import { listenForInterrupt } from "./interrupt.js";

/** What oclif's own errors carry beside their message. */
interface OclifError extends Error {
  readonly oclif?: { readonly exit?: number };
  /** Of a parse error about flags that do not exist. */
  readonly flags?: unknown;
}

/**
 * What every command has in common: one JSON document on standard output under --json whatever
 * happens, and the same exit codes with and without it. oclif would leave with 1 under --json
 * after `this.error` and `this.exit`, so codes go through `process.exitCode`.
 */
export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true;
  /** True when the environment or a configuration file asks for JSON. */
  protected jsonWanted = ["1", "true", "on", "yes"].includes(process.env.NETMEM_JSON ?? "");
  /** Whether an interrupt ended what {@link interruptible} ran. */
  protected interrupted = false;

  override jsonEnabled(): boolean {
    return this.jsonWanted || super.jsonEnabled();
  }

  override log(message = ""): void {
    super.log(harmless(message));
  }

  protected override logJson(json: unknown): void {
    for (const chunk of documentChunks(json)) process.stdout.write(chunk);
  }

  /** Runs `task` with a signal that the first SIGINT aborts; the second one ends the process. */
  protected async interruptible<T>(task: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const interrupt = listenForInterrupt();
    try {
      return await task(interrupt.signal);
    } finally {
      this.interrupted = interrupt.signal.aborted;
      interrupt.release();
    }
  }

  /** The process leaves with `code`, or with an interrupt's if there was one. */
  protected leaveWith(code: number): void {
    process.exitCode = this.interrupted ? EXIT.interrupted : code;
  }

  protected override async catch(error: Error): Promise<void> {
    this.parsed = true;
    const failure = toFailure(error);
    this.leaveWith(failure.exitCode);
    if (this.jsonEnabled()) this.logJson(failureDocument(failure));
    else process.stderr.write(failureText(failure, styleFor(process.stderr, process.env)));
    if (failure.code === "NETMEM_DEFECT" && process.env.DEBUG !== undefined) {
      process.stderr.write(`${error.stack}\n`);
    }
  }
}

function toFailure(error: OclifError): Failure {
  const { message } = error;
  if (error instanceof NetmemError) {
    const { code, suggestion, exitCode } = error;
    return { code, message, suggestion, exitCode };
  }
  if (error.name === "InvariantViolation") {
    const suggestion = "Keep the capture and the command line: they show a broken rule.";
    return { code: "NETMEM_INVARIANT", message, suggestion, exitCode: EXIT.violated };
  }
  if (error.oclif?.exit !== undefined) {
    const [what] = message.split(/\n\nNote:|\nSee more help/);
    const suggestion = flagHint(error.flags) ?? "See netmem --help.";
    return { code: "NETMEM_USAGE", message: what!, suggestion, exitCode: EXIT.usage };
  }
  const suggestion = "This is a defect in netmem. Set DEBUG=1 for the stack.";
  return { code: "NETMEM_DEFECT", message, suggestion, exitCode: EXIT.defect };
}

function flagHint(flags: unknown): string | undefined {
  if (!Array.isArray(flags)) return undefined;
  const given = String(flags[0]).replace(/^-+/, "").split("=")[0]!;
  const meant = nearestName(given, FLAG_NAMES);
  // A flag of another command exists, and is not what was meant.
  return meant === undefined || meant === given ? undefined : `Did you mean --${meant}?`;
}
