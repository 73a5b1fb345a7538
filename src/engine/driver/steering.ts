import type { Frame } from "../wire/frame.js";

/**
 * One ntuple rule (ethtool -N): every field that is given must match. Addresses are 4 or 16 bytes.
 */
export interface SteerRule {
  readonly saddr?: Uint8Array;
  readonly daddr?: Uint8Array;
  /** Matches either end. */
  readonly addr?: Uint8Array;
  readonly sport?: number;
  readonly dport?: number;
  /** Matches either end. */
  readonly port?: number;
}

/** Which TCP flows land on the provider's queues: all, none, or those that some rule matches. */
export class Steering {
  readonly all: boolean;
  readonly #rules: readonly SteerRule[];

  constructor(rules: "all" | "none" | readonly SteerRule[]) {
    this.all = rules === "all";
    this.#rules = typeof rules === "string" ? [] : rules;
  }

  /** Whether some rule matches the parsed frame. */
  matches(view: DataView, frame: Frame): boolean {
    const bytes = frame.version === 4 ? 4 : 16;
    const saddr = frame.l3 + (bytes === 4 ? 12 : 8);
    const sport = frame.ports >>> 16;
    const dport = frame.ports & 0xffff;
    for (const rule of this.#rules) {
      const src = (want: Uint8Array) => sameAddress(view, saddr, bytes, want);
      const dst = (want: Uint8Array) => sameAddress(view, saddr + bytes, bytes, want);
      if (rule.sport !== undefined && rule.sport !== sport) continue;
      if (rule.dport !== undefined && rule.dport !== dport) continue;
      if (rule.port !== undefined && rule.port !== sport && rule.port !== dport) continue;
      if (rule.saddr !== undefined && !src(rule.saddr)) continue;
      if (rule.daddr !== undefined && !dst(rule.daddr)) continue;
      if (rule.addr !== undefined && !src(rule.addr) && !dst(rule.addr)) continue;
      return true;
    }
    return false;
  }
}

function sameAddress(view: DataView, at: number, bytes: number, want: Uint8Array): boolean {
  if (want.length !== bytes) return false;
  for (let i = 0; i < bytes; i++) if (view.getUint8(at + i) !== want[i]) return false;
  return true;
}
