import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { RUN_JS } from "../golden/run-cli.js";
import { HERE } from "./machine.js";

const CAPTURE = fileURLToPath(new URL("../../fixtures/kernel/flows64.pcap", import.meta.url));
const PATIENCE_MS = 15_000;

/** Native processes that an ancestor of this test's making has started. */
function nativeProcesses(marker: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
        return (
          command.includes("native-child") &&
          readFileSync(`/proc/${pid}/environ`, "utf8").includes(marker)
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Everything of the host that a run could change. */
function hostState(): unknown {
  return {
    interfaces: readdirSync("/sys/class/net").sort(),
    routes: readFileSync("/proc/net/route", "utf8"),
    mounts: readFileSync("/proc/self/mounts", "utf8"),
    hugePages: readFileSync("/proc/sys/vm/nr_hugepages", "utf8"),
    namespace: readlinkSync("/proc/self/ns/net"),
    rules: execFileSync("ip", ["rule"], { encoding: "utf8" }),
  };
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
    await sleep(20);
  }
}

let runs = 0;

/** Starts a replay that lasts, and waits until its native process is at work. */
async function started(backend: string): Promise<{
  cli: ChildProcess;
  child: number;
  marker: string;
  ended: Promise<{ code: number | null; signal: string | null; stderr: string }>;
}> {
  const marker = `NETMEM_TEST_RUN=${process.pid}-${runs++}`;
  const [name, value] = marker.split("=");
  const args = [RUN_JS, "replay", "--backend", backend, "--pps", "20", "--json", CAPTURE];
  const env = { ...process.env, [name!]: value! };
  const cli = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  cli.stderr!.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<{ code: number | null; signal: string | null; stderr: string }>(
    (resolve) => cli.on("exit", (code, signal) => resolve({ code, signal, stderr })),
  );
  const host = readlinkSync("/proc/self/ns/net");
  let child = 0;
  await until("the native process has a namespace of its own", () => {
    [child = 0] = nativeProcesses(marker);
    try {
      return child > 0 && readlinkSync(`/proc/${child}/ns/net`) !== host;
    } catch {
      return false;
    }
  });
  return { cli, child, marker, ended };
}

describe.each(HERE)("%s leaves nothing behind", (backend) => {
  const before = hostState();

  async function clean(marker: string): Promise<void> {
    await until("its process is gone", () => nativeProcesses(marker).length === 0);
    expect(hostState()).toEqual(before);
  }

  it("after success and after failure", () => {
    const args = ["replay", "--backend", backend, "--json"];
    const run = (path: string) => {
      try {
        execFileSync(process.execPath, [RUN_JS, ...args, path], { stdio: "pipe" });
        return 0;
      } catch (error) {
        return (error as { status: number }).status;
      }
    };
    expect(run(CAPTURE)).toBe(0);
    expect(run("missing.pcap")).toBe(5);
    expect(hostState()).toEqual(before);
  });

  // What follows is the same for every backend: the process goes, and all with it.
  if (backend !== HERE[0]) return;

  it("after an interrupt, with a record and 130", async () => {
    const { cli, marker, ended } = await started(backend);
    cli.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 130 });
    await clean(marker);
  });

  it.each(["SIGTERM", "SIGKILL"] as const)("after %s of the command", async (signal) => {
    const { cli, marker, ended } = await started(backend);
    cli.kill(signal);
    expect(await ended).toMatchObject({ signal });
    await clean(marker);
  });

  it.each(["SIGKILL", "SIGSEGV"] as const)("after %s of the reader", async (signal) => {
    const { child, marker, ended } = await started(backend);
    process.kill(child, signal);
    expect((await ended).code).toBe(1);
    await clean(marker);
  });
});
