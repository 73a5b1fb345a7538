import fs from "node:fs";
import { createHash } from "node:crypto";
import { World } from "./harness.js";
import * as S from "../../../src/engine/skb/skb-slab.js";
const [, , file, mode] = process.argv;
const b = fs.readFileSync(file!);
const m = b.readUInt32LE(0);
const L = m === 0xa1b2c3d4 || m === 0xa1b23c4d; const nano = L ? m === 0xa1b23c4d : b.readUInt32BE(0)===0xa1b23c4d;
const u32 = (o: number) => (L ? b.readUInt32LE(o) : b.readUInt32BE(o));
const link = u32(20);
let p = 24, n = 0; let t0 = -1;
const w = new World({ netmems: 40000, rcvbuf: (process.env.RCVBUF as any) ?? "capture", connections: 64, reads: mode !== "lazy" });
const t00=process.hrtime.bigint();
while (p + 16 <= b.length) {
  const ts = u32(p) + u32(p + 4) / (nano ? 1e9 : 1e6), cl = u32(p + 8); p += 16; if (p + cl > b.length || cl>262144) break;
  let o = p; const end = p + cl; p += cl; n++;
  if (t0 < 0) t0 = ts;
  let et: number;
  if (link === 1) { o += 12; et = b.readUInt16BE(o); o += 2; while (et === 0x8100 || et === 0x88a8 || et === 0x9100) { et = b.readUInt16BE(o + 2); o += 4; } }
  else if (link === 113) { et = b.readUInt16BE(o + 14); o += 16; } else if (link === 276) { et = b.readUInt16BE(o); o += 20; } else if (link === 0) { o += 4; et = (b[o]! >> 4) === 6 ? 0x86dd : 0x800; } else et = (b[o]! >> 4) === 6 ? 0x86dd : 0x800;
  if (et !== 0x800 && et !== 0x86dd) continue;
  let src: any, dst: any, tot: number, l4: number;
  if (et === 0x800) { const ihl = (b[o]! & 15) * 4; tot = b.readUInt16BE(o + 2); if (b[o + 9] !== 6) continue; src = b.readUInt32BE(o + 12); dst = b.readUInt32BE(o + 16); l4 = o + ihl; tot = tot ? tot - ihl : end - l4; if (b.readUInt16BE(o+6)&0x3fff) continue; }
  else { if (b[o + 6] !== 6) continue; src = [0, 4, 8, 12].map((i) => b.readUInt32BE(o + 8 + i)); dst = [0, 4, 8, 12].map((i) => b.readUInt32BE(o + 24 + i)); l4 = o + 40; tot = b.readUInt16BE(o + 4); }
  const off = (b[l4 + 12]! >> 4) * 4;
  const seg: any = { src, dst, sport: b.readUInt16BE(l4), dport: b.readUInt16BE(l4 + 2), seq: b.readUInt32BE(l4 + 4), ack: b.readUInt32BE(l4 + 8), flags: b[l4 + 13], window: b.readUInt16BE(l4 + 14), data: b.subarray(l4 + off, Math.min(l4 + tot, end)) };
  let q = l4 + 20; while (q < l4 + off) { const kd = b[q]!; if (kd === 0) break; if (kd === 1) { q++; continue; } const ol = b[q + 1]!; if (ol < 2) break; if (kd === 8) { seg.tsval = b.readUInt32BE(q + 2); seg.tsecr = b.readUInt32BE(q + 6); seg.timestamps = true; } if (kd === 3) seg.windowScale = b[q + 2]; if (kd === 2) seg.mss = b.readUInt16BE(q + 2); if (kd === 4) seg.sackPermitted = true; q += ol; }
  if ((seg.flags & 2) === 0) { seg.windowScale = undefined; seg.mss = undefined; seg.sackPermitted = undefined; seg.timestamps = undefined; }
  const now = Math.max(w.clock.nowNs, Math.round((ts - t0) * 1e9)); if (now > 2 ** 51) w.clock.rebase(Math.floor(now / 1e9)); w.clock.nowNs = Math.max(w.clock.nowNs, Math.round((ts - t0) * 1e9) - w.clock.epochSeconds * 1e9); w.cpu.spentNs = 0;
  w.send(seg);
  if (process.env.AUDIT) w.stack.audit();
  if (mode === "lazy" && n % 50 === 0) for (let s = 0; s < w.stack.sockets; s++) w.read(s);
}
w.stack.audit();
if (mode === "lazy") for (let s = 0; s < w.stack.sockets; s++) w.read(s);
const ip = (x: readonly number[]) => x.length === 1 ? [24, 16, 8, 0].map((k) => (x[0]! >>> k) & 255).join(".") : x.map((v) => v.toString(16).padStart(8, "0")).join("");
const truth = JSON.parse(fs.readFileSync(process.env.TRUTH!, "utf8"));
const exp6 = (a: string) => { if (!a.includes(":")) return a; const [h, t] = a.split("::"); const hh = h ? h.split(":") : [], tt = t ? t.split(":") : []; const mid = a.includes("::") ? Array(8 - hh.length - tt.length).fill("0") : []; return [...hh, ...mid, ...tt].map((x) => x.padStart(4, "0")).join(""); };
const rows = new Map<string, any[]>();
w.stack.finish();
for (let s = 0; s < w.stack.sockets; s++) { const r = w.stack.streamOf(s); if (!r) continue; const key = `${ip(r.src)}:${r.sport}>${ip(r.dst)}:${r.dport}`; (rows.get(key) ?? rows.set(key, []).get(key)!).push(r); }
let ok = 0, bad = 0, untrusted = 0;
for (const s of truth.streams) {
  const key = `${exp6(s.src)}:${s.sport}>${exp6(s.dst)}:${s.dport}`;
  const list = rows.get(key) ?? [];
  const sha = s.sha256_tshark; 
  const hit = list.find((r) => createHash("sha256").update(w.bytes(r.sock)).digest("hex") === sha);
  if (hit) { ok++; continue; }
  if (!s.trusted) { untrusted++; console.log("  untrusted", key, "truth", s.bytes_tshark, s.bytes_contig, "have", list.map((r) => `${r.bytes}/${r.end}/gaps${r.gaps}/mid${r.midStream}`).join(" ")); continue; }
  bad++; console.log("  BAD", key, "truth", s.bytes_tshark, "have", list.map((r) => `${r.bytes}/${r.end}/gaps${r.gaps}/mid${r.midStream}`).join(" "));
}
const extra = [...rows.values()].flat().filter((r) => r.payload).length;
const ends: any = {}; for (const r of [...rows.values()].flat()) ends[r.end] = (ends[r.end] ?? 0) + 1;
console.log(file!.split("/").pop(), "ok", ok, "bad", bad, "untrusted", untrusted, "rowsWithPayload", extra, JSON.stringify(ends), "outstanding", w.outstanding, "skbs", w.slab.skbCount, w.slab.fragCount);
console.log("   drops", JSON.stringify(w.drops.nonZero()), "mib", JSON.stringify(w.stack.mib.nonZero()));
