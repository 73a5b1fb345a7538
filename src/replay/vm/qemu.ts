import { spawn } from "node:child_process";
import { access, constants } from "node:fs/promises";
import { NetmemError } from "../error.js";
import { findTool } from "./tool.js";

/** How the guest's CPU is run: emulated, or by the host's own where a boot probe passed. */
export type Accelerator = "tcg" | "kvm";

/** A guest to be booted. */
export interface GuestBoot {
  readonly accelerator: Accelerator;
  readonly kernel: string;
  readonly initramfs: string;
  readonly memoryMiB: number;
  /** Where the guest's answer goes: what it writes to /dev/vport0p1. */
  readonly answer: string;
  /** Where its console goes; null: this terminal. */
  readonly console: string | null;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Why a guest is no longer there. */
export type GuestEnd = "off" | "timeout" | "interrupted";

const KERNEL_LINE = [
  "console=ttyS0",
  "quiet",
  "panic=-1",
  "mitigations=off",
  "random.trust_cpu=on",
  "cryptomgr.notests",
  "no_timer_check",
  "tsc=reliable",
  // A CPU that is emulated on a busy machine stands still for a while: that is no lockup.
  "nowatchdog",
  // Debian's kernel has KFENCE, and lets it sleep.
  "kfence.sample_interval=100",
].join(" ");

/**
 * One CPU where it is emulated: the kernel patches its own code (static keys, as when the first
 * provider is opened), and an emulator's other CPU may run what is being patched.
 */
const CPU: Readonly<Record<Accelerator, readonly string[]>> = {
  tcg: ["-accel", "tcg", "-cpu", "max", "-smp", "1"],
  kvm: ["-accel", "kvm", "-cpu", "host,-arch-capabilities", "-smp", "2"],
};

/** The command line of a guest: no network, no disk, nothing of the host but the two files. */
export function qemuArguments(boot: GuestBoot): string[] {
  const terminal = boot.console === null ? "mon:stdio" : `file:${boot.console}`;
  return [
    ...CPU[boot.accelerator],
    ...["-m", String(boot.memoryMiB)],
    ...["-display", "none", "-nodefaults", "-no-user-config", "-no-reboot"],
    ...["-serial", terminal],
    ...["-kernel", boot.kernel, "-initrd", boot.initramfs, "-append", KERNEL_LINE],
    ...["-device", "virtio-serial-pci", "-chardev", `file,id=answer,path=${boot.answer}`],
    ...["-device", "virtserialport,chardev=answer,name=answer"],
  ];
}

/** Boots a guest and waits for its end; it is off when this returns, whatever happens. */
export function bootGuest(boot: GuestBoot): Promise<GuestEnd> {
  const qemu = findTool("qemu-system-x86_64");
  if (qemu === null) throw new Error("needTools was not asked for qemu-system-x86_64");
  return new Promise((resolve, reject) => {
    const terminal = boot.console === null;
    const [program, ...words] = [...mortal(), qemu, ...qemuArguments(boot)];
    const child = spawn(program!, words, {
      stdio: terminal ? "inherit" : ["ignore", "ignore", "pipe"],
    });
    let end: GuestEnd = "off";
    let said = "";
    const stop = (why: GuestEnd) => {
      end = why;
      child.kill("SIGKILL");
    };
    const timer = setTimeout(() => stop("timeout"), boot.timeoutMs);
    const interrupt = () => stop("interrupted");
    boot.signal.addEventListener("abort", interrupt);
    const leave = () => stop("interrupted");
    process.once("exit", leave);
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    const done = () => {
      clearTimeout(timer);
      boot.signal.removeEventListener("abort", interrupt);
      process.off("exit", leave);
    };
    child.on("error", (error) => {
      done();
      reject(error);
    });
    child.on("close", (status) => {
      done();
      if (status === 0 || end !== "off") resolve(end);
      else reject(new NetmemError("NETMEM_BACKEND_UNAVAILABLE", `qemu: ${said.trim()}`, TRY_TCG));
    });
  });
}

/** In front of a program: it is killed when this process dies, by SIGKILL too. */
function mortal(): string[] {
  const setpriv = findTool("setpriv");
  return setpriv === null ? [] : [setpriv, "--pdeathsig", "KILL", "--"];
}

const TRY_TCG = "Set NETMEM_VM_ACCEL=tcg to emulate the CPU.";

/** Whether the host's own CPU can be tried at all. */
export async function hasKvm(): Promise<boolean> {
  try {
    await access("/dev/kvm", constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
