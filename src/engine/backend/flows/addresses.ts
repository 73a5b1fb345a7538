import type { Connection, Endpoint } from "./direction.js";

/**
 * Which connections can keep their addresses. A kernel takes no packet from a wire with a loopback,
 * multicast, reserved or unspecified address, nor one whose source is its destination; and two
 * connections cannot have the same four numbers at a time. Those get addresses set aside for
 * benchmarks: 198.18.0.0/15 (RFC 2544) and 2001:2::/48 (RFC 5180).
 *
 *      low endpoint   198.18.x.y    2001:2:0::x
 *      high endpoint  198.19.x.y    2001:2:0:1::x      x, y count the mapped connections
 */
export function assignAddresses(connections: readonly Connection[]): number {
  const used = new Set<string>();
  let mapped = 0;
  for (const connection of connections) {
    const [low, high] = [connection.directions[0].from, connection.directions[0].to];
    const keeps =
      low.port !== 0 &&
      high.port !== 0 &&
      !refused(low.address) &&
      !refused(high.address) &&
      !sameBytes(low.address, high.address);
    let key = keyOf(low, high);
    if (!keeps || used.has(key)) {
      do {
        replace(low, high, mapped++);
        key = keyOf(low, high);
      } while (used.has(key));
      connection.mapped = true;
    }
    used.add(key);
  }
  return connections.filter((connection) => connection.mapped).length;
}

/** Whether a kernel drops packets from or to this address when they come by a wire. */
function refused(address: Uint8Array): boolean {
  const first = address[0]!;
  if (address.length === 4) return first === 0 || first === 127 || first >= 224;
  if (first === 0xff || (first === 0xfe && (address[1]! & 0xc0) === 0x80)) return true;
  // Unspecified, loopback, IPv4-mapped and IPv4-compatible addresses begin with ten zero bytes.
  return address.subarray(0, 10).every((byte) => byte === 0);
}

function replace(low: Endpoint, high: Endpoint, number: number): void {
  low.wireAddress = benchmarkAddress(low.address.length, 0, number & 0xffff);
  high.wireAddress = benchmarkAddress(high.address.length, 1, number >>> 16);
  low.wirePort = low.port || 1;
  high.wirePort = high.port || 1;
}

function benchmarkAddress(bytes: number, side: number, number: number): Uint8Array {
  if (bytes === 4) return Uint8Array.of(198, 18 + side, number >>> 8, number & 0xff);
  const address = new Uint8Array(16);
  address.set([0x20, 0x01, 0x00, 0x02, 0, 0, 0, side]);
  address.set([0x10, 0, number >>> 8, number & 0xff], 12);
  return address;
}

function keyOf(low: Endpoint, high: Endpoint): string {
  const one = `${low.wireAddress.join(".")}:${low.wirePort}`;
  const two = `${high.wireAddress.join(".")}:${high.wirePort}`;
  return one < two ? `${one},${two}` : `${two},${one}`;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
