import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { libc } from "../../src/engine/backend/ffi/libc.js";
import { addressOf } from "../../src/engine/backend/ffi/memory.js";
import { SYSCALL } from "../../src/engine/backend/sys/syscalls.js";
import { RUN_JS } from "../golden/run-cli.js";
import { NATIVE, runsHere } from "./machine.js";

const CAPTURE = fileURLToPath(new URL("../../fixtures/kernel/flows64.pcap", import.meta.url));
const PATIENCE_MS = 30_000;

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

/** A program, map or link that a process has a descriptor of, or of whose link it has one. */
interface BpfObject {
  readonly kind: "prog" | "map" | "link";
  readonly id: number;
}

/** What a backend loads. */
const BPF_OBJECTS: Readonly<Record<string, readonly string[]>> = {
  "af-xdp": ["link", "map", "prog"],
  "kernel-page-pool": ["link", "prog"],
};

/** bpf(2): BPF_*_GET_FD_BY_ID. */
const BPF_GET_FD = { prog: 13, map: 14, link: 30 } as const;

function bpfObjects(pid: number): BpfObject[] {
  try {
    const texts = readdirSync(`/proc/${pid}/fdinfo`).map((fd) =>
      readFileSync(`/proc/${pid}/fdinfo/${fd}`, "utf8"),
    );
    return [...texts.join("").matchAll(/^(prog|map|link)_id:\s*(\d+)$/gm)].map(([, kind, id]) => ({
      kind: kind as BpfObject["kind"],
      id: Number(id),
    }));
  } catch {
    return [];
  }
}

function exists({ kind, id }: BpfObject): boolean {
  const attr = Buffer.alloc(128);
  attr.writeUInt32LE(id);
  const { syscall, close } = libc();
  const fd = syscall(SYSCALL.bpf, BPF_GET_FD[kind], addressOf(attr), attr.length, 0, 0, 0);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

/** Network namespace of a process; nothing where it is gone. */
function namespaceOf(pid: number | string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return "";
  }
}

function namespaces(): Set<string> {
  return new Set(readdirSync("/proc").map((pid) => (/^\d+$/.test(pid) ? namespaceOf(pid) : "")));
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

/** A replay under way. */
interface Running {
  readonly cli: ChildProcess;
  readonly child: number;
  readonly marker: string;
  /** Its network namespace, and what it has loaded into the kernel. */
  readonly namespace: string;
  readonly bpf: readonly BpfObject[];
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
}

/** Starts a replay that lasts, and waits until its native process is at work. */
async function started(backend: string): Promise<Running> {
  const marker = `NETMEM_TEST_RUN=${process.pid}-${runs++}`;
  const [name, value] = marker.split("=");
  const args = [RUN_JS, "replay", "--backend", backend, "--pps", "20", "--json", CAPTURE];
  const env = { ...process.env, [name!]: value! };
  const cli = spawn(process.execPath, args, { env, stdio: "ignore" });
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) =>
    cli.on("exit", (code, signal) => resolve({ code, signal })),
  );
  const host = readlinkSync("/proc/self/ns/net");
  const wanted = BPF_OBJECTS[backend]?.length ?? 0;
  let child = 0;
  await until("the native process has a namespace and programs of its own", () => {
    [child = 0] = nativeProcesses(marker);
    return child > 0 && namespaceOf(child) !== host && bpfObjects(child).length === wanted;
  });
  return { cli, child, marker, namespace: namespaceOf(child), bpf: bpfObjects(child), ended };
}

describe.each(NATIVE)("%s leaves nothing behind", (backend) => {
  const here = runsHere(backend);
  const before = hostState();

  async function clean({ marker, namespace, bpf }: Running): Promise<void> {
    await until("its process is gone", () => nativeProcesses(marker).length === 0);
    await until("its namespace is gone", () => !namespaces().has(namespace));
    // The kernel frees programs, maps and links a moment after their last user.
    await until("its BPF objects are gone", () => bpf.every((object) => !exists(object)));
    expect(bpf.map(({ kind }) => kind).sort()).toEqual(BPF_OBJECTS[backend] ?? []);
    expect(hostState()).toEqual(before);
  }

  it.runIf(here)("after success and after failure", () => {
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

  it.runIf(here)("after an interrupt, with a record and 130", async () => {
    const run = await started(backend);
    run.cli.kill("SIGINT");
    expect(await run.ended).toMatchObject({ code: 130 });
    await clean(run);
  });

  it.runIf(here).each(["SIGTERM", "SIGKILL"] as const)(
    "after %s of the command",
    async (signal) => {
      const run = await started(backend);
      run.cli.kill(signal);
      expect(await run.ended).toMatchObject({ signal });
      await clean(run);
    },
  );

  it.runIf(here).each(["SIGKILL", "SIGSEGV"] as const)("after %s of the reader", async (signal) => {
    const run = await started(backend);
    process.kill(run.child, signal);
    expect((await run.ended).code).toBe(1);
    await clean(run);
  });
});
