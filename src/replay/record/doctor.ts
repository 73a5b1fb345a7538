/** What `netmem doctor` answers: what this machine can do, and which backends can run on it. */
export interface DoctorDocument {
  readonly schema: "netmem.doctor/1";
  readonly machine: {
    readonly kernel: string;
    readonly arch: string;
    readonly node: string;
    /** Whose rights were tried: the machine's `root`, a `user namespace`, or a plain `user`. */
    readonly as: string;
  };
  readonly backends: ReadonlyArray<{
    readonly backend: string;
    readonly available: boolean;
    /** Rows that are missing. */
    readonly missing: readonly string[];
  }>;
  readonly rows: ReadonlyArray<{
    readonly capability: string;
    readonly available: boolean;
    readonly detail: string;
    readonly remedy: string | null;
  }>;
}
