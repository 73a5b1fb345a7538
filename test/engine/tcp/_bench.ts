import { World } from "./harness.js";
import * as S from "../../../src/engine/skb/skb-slab.js";
import { TcpStack } from "../../../src/engine/tcp/tcp-stack.js";
const flows = +(process.argv[2] ?? 64), rounds = +(process.argv[3] ?? 300);
const w = new World({ netmems: 8192, skbs: 8192, reads: false, connections: 1024 });
let told: number[] = [];
(w as any).dataReady = (s: number) => { told.push(s); };
const data = new Uint8Array(64);
for (let f = 0; f < flows; f++) {
  const src = 0x0a000000 + f, e = { src, dst: 0x0b000001, sport: 1000 + (f % 60000) };
  const r = { src: 0x0b000001, dst: src, sport: 2000, dport: 1000 + (f % 60000) };
  w.send({ ...e, seq: 999, flags: 2, windowScale: 14, mss: 1460 });
  w.send({ ...r, seq: 4999, ack: 1000, flags: 18, windowScale: 14, mss: 1460 });
  w.send({ ...e, seq: 1000, ack: 5000, window: 60000 });
  w.send({ ...r, seq: 5000, ack: 1000, window: 60000 });
}
const seqs = new Int32Array(flows).fill(1000);
let t = 0n, cnt = 0, drain = 0n; let best = 1e9;
let x = 12345;
for (let rd = 0; rd < rounds; rd++) {
  const batch: number[] = [];
  for (let i = 0; i < 64; i++) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0;
    const f = flows <= 64 ? i % flows : x % flows;
    batch.push(w.build({ src: 0x0a000000 + f, dst: 0x0b000001, sport: 1000 + (f % 60000), seq: seqs[f]!, ack: 5000, window: 60000, data }));
    seqs[f] += 64;
  }
  w.clock.nowNs += 1000000;
  const a = process.hrtime.bigint();
  for (let i = 0; i < 64; i++) w.stack.receive(batch[i]!);
  const b = process.hrtime.bigint();
  for (const s of told) { for (let skb = w.stack.head(s); skb >= 0; skb = w.stack.head(s)) { w.stack.advance(s, w.slab.skbs[skb * S.SK_WORDS + S.SK_LEN]! ); w.stack.eat(s); } w.stack.readDone(s, 64); }
  told = [];
  // acks so the capture window stays open
  for (let i = 0; i < 64; i++) { const skb = batch[i]!; }
  if (rd % 8 === 7) for (let f = 0; f < Math.min(flows, 100000); f++) if (seqs[f]! - 1000 > 0 && (seqs[f]! % 4096) < 600) w.send({ src: 0x0b000001, dst: 0x0a000000 + f, sport: 2000, dport: 1000 + (f % 60000), seq: 5000, ack: seqs[f]!, window: 60000 });
  if (rd > rounds / 3) { t += b - a; cnt += 64; best = Math.min(best, Number(b - a) / 64); }
}
console.log(flows, "flows", (Number(t) / cnt).toFixed(1), "ns/skb best", best.toFixed(1), JSON.stringify(w.stack.mib.nonZero()), JSON.stringify(w.drops.nonZero()));
