import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { NetmemError } from "../error.js";
import { baseImage, INIT } from "./base-image.js";
import { CpioArchive } from "./cpio.js";
import { DEFAULT_GUEST_KERNEL, GUEST_KERNELS, type GuestKernel, guestKernel } from "./kernels.js";
import { type GuestPlaces, guestPlaces, PACKAGE_ROOT, placesIn } from "./places.js";
import { assertSha256, PrivateApt, sha256Of } from "./private-apt.js";
import { type Accelerator, bootGuest, hasKvm } from "./qemu.js";
import { withScratch } from "./scratch.js";
import { Sysroot } from "./sysroot.js";
import { mustRun, needTools } from "./tool.js";
import { writeKernel } from "./vmlinux.js";

const NMSIM = "native/nmsim";
const BUILD_TOOLS = ["apt-get", "apt-cache", "dpkg-deb", "unshare", "ldd", "qemu-system-x86_64"];
/** A guest that has not answered by then under KVM will not. */
const KVM_PROBE_MS = 15_000;

/** What is known of a prepared guest; stands beside its files. */
export interface PreparedGuest {
  readonly id: string;
  /** `uname -r` in the guest. */
  readonly release: string;
  readonly version: string;
  /** False when the archive had lost the pinned kernel, or `--kernel-deb` gave another one. */
  readonly pinned: boolean;
  readonly sha256: string;
  /** Whether nmsim was built for it; without, only NODEV backends run. */
  readonly nmsim: boolean;
  /** What the guest's parts were made from: {@link partsDigest}. */
  readonly parts: string;
  readonly accelerator: Accelerator;
}

/** What the user asks for. */
export interface PrepareRequest {
  readonly kernel: string;
  /** Kernel packages of the user's own instead of the pinned ones. */
  readonly kernelDebs: readonly string[];
  readonly signal: AbortSignal;
  readonly onStep: (text: string) => void;
}

/** The facts of a guest that was prepared before, or null. */
export async function preparedGuest(id: string): Promise<PreparedGuest | null> {
  try {
    const facts = JSON.parse(await readFile(guestPlaces(id).facts, "utf8")) as PreparedGuest;
    return facts.parts === (await partsDigest()) ? facts : null;
  } catch {
    return null;
  }
}

/**
 * SHA-256 over all that a guest's parts are made from beside the kernel: nmsim's sources and the
 * Node that is packed. A guest of another digest is made anew.
 */
async function partsDigest(): Promise<string> {
  const sum = createHash("sha256").update(process.version);
  const folder = join(PACKAGE_ROOT, NMSIM);
  for (const name of (await readdir(folder)).sort()) {
    if (/\.[ch]$|^Kbuild$/.test(name)) sum.update(await readFile(join(folder, name)));
  }
  return sum.update(INIT).digest("hex");
}

/**
 * Fetches a kernel with its suite's compiler and headers, builds nmsim for it, and keeps what a
 * guest needs; afterwards no network is needed.
 *
 * @throws NetmemError NETMEM_USAGE for a kernel that is not pinned, NETMEM_BACKEND_UNAVAILABLE
 *   where a tool is missing or a step fails.
 */
export async function prepareGuest(request: PrepareRequest): Promise<PreparedGuest> {
  const pinned = guestKernel(request.kernel);
  if (pinned === undefined) throw unknownKernel(request.kernel);
  needTools(BUILD_TOOLS);
  const places = guestPlaces(pinned.id);
  await mkdir(places.folder, { recursive: true });
  // Of its own, and moved into its place when all is there: two may prepare at a time.
  return withScratch(join(places.folder, "work-"), async (work) => {
    const made = placesIn(join(work, "out"));
    await mkdir(made.folder);
    const facts = await build(pinned, made, work, request);
    await writeFile(made.facts, `${JSON.stringify(facts, null, 2)}\n`);
    await rm(places.facts, { force: true });
    for (const part of ["kernel", "module", "tun", "base", "facts"] as const) {
      await rm(places[part], { force: true });
      if (existsSync(made[part])) await rename(made[part], places[part]);
    }
    return facts;
  });
}

async function build(
  pinned: GuestKernel,
  places: GuestPlaces,
  work: string,
  request: PrepareRequest,
): Promise<PreparedGuest> {
  const { onStep, kernelDebs, signal } = request;
  onStep(`fetching the indices of ${pinned.suites.join(" and ")}`);
  const apt = new PrivateApt(join(work, "apt"), pinned.suites, signal);
  await apt.update();
  const wanted = await chooseKernel(apt, pinned);
  onStep(`fetching ${wanted.release}, its headers and ${wanted.compiler}`);
  const packages = packagesOf(wanted, kernelDebs.length > 0);
  const modules = `linux-modules-${wanted.release}`;
  if (kernelDebs.length === 0 && (await apt.names(modules)).includes(modules)) {
    packages.push(modules);
  }
  const debs = await apt.download(packages);
  const root = new Sysroot(join(work, "root"), signal);
  onStep("unpacking");
  await root.unpack([...debs, ...kernelDebs]);
  const image =
    kernelDebs[0] ??
    debs.find((path) => path.includes(`linux-binary-${wanted.release.split("+")[0]}`))!;
  if (wanted.pinned && kernelDebs.length === 0) await assertSha256(image, wanted.sha256);
  const release = await releaseIn(root);
  await writeKernel(join(root.path, "usr/lib/modules", release, "vmlinuz"), places.kernel);
  onStep("building nmsim");
  const nmsim = await buildModule(root, release, places.module);
  await copyTun(root, release, places.tun);
  onStep("packing Node and its libraries");
  await writeFile(places.base, await baseImage(join(root.path, "usr/bin/busybox")));
  const facts = {
    id: pinned.id,
    release,
    version: kernelDebs.length === 0 ? wanted.version : await versionOf(kernelDebs[0]!, signal),
    pinned: wanted.pinned && kernelDebs.length === 0,
    sha256: await sha256Of(image),
    nmsim,
    parts: await partsDigest(),
  };
  onStep("trying KVM");
  return { ...facts, accelerator: await probeKvm(places, signal) };
}

/** A kernel as it will be fetched. */
interface ChosenKernel extends GuestKernel {
  readonly pinned: boolean;
}

/** The pinned kernel, or the newest of its suite where the archive has lost it. */
async function chooseKernel(apt: PrivateApt, kernel: GuestKernel): Promise<ChosenKernel> {
  if (await apt.has(`linux-headers-${kernel.release}`, kernel.version)) {
    return { ...kernel, pinned: true };
  }
  const pattern = /^linux-headers-([0-9][^-]*-cloud-amd64)$/;
  const releases = (await apt.names("linux-headers-"))
    .map((name) => pattern.exec(name)?.[1])
    .filter((release) => release !== undefined);
  const release = releases.sort(byVersion).at(-1);
  const version = release && (await apt.candidate(`linux-headers-${release}`));
  if (!release || !version) {
    throw new NetmemError(
      "NETMEM_BACKEND_UNAVAILABLE",
      `${kernel.suites.at(-1)} has neither ${kernel.release} nor any other cloud kernel`,
      "Give the packages yourself: netmem vm prepare --kernel-deb FILE.",
    );
  }
  return { ...kernel, release, version, pinned: false };
}

/** Orders kernel releases by their numbers. */
export function byVersion(a: string, b: string): number {
  const [x, y] = [a, b].map((text) => (text.match(/\d+/g) ?? []).map(Number));
  for (let i = 0; i < Math.max(x!.length, y!.length); i++) {
    const apart = (x![i] ?? 0) - (y![i] ?? 0);
    if (apart !== 0) return apart;
  }
  return 0;
}

function packagesOf(kernel: ChosenKernel, ownKernel: boolean): string[] {
  const tools = [kernel.compiler, "make", "busybox-static"];
  if (ownKernel) return [...tools, "pahole", "libelf1t64"];
  const { release, version } = kernel;
  return [`linux-binary-${release}`, `linux-headers-${release}=${version}`, ...tools];
}

async function releaseIn(root: Sysroot): Promise<string> {
  const releases = await readdir(join(root.path, "usr/lib/modules"));
  const found = releases.sort(byVersion).at(-1);
  if (found !== undefined) return found;
  throw new NetmemError(
    "NETMEM_BACKEND_UNAVAILABLE",
    "the package holds no kernel (usr/lib/modules is empty)",
    "Give the linux-binary package (or linux-image, where it holds the kernel itself).",
  );
}

/** Version of a package, as its file says. */
async function versionOf(deb: string, signal: AbortSignal): Promise<string> {
  const text = await mustRun(`reading ${deb}`, "dpkg-deb", ["-f", deb, "Version"], { signal });
  return text.trim();
}

/** Builds nmsim in the suite's root; false where the packages brought no headers. */
async function buildModule(root: Sysroot, release: string, to: string): Promise<boolean> {
  const sources = await readdir(join(root.path, "usr/src")).catch(() => []);
  const headers = sources.find((name) => name === `linux-headers-${release}`);
  if (headers === undefined) return false;
  await root.copyIn(join(PACKAGE_ROOT, NMSIM), "nmsim");
  await root.run("building nmsim", `cd /build/nmsim && make KDIR=/usr/src/${headers} modules`);
  await root.run("stripping nmsim", "strip -g /build/nmsim/nmsim.ko");
  await copyFile(join(root.path, "build/nmsim/nmsim.ko"), to);
  return true;
}

/** Takes the kernel's TUN driver out of its package; none where it is built in. */
async function copyTun(root: Sysroot, release: string, to: string): Promise<void> {
  await rm(to, { force: true });
  const driver = `usr/lib/modules/${release}/kernel/drivers/net/tun.ko`;
  if (existsSync(join(root.path, `${driver}.xz`))) {
    await root.run("unpacking tun", `busybox unxz -k /${driver}.xz`);
  }
  if (existsSync(join(root.path, driver))) await copyFile(join(root.path, driver), to);
}

/** Boots once under KVM, with a short limit: a /dev/kvm may be there and run no kernel. */
async function probeKvm(places: GuestPlaces, signal: AbortSignal): Promise<Accelerator> {
  const asked = process.env.NETMEM_VM_ACCEL;
  if (asked === "tcg" || asked === "kvm") return asked;
  if (!(await hasKvm())) return "tcg";
  const { folder } = places;
  const probe = new CpioArchive();
  probe.folder("job");
  const script = "#!/bin/busybox sh\necho up > /dev/vport0p1\npoweroff -f\n";
  probe.file("job/init", Buffer.from(script), 0o755);
  const initramfs = join(folder, "probe.cpio");
  const answer = join(folder, "probe.txt");
  await writeFile(initramfs, Buffer.concat([await readFile(places.base), probe.bytes()]));
  try {
    const end = await bootGuest({
      accelerator: "kvm",
      kernel: places.kernel,
      initramfs,
      memoryMiB: 1024,
      answer,
      console: join(folder, "probe.log"),
      timeoutMs: KVM_PROBE_MS,
      signal,
    });
    return end === "off" && (await readFile(answer, "utf8")).startsWith("up") ? "kvm" : "tcg";
  } catch {
    return "tcg";
  }
}

function unknownKernel(id: string): NetmemError {
  const known = GUEST_KERNELS.map((kernel) => kernel.id).join(", ");
  return new NetmemError(
    "NETMEM_USAGE",
    `no guest kernel is called ${id}; there are ${known}`,
    `Use --kernel ${DEFAULT_GUEST_KERNEL}, or --kernel-deb FILE for another one.`,
  );
}
