/** A Debian kernel that `netmem vm` boots, and where its parts come from. */
export interface GuestKernel {
  /** What `--kernel` takes: the rule profile of the model that it is held against. */
  readonly id: string;
  /** Suites of the archive, the one with the kernel last. */
  readonly suites: readonly string[];
  /** `uname -r` of the cloud flavour. */
  readonly release: string;
  /** Version of its packages. */
  readonly version: string;
  /** SHA-256 of the package with the kernel image. */
  readonly sha256: string;
  /** Compiler that the suite builds its kernels with. */
  readonly compiler: string;
}

/**
 * The pinned kernels. To add one: the newest `linux-binary-*-cloud-amd64` of a suite, its version
 * and SHA-256 as `apt-cache show` prints them, and the compiler that its headers depend on.
 */
export const GUEST_KERNELS: readonly GuestKernel[] = [
  {
    id: "7.3",
    suites: ["trixie", "trixie-backports"],
    release: "7.3.4+deb13-cloud-amd64",
    version: "7.3.4-1~bpo13+1",
    sha256: "c4fbc8e404958693b28825474c20742d70594d65ca58aea7be6a279c81eb6fa0",
    compiler: "gcc-14",
  },
  {
    id: "7.2",
    suites: ["sid"],
    release: "7.2.13+deb14-cloud-amd64",
    version: "7.2.13-1",
    sha256: "03e41f1c34c16583462f029e81944a85ebcdb78098c258dedfa1cfdd680a27f8",
    compiler: "gcc-16",
  },
];

/** The kernel that is booted when none is named. */
export const DEFAULT_GUEST_KERNEL = "7.3";

/** The pinned kernel of an id, or undefined. */
export function guestKernel(id: string): GuestKernel | undefined {
  return GUEST_KERNELS.find((kernel) => kernel.id === id);
}
