import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { NetmemError } from "../error.js";

const CAP_NET_ADMIN = 12;
const CAP_SYS_ADMIN = 21;
/** Last words of a process that are kept for the message. */
const STDERR_BYTES = 2000;

/**
 * The descriptor under which a native process has a file that it was given: behind the standard
 * ones and the channel to its parent.
 */
const GIVEN_FD = 4;

/** The path by which a native process opens the file that it was given. */
export const GIVEN_PATH = `/proc/self/fd/${GIVEN_FD}`;

/** How a native process is started beside the others. */
interface StartOptions {
  /** Descriptor of a file for it, which it opens as {@link GIVEN_PATH}. */
  readonly file?: number | undefined;
  /** It gets no user namespace, whoever it is. */
  readonly bare?: boolean;
}

/** How a native process is started, and what it was told when it ended without a word. */
export interface NativeProcess {
  readonly child: ChildProcess;
  /** What it wrote on standard error, the end of it. */
  lastWords(): string;
}

/**
 * Starts a module of netmem in a process of its own, which may enter namespaces and hold kernel
 * objects: they all go with it. Who is not root gets a user namespace around it (unshare -Urn).
 *
 * The process takes no signal from the terminal: the parent tells it to stop, and the kernel ends
 * it when the parent dies.
 *
 * @param module URL of the module, beside the caller's.
 */
export function startNative(
  module: URL,
  args: readonly string[],
  { file, bare = false }: StartOptions = {},
): NativeProcess {
  const path = fileURLToPath(module);
  // The same tree runs from its sources under a loader, and from dist without.
  const loader = extname(path) === ".ts" ? ["--import", "tsx"] : [];
  const node = [process.execPath, ...loader, path, String(process.pid), ...args];
  const [command, ...rest] = bare || mayUnshare() ? node : ["unshare", "-Urn", ...node];
  const child = spawn(command!, rest, {
    stdio: ["ignore", "ignore", "pipe", "ipc", ...(file === undefined ? [] : [file])],
    serialization: "advanced",
  });
  let words = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    words = (words + text).slice(-STDERR_BYTES);
  });
  return { child, lastWords: () => words.trim() };
}

/** The network namespace of this process, as the inode of its file. */
export function hostNamespace(): number {
  return Number(statSync("/proc/self/ns/net").ino);
}

/** Why a process ended that should have answered. */
export function endedEarly(
  what: string,
  code: number | null,
  signal: NodeJS.Signals | null,
  words: string,
): NetmemError {
  if (/unshare/.test(words)) {
    return new NetmemError(
      "NETMEM_BACKEND_UNAVAILABLE",
      `${what} needs a user namespace, and none can be made: ${words.split("\n")[0]}`,
      "Run as root, or allow user namespaces (sysctl user.max_user_namespaces).",
    );
  }
  const how = signal === null ? `with code ${code}` : `by ${signal}`;
  const lines = words.split("\n");
  // An error that nobody caught stands above its stack, and Node's version below.
  const last = lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1)!;
  return new NetmemError(
    "NETMEM_BACKEND_FAILED",
    `the process of ${what} ended ${how}${last === "" ? "" : `: ${last}`}`,
    "Nothing of it is left. Run it again; netmem doctor shows what this machine offers.",
  );
}

/** Why a process did not even start. */
export function notStarted(what: string, error: NodeJS.ErrnoException): NetmemError {
  const missing = error.code === "ENOENT" && !mayUnshare();
  return new NetmemError(
    "NETMEM_BACKEND_UNAVAILABLE",
    missing
      ? `${what} needs a user namespace, and there is no unshare command`
      : `the process of ${what} cannot be started (${error.code ?? error.message})`,
    missing ? "Install util-linux, or run as root." : "Free memory or processes, and run it again.",
  );
}

/** Whether this process may make network namespaces itself. */
export function mayUnshare(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync("/proc/self/status", "utf8"));
  const bits = BigInt(`0x${effective?.[1] ?? "0"}`);
  const has = (bit: number) => ((bits >> BigInt(bit)) & 1n) === 1n;
  return has(CAP_NET_ADMIN) && has(CAP_SYS_ADMIN);
}
