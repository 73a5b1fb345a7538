import { expect, it } from "vitest";
import * as S from "../../../src/engine/skb/skb-slab.js";
import { eventDataRecv } from "../../../src/engine/tcp/ack-state.js";
import * as T from "../../../src/engine/tcp/socket-table.js";
import { HEAD_TRUESIZE, socketTable } from "./harness.js";

/** By how much rcv_ssthresh rises for 1000 bytes in an skb of truesize 2048; advmss is 1460. */
function growth(flags: number): number {
  const t = socketTable();
  const at = (t.open(1, 2, 3, false, -1) * 2) << T.SOCK_SHIFT;
  t.hot[at + T.H_RCVBUF] = 1 << 20;
  t.hot[at + T.H_CLAMP] = 1 << 19;
  t.hot[at + T.H_SSTHRESH] = 10000;
  t.hot[at + T.A_RATIO] = 128 | (1460 << 16);
  t.hot[at + T.A_MSS] = 1000;
  const skb = t.slab.allocSkb();
  const k = skb * S.SK_WORDS;
  t.slab.skbs[k + S.SK_LEN] = 1000;
  t.slab.skbs[k + S.SK_TRUESIZE] = 2048;
  t.slab.skbs[k + S.SK_HEAD_TRUESIZE] = HEAD_TRUESIZE;
  t.slab.skbs[k + S.SK_FLAGS] = flags;
  eventDataRecv(t, 0, skb, 0);
  return t.hot[at + T.H_SSTHRESH]! - 10000;
}

it("the window grows by two advmss where the head holds no payload: it costs nothing", () => {
  expect(growth(S.TCP_ACK)).toBe(2 * 1460);
});

it("and by less where the head holds the payload and counts", () => {
  expect(growth(S.TCP_ACK | S.SKF_LINEAR)).toBe(2 * 1000);
});
