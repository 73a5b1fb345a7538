/** The exit codes of netmem; the help and the README print this table. */
export const EXIT = {
  done: 0,
  defect: 1,
  usage: 2,
  gateFailed: 3,
  unavailable: 4,
  captureUnreadable: 5,
  inconclusive: 6,
  violated: 7,
  interrupted: 130,
} as const;

/** What each exit code says, in the order of the table. */
export const EXIT_MEANING: ReadonlyArray<readonly [code: number, meaning: string]> = [
  [EXIT.done, "done"],
  [EXIT.defect, "a defect in netmem"],
  [EXIT.usage, "usage, configuration, unknown metric, no samples, no or unlike baseline"],
  [EXIT.gateFailed, "a gate failed"],
  [EXIT.unavailable, "a backend or feature is not available here"],
  [EXIT.captureUnreadable, "capture unreadable (nothing usable), or a cut record"],
  [EXIT.inconclusive, "inconclusive (only where asked to fail on it)"],
  [EXIT.violated, "invariant, leak where none is allowed, payload or parity mismatch"],
  [EXIT.interrupted, "interrupted"],
];

/** Every operating error's stable code and the exit code that goes with it. */
export const ERROR_CODES = {
  NETMEM_DEFECT: EXIT.defect,
  NETMEM_USAGE: EXIT.usage,
  NETMEM_CONFIG: EXIT.usage,
  NETMEM_METRIC_UNKNOWN: EXIT.usage,
  NETMEM_NO_SAMPLES: EXIT.usage,
  NETMEM_BASELINE: EXIT.usage,
  NETMEM_UNLIKE: EXIT.usage,
  NETMEM_SHARD: EXIT.usage,
  NETMEM_COMMAND: EXIT.usage,
  NETMEM_CAPTURE_MISSING: EXIT.captureUnreadable,
  NETMEM_CAPTURE_UNREADABLE: EXIT.captureUnreadable,
  NETMEM_CAPTURE_FORMAT: EXIT.captureUnreadable,
  NETMEM_RECORD_CUT: EXIT.captureUnreadable,
  NETMEM_BACKEND_UNAVAILABLE: EXIT.unavailable,
  NETMEM_PROVIDER: EXIT.usage,
  NETMEM_PROVIDER_FAULT: EXIT.violated,
  NETMEM_BACKEND_FAILED: EXIT.defect,
  NETMEM_EXPORT: EXIT.defect,
  NETMEM_INVARIANT: EXIT.violated,
} as const;

/** Name of an error code. */
export type ErrorCode = keyof typeof ERROR_CODES;

/**
 * An operating error: what went wrong, where, and what to do about it. Never a programmer's error;
 * those are plain exceptions and end as exit code 1.
 */
export class NetmemError extends Error {
  override readonly name = "NetmemError";
  readonly code: ErrorCode;
  /** What the reader of the message can do; printed as "Try: ...". */
  readonly suggestion: string;

  constructor(code: ErrorCode, message: string, suggestion: string) {
    super(message);
    this.code = code;
    this.suggestion = suggestion;
  }

  get exitCode(): number {
    return ERROR_CODES[this.code];
  }
}
