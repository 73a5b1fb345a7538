import { VirtualClock } from "../../../src/engine/clock/virtual-clock.js";
import { type LeakMode, Ledger } from "../../../src/engine/ledger/ledger.js";
import {
  KIND_PAGE,
  NetmemTable,
  NM_DRIVER,
  NM_PP_REF,
  NM_SKB,
  NM_STATE,
  NM_USER,
  NM_WORDS,
} from "../../../src/engine/netmem/netmem-table.js";
import * as N from "../../../src/engine/netmem/state.js";

/** A ledger over some pages. */
export function book(mode: LeakMode = "trace", tokens = true, netmems = 4) {
  const table = new NetmemTable({
    areaStart: 0,
    areaBytes: netmems * 4096,
    netmemBytes: 4096,
    areaKind: KIND_PAGE,
    pagesStart: 0,
    pages: 0,
  });
  const clock = new VirtualClock();
  const ledger = new Ledger(table, clock, mode, tokens);
  const word = (n: number, which: number) => table.words[n * NM_WORDS + which]!;
  return {
    table,
    clock,
    ledger,
    /** Count, then driver, skb and user references. */
    refs: (n: number) => [NM_PP_REF, NM_DRIVER, NM_SKB, NM_USER].map((which) => word(n, which)),
    state: (n: number) => N.STATE_NAME[word(n, NM_STATE)],
    /** Takes a netmem from the provider to the driver, posted with a bias. */
    posted: (n: number, bias: number) => {
      ledger.move(n, N.POOL_CACHE, N.T1);
      ledger.move(n, N.DRV_RING, N.T2);
      ledger.post(n, bias);
    },
    /** Puts a netmem into any state, for what may happen from there. */
    force: (n: number, state: number) => {
      ledger.counts[word(n, NM_STATE)]!--;
      ledger.counts[state]!++;
      table.words[n * NM_WORDS + NM_STATE] = state;
    },
  };
}
