import { koffi } from "./koffi.js";

/** Error numbers that the backends tell apart (include/uapi/asm-generic/errno*.h). */
export const EPERM = 1;
export const ENOENT = 2;
export const EIO = 5;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EEXIST = 17;
export const EINVAL = 22;
export const ENOSPC = 28;
export const EPIPE = 32;
export const EOPNOTSUPP = 95;
export const ENOBUFS = 105;
export const ECONNRESET = 104;
export const ECANCELED = 125;

/** Names that libuv's table has otherwise, or not at all. */
const OWN_NAMES: Readonly<Record<number, string>> = { 95: "EOPNOTSUPP", 524: "ENOTSUPP" };

/** errno of the call that failed last on this thread. */
export function errno(): number {
  return koffi().errno();
}

/** `EINVAL` for 22. */
export function errnoName(code: number): string {
  if (OWN_NAMES[code] !== undefined) return OWN_NAMES[code];
  const names = koffi().os.errno as Readonly<Record<string, number>>;
  return Object.entries(names).find(([, value]) => value === code)?.[0] ?? `errno ${code}`;
}

/** A system call that failed: which one, and why. */
export class SystemError extends Error {
  override readonly name = "SystemError";
  readonly call: string;
  readonly errno: number;
  /** What the kernel said beside the errno; empty where it said nothing. */
  readonly words: string;

  constructor(call: string, code: number, words = "") {
    super(`${call}: ${errnoName(code)}${words === "" ? "" : ` (${words})`}`);
    this.call = call;
    this.errno = code;
    this.words = words;
  }
}

/**
 * Passes a call's result on.
 *
 * @throws SystemError where it is below 0.
 */
export function must(result: number, call: string): number {
  if (result < 0) throw new SystemError(call, errno());
  return result;
}
