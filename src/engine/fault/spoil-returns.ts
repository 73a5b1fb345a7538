import type { Application } from "../app/application.js";
import { TokenRanges } from "../app/dontneed.js";
import { RecvmsgDevmem } from "../app/recvmsg-devmem.js";
import type { Prng } from "../clock/prng.js";
import type { ZcrxIfq } from "../provider/zcrx.js";
import { RQE_PAD } from "../provider/zcrx-refill-ring.js";
import { intercept } from "./intercept.js";

/** A token that no socket of a model run reaches, and a count that no array has. */
const BOGUS_TOKEN = 1 << 30;
const WILD_COUNT = 0xffffffff;
/** Pad word of a malformed refill entry. */
const BAD_PAD = 0xdead;

/** What is wrong with returns from now on; counts run down, `every` stays. */
export interface ReturnFaults {
  /** Every Nth return is kept back; 0 for none. */
  every: number;
  foreign: number;
  duplicate: number;
  bogus: number;
  wild: number;
  malformed: number;
}

/** No fault. */
export function soundReturns(): ReturnFaults {
  return { every: 0, foreign: 0, duplicate: 0, bogus: 0, wild: 0, malformed: 0 };
}

/**
 * Spoils what an application gives back, at the border between it and the kernel: the ranges of
 * SO_DEVMEM_DONTNEED, the entries of the zcrx refill ring.
 */
export class ReturnSpoiler {
  readonly faults = soundReturns();
  readonly #prng: Prng;
  #seen = 0;

  /** `sockets` is how many sockets there are; returns go astray to one of them. */
  constructor(app: Application, ifqs: readonly ZcrxIfq[], prng: Prng, sockets: () => number) {
    this.#prng = prng;
    if (app instanceof RecvmsgDevmem) this.#spoilTokens(app, sockets);
    for (const ifq of ifqs) this.#spoilRing(ifq);
  }

  /** Whether this return is one of those that are kept back. */
  #keptBack(): boolean {
    const { every } = this.faults;
    return every > 0 && ++this.#seen % every === 0;
  }

  #spoilTokens(app: RecvmsgDevmem, sockets: () => number): void {
    const { faults } = this;
    intercept(app, "giveTokens", (give, sock, ranges) => {
      const sent = new TokenRanges();
      for (let i = 0; i < ranges.length; i++) {
        for (let k = 0; k < ranges.counts[i]!; k++) {
          if (!this.#keptBack()) sent.add(ranges.starts[i]! + k);
        }
      }
      let to = sock;
      if (faults.foreign > 0 && sockets() > 1) {
        faults.foreign--;
        to = (sock + 1 + this.#prng.below(sockets() - 1)) % sockets();
      }
      let freed = give(to, sent);
      if (faults.duplicate > 0) {
        faults.duplicate--;
        freed += give(to, sent);
      }
      if (faults.bogus > 0) {
        faults.bogus--;
        freed += give(to, oneRange(BOGUS_TOKEN, 8));
      }
      if (faults.wild > 0) {
        faults.wild--;
        freed += give(to, oneRange(BOGUS_TOKEN, WILD_COUNT));
      }
      return freed;
    });
  }

  #spoilRing(ifq: ZcrxIfq): void {
    const { faults } = this;
    const { ring, area } = ifq;
    const { niovShift } = area;
    const bad = [
      [0, 1 << 16, 0],
      [0xffffffff, 0xffff, 0],
      [0, 0, BAD_PAD],
    ];
    intercept(ring, "post", (post, low, high, len) => {
      if (this.#keptBack()) return ring.nextEntry;
      if (faults.malformed > 0) {
        const [offLow, offHigh, pad] = bad[faults.malformed-- % bad.length]!;
        const entry = post(offLow!, offHigh!, len);
        if (entry >= 0) ring.words[ring.wordOf(entry) + RQE_PAD] = pad!;
      }
      if (faults.foreign > 0) {
        faults.foreign--;
        const index = this.#prng.below(area.count);
        post((index << niovShift) >>> 0, index >>> (32 - niovShift), len);
      }
      if (faults.duplicate > 0) {
        faults.duplicate--;
        post(low, high, len);
      }
      return post(low, high, len);
    });
  }
}

function oneRange(start: number, count: number): TokenRanges {
  const ranges = new TokenRanges();
  ranges.starts[0] = start;
  ranges.counts[0] = count;
  ranges.length = 1;
  return ranges;
}
