import type { Frame } from "../../wire/frame.js";

const TCP_HEADER_BYTES = 20;
const TIMESTAMPS_BYTES = 12;
const TCPOPT_EOL = 0;
const TCPOPT_NOP = 1;
const TCPOPT_MD5SIG = 19;
const TCPOPT_AO = 29;

/**
 * The options of a signed segment (TCP-MD5, RFC 2385; TCP-AO, RFC 5925) with no-ops in the place of
 * the signature, or null where there is none. A capture has no keys, and a socket that has none
 * drops what is signed (include/net/tcp.h: tcp_inbound_hash).
 */
export function withoutSignature(view: DataView, frame: Frame): Uint8Array | null {
  const from = frame.l4 + TCP_HEADER_BYTES;
  const bytes = frame.payload - from;
  // Timestamps alone, laid out as everybody does.
  if (bytes === 0 || (frame.hasTimestamps && bytes === TIMESTAMPS_BYTES)) return null;
  let unsigned: Uint8Array | null = null;
  for (let at = 0; at < bytes; ) {
    const kind = view.getUint8(from + at);
    if (kind === TCPOPT_EOL) break;
    if (kind === TCPOPT_NOP) {
      at++;
      continue;
    }
    const length = at + 1 < bytes ? view.getUint8(from + at + 1) : 0;
    if (length < 2 || at + length > bytes) break;
    if (kind === TCPOPT_MD5SIG || kind === TCPOPT_AO) {
      unsigned ??= new Uint8Array(view.buffer, view.byteOffset + from, bytes).slice();
      unsigned.fill(TCPOPT_NOP, at, at + length);
    }
    at += length;
  }
  return unsigned;
}
