import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { EXIT, NetmemError } from "../error.js";
import { parseDocuments } from "../record/load-document.js";
import { RECORD_SCHEMA, SUITE_SCHEMA } from "../record/names.js";
import type { ReplayDocument } from "../record/schema.js";

/** The program as its package has it. */
const RUN_JS = fileURLToPath(new URL("../../../bin/run.js", import.meta.url));
/** Lines of a failed command's standard error that a message shows. */
const SHOWN_LINES = 3;
/** Exit codes with which a replay still prints a record. */
const WITH_RECORD: readonly number[] = [EXIT.done, EXIT.captureUnreadable, EXIT.violated];

/**
 * Lets `netmem` stand for this very build where no such program is installed, so that the lines of
 * the help run in a clone too.
 */
const SELF =
  'command -v netmem >/dev/null 2>&1 || netmem() { "$NETMEM_SELF_NODE" "$NETMEM_SELF" "$@"; }; ';

/**
 * Runs a command line by the shell and reads the record that it prints. `--json` is added where
 * it is missing, so that `--base './old/bin/run.js replay a.pcap'` is enough.
 *
 * @throws NetmemError NETMEM_COMMAND when the command cannot run, ends with an error, or prints
 *   anything but one record or suite.
 */
export async function runCommand(
  command: string,
  signal: AbortSignal,
): Promise<{ document: ReplayDocument; exitCode: number }> {
  const line = /(^|\s)--json(\s|$)/.test(command) ? command : `${command} --json`;
  const { stdout, stderr, code } = await finished(line, signal);
  if (!WITH_RECORD.includes(code)) throw failed(line, `exit code ${code}`, stderr, stdout);
  const document = parseDocuments(stdout, `'${line}'`)[0]!;
  if (document.schema !== RECORD_SCHEMA && document.schema !== SUITE_SCHEMA) {
    throw failed(line, `it printed a ${document.schema}`, stderr, "");
  }
  return { document, exitCode: code };
}

/** The process's output and its exit code; an interrupt reaches it as SIGINT. */
function finished(
  line: string,
  signal: AbortSignal,
): Promise<{ stdout: string; stderr: string; code: number }> {
  return new Promise((resolve, reject) => {
    const child = spawn("/bin/sh", ["-c", `${SELF}${line}`], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NETMEM_SELF_NODE: process.execPath, NETMEM_SELF: RUN_JS },
    });
    const stop = () => child.kill("SIGINT");
    signal.addEventListener("abort", stop, { once: true });
    const output: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on("data", (chunk: Buffer) => output[0].push(chunk));
    child.stderr.on("data", (chunk: Buffer) => output[1].push(chunk));
    child.on("error", (error) => reject(failed(line, error.message, "", "")));
    child.on("close", (code) => {
      signal.removeEventListener("abort", stop);
      const [stdout, stderr] = output.map((chunks) => Buffer.concat(chunks).toString("utf8"));
      resolve({ stdout: stdout!, stderr: stderr!, code: code ?? EXIT.interrupted });
    });
  });
}

function failed(line: string, what: string, stderr: string, stdout: string): NetmemError {
  const said = (stderr.trim() === "" ? stdout : stderr).trim().split("\n").slice(-SHOWN_LINES);
  const tail = said.join(" | ").slice(0, 300);
  return new NetmemError(
    "NETMEM_COMMAND",
    `'${line}' gave no record: ${what}${tail === "" ? "" : ` (${tail})`}`,
    "Run the line by itself; it must print what netmem replay --json prints.",
  );
}
