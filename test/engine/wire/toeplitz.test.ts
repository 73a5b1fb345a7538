import { expect, test } from "vitest";
import { Toeplitz } from "../../../src/engine/wire/toeplitz.js";
import { parseSteer } from "../../../src/replay/plan/steer.js";

/** Microsoft's RSS verification suite: destination, port, source, port, with ports, without. */
const VECTORS: ReadonlyArray<readonly [string, number, string, number, number, number]> = [
  ["161.142.100.80", 1766, "66.9.149.187", 2794, 0x51ccc178, 0x323e8fc2],
  ["65.69.140.83", 4739, "199.92.111.2", 14230, 0xc626b0ea, 0xd718262a],
  ["12.22.207.184", 38024, "24.19.198.95", 12898, 0x5c2b394a, 0xd2d0a5de],
  ["209.142.163.6", 2217, "38.27.205.30", 48228, 0xafc7327f, 0x82989176],
  ["202.188.127.2", 1303, "153.39.163.191", 44251, 0x10e828a2, 0x5d1809c5],
  ["3ffe:2501:200:3::1", 1766, "3ffe:2501:200:1fff::7", 2794, 0x40207d3d, 0x2cc18cd5],
  ["ff02::1", 4739, "3ffe:501:8::260:97ff:fe40:efab", 14230, 0xdde51bbf, 0x0f0c461c],
  [
    "fe80::200:f8ff:fe21:67cf",
    38024,
    "3ffe:1900:4545:3:200:f8ff:fe21:67cf",
    44251,
    0x02d1feef,
    0x4b61e985,
  ],
];

function addressBytes(text: string): Uint8Array {
  const rules = parseSteer(`host ${text}`);
  return (rules as Array<{ addr: Uint8Array }>)[0]!.addr;
}

test.each(VECTORS)("the published RSS vector for %s:%i from %s:%i", (...vector) => {
  const [dst, dport, src, sport, withPorts, without] = vector;
  const toeplitz = new Toeplitz();
  const addrs = Uint8Array.from([...addressBytes(src), ...addressBytes(dst)]);
  const view = new DataView(addrs.buffer);
  const ports = (sport << 16) | dport;
  expect(toeplitz.bytes(view, 0, addrs.length, ports) >>> 0).toBe(withPorts);
  expect(toeplitz.bytes(view, 0, addrs.length, 0) >>> 0).toBe(without);
  if (addrs.length === 8) {
    expect(toeplitz.ipv4(view.getInt32(0), view.getInt32(4), ports) >>> 0).toBe(withPorts);
  }
});
