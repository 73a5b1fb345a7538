import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { NetmemError } from "../error.js";

/** Tools of the machine that preparing or running a guest needs, and Debian's packages of them. */
const PACKAGE_OF: Readonly<Record<string, string>> = {
  "apt-get": "apt",
  "apt-cache": "apt",
  "dpkg-deb": "dpkg",
  unshare: "util-linux",
  mount: "util-linux",
  chroot: "coreutils",
  ldd: "libc-bin",
  "qemu-system-x86_64": "qemu-system-x86",
};

/** Bytes of a tool's output that are kept: its end says what went wrong. */
const KEPT_OUTPUT = 64 * 1024 * 1024;

/** How a tool ended. */
export interface ToolResult {
  /** Exit status; null when a signal ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Path of a tool, or null. */
export function findTool(name: string): string | null {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

/** @throws NetmemError NETMEM_BACKEND_UNAVAILABLE that names every tool that is missing. */
export function needTools(names: readonly string[]): void {
  const missing = names.filter((name) => findTool(name) === null);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((name) => PACKAGE_OF[name] ?? name))];
  throw new NetmemError(
    "NETMEM_BACKEND_UNAVAILABLE",
    `netmem vm needs what this machine does not have: ${missing.join(", ")}`,
    `apt-get install --no-install-recommends ${packages.join(" ")}`,
  );
}

/** What a tool is run with. */
export interface ToolOptions {
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** Runs a tool to its end; a status other than 0 is an answer, not an error. */
export function runTool(
  name: string,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<ToolResult> {
  const path = findTool(name) ?? name;
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, {
      cwd: options.cwd,
      signal: options.signal,
      timeout: options.timeoutMs,
      killSignal: "SIGKILL",
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (stdout.length < KEPT_OUTPUT) stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (stderr.length < KEPT_OUTPUT) stderr += text;
    });
    child.on("error", (error) => reject(options.signal?.aborted ? interrupted(name) : error));
    child.on("close", (status) => resolve({ status, stdout, stderr }));
  });
}

function interrupted(name: string): NetmemError {
  const suggestion = "Run it again; what it had made is gone.";
  return new NetmemError("NETMEM_BACKEND_FAILED", `${name} was interrupted`, suggestion);
}

/** As {@link runTool}, for what must succeed. */
export async function mustRun(
  what: string,
  name: string,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<string> {
  const { status, stdout, stderr } = await runTool(name, args, options);
  if (status === 0) return stdout;
  const said = `${stderr}\n${stdout}`.trim().split("\n").slice(-12).join("\n");
  throw new NetmemError(
    "NETMEM_BACKEND_UNAVAILABLE",
    `${what} failed: ${name} ended with ${status ?? "a signal"}:\n${said}`,
    "Mend what the tool complains about, then run netmem vm prepare again.",
  );
}
