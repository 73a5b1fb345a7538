import { existsSync } from "node:fs";
import { cp, mkdir, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { mustRun } from "./tool.js";

/** Folders at the root that are links into usr, as Debian has had them since it merged the two. */
const MERGED = ["bin", "sbin", "lib", "lib64"];

/** Enters the root in namespaces of its own; no privilege beyond user namespaces is needed. */
const ENTER = [
  "mount --rbind /proc proc",
  "mount --rbind /dev dev",
  'exec chroot . /bin/sh -c "$1"',
].join(" && ");

/**
 * A Debian root unpacked without being installed: the kernel suite's compiler, headers and tools
 * in a world of their own, whatever the machine itself runs.
 */
export class Sysroot {
  readonly path: string;
  readonly #signal: AbortSignal;

  constructor(path: string, signal: AbortSignal) {
    this.path = path;
    this.#signal = signal;
  }

  /** Unpacks packages into a new root; what stood there goes. */
  async unpack(debs: readonly string[]): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
    for (const folder of MERGED) {
      await mkdir(join(this.path, "usr", folder), { recursive: true });
      await symlink(`usr/${folder}`, join(this.path, folder));
    }
    for (const folder of ["proc", "dev", "tmp", "build"]) await mkdir(join(this.path, folder));
    for (const deb of debs) await this.add(deb);
    await this.#fillIn();
  }

  /** Unpacks one more package over what is there. */
  async add(deb: string): Promise<void> {
    const args = ["-x", deb, this.path];
    await mustRun(`unpacking ${deb}`, "dpkg-deb", args, { signal: this.#signal });
  }

  /** Runs a shell line inside the root. */
  async run(what: string, line: string): Promise<string> {
    const args = ["-r", "-m", "/bin/sh", "-c", ENTER, "sh", `export PATH=/usr/bin; ${line}`];
    return mustRun(what, "unshare", args, { cwd: this.path, signal: this.#signal });
  }

  /** Copies a folder of the machine into the root's build folder. */
  async copyIn(from: string, to: string): Promise<void> {
    await rm(join(this.path, "build", to), { recursive: true, force: true });
    await cp(from, join(this.path, "build", to), { recursive: true });
  }

  /** Small tools that a build calls and no package brought: busybox has them all. */
  async #fillIn(): Promise<void> {
    const busybox = join(this.path, "usr/bin/busybox");
    const applets = (await mustRun("asking busybox", busybox, ["--list"])).split("\n");
    for (const applet of applets.filter((name) => name !== "" && name !== "busybox")) {
      const link = join(this.path, "usr/bin", applet);
      if (!existsSync(link)) await symlink("busybox", link);
    }
  }
}
