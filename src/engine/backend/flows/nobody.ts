import { Direction, type Endpoint } from "./direction.js";

/** RFC 863: whoever had a socket here would not listen. */
const DISCARD_PORT = 9;

/**
 * Where a packet goes that the kernel drops before any socket sees it: between two addresses that
 * it takes from a wire, whatever those of the capture are (addresses.ts).
 */
export const NOBODY_V4 = nobody(Uint8Array.of(198, 18, 255, 254), Uint8Array.of(198, 19, 255, 254));
export const NOBODY_V6 = nobody(benchmark6(0), benchmark6(1));

function nobody(low: Uint8Array, high: Uint8Array): Direction {
  return new Direction(-1, endpoint(low), endpoint(high));
}

function endpoint(wireAddress: Uint8Array): Endpoint {
  const address = new Uint8Array(wireAddress.length);
  return { address, port: 0, wireAddress, wirePort: DISCARD_PORT };
}

function benchmark6(side: number): Uint8Array {
  const address = new Uint8Array(16);
  address.set([0x20, 0x01, 0x00, 0x02, 0, 0, 0, side]);
  address.set([0x1f, 0xff, 0xff, 0xfe], 12);
  return address;
}
