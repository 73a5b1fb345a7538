/**
 * A capture made in memory: TCP data segments of many flows in random order, as a receiver's NIC
 * would see them. Fast enough to make 200 MB in a second or two, and the same for the same seed.
 *
 *      [pcap ns header][SYN, SYN-ACK, ACK of every flow][data segment][data segment]..
 *
 * A receiver (10.255.0.1) opens every flow to a sender of its own address (10.1.x.y) and
 * advertises 8 MiB once; the sender then sends. Receivers' ACKs of data are not in the capture.
 */

/** What to synthesize. */
export interface SynthesisOptions {
  /** Data frames; handshakes come on top. */
  readonly frames: number;
  /** Payload bytes of each data frame. 10 makes frames of 64 bytes, 1448 frames of 1514. */
  readonly segmentBytes: number;
  /** Connections, interleaved one frame at a time in an order drawn from the seed. */
  readonly flows: number;
  /** Share of segments that change places with the next one of their flow. Default 0. */
  readonly reorderPercent?: number;
  readonly seed: number;
  /** Time between two frames. Default 200 ns. */
  readonly gapNs?: number;
  /** False leaves the handshakes out: every flow begins in mid-stream. Default true. */
  readonly handshake?: boolean;
}

/** A capture cut in two, each part a whole file of its own. */
export interface SynthesisParts {
  readonly handshakes: Uint8Array;
  readonly data: Uint8Array;
}

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const ETHERNET = 14;
const IPV4 = 20;
const TCP = 20;
/** No-op, no-op, timestamps (RFC 7323 appendix A). */
const TIMESTAMPS = 12;
/** The largest IPv4 datagram's payload behind both headers. */
const MAX_SEGMENT = 65_535 - IPV4 - TCP - TIMESTAMPS;
/** Up to this payload a frame is of minimum size and leaves no room for timestamps. */
const MIN_FRAME_SEGMENT = 10;

const START_SECONDS = 1_700_000_000;
const RECEIVER = 0x0aff0001;
const FIRST_SENDER = 0x0a010000;
const RECEIVER_PORT = 40_000;
const SENDER_PORT = 5201;
const MAX_FLOWS = 1 << 20;
const TSVAL = 1_000_000;

const FLAGS = { syn: 0x02, ack: 0x10, psh: 0x08 };

/** xorshift32: the order of the flows and the bytes of the payload. */
class Prng {
  private state: number;

  constructor(seed: number) {
    this.state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  }

  /** The next 32 bits, unsigned. */
  next(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x;
    return x >>> 0;
  }

  /** A whole number from 0 to `bound - 1`. */
  below(bound: number): number {
    return Math.floor((this.next() / 4_294_967_296) * bound);
  }
}

/**
 * Random bytes that payloads are cut from, with sums of their 16-bit words, so that the checksum of
 * any slice at an even offset costs two look-ups.
 */
class PayloadSource {
  readonly bytes: Uint8Array;
  private readonly sums: Float64Array;
  private readonly starts: number;

  constructor(
    readonly length: number,
    prng: Prng,
  ) {
    this.starts = 1 << 15;
    this.bytes = new Uint8Array(this.starts * 2 + length + 2);
    for (let i = 0; i < this.bytes.length; i++) this.bytes[i] = prng.next() >>> 11;
    this.sums = new Float64Array((this.bytes.length >> 1) + 1);
    for (let i = 0; i + 1 < this.bytes.length; i += 2) {
      const word = (this.bytes[i]! << 8) | this.bytes[i + 1]!;
      this.sums[(i >> 1) + 1] = this.sums[i >> 1]! + word;
    }
  }

  /** Where the payload that begins at a sequence number is cut: an even offset. */
  offsetOf(seq: number): number {
    return (Math.imul(seq, 0x9e3779b1) >>> 17) << 1;
  }

  /** Sum of the 16-bit words of the slice, an odd last byte padded with zero. */
  sumAt(offset: number): number {
    const first = offset >> 1;
    const last = first + (this.length >> 1);
    const odd = this.length & 1 ? this.bytes[offset + this.length - 1]! << 8 : 0;
    return this.sums[last]! - this.sums[first]! + odd;
  }
}

function fold(sum: number): number {
  let folded = (sum % 65_536) + Math.floor(sum / 65_536);
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16);
  return ~folded & 0xffff;
}

/** Writes frames one behind another into one buffer. */
class Writer {
  readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly ipId: Uint16Array;
  private at = FILE_HEADER;
  private seconds = START_SECONDS;
  private nanoseconds = 0;

  constructor(
    byteLength: number,
    private readonly gapNs: number,
    private readonly withTimestamps: boolean,
    flows: number,
  ) {
    this.bytes = new Uint8Array(byteLength);
    this.view = new DataView(this.bytes.buffer);
    this.ipId = new Uint16Array(flows);
    writeFileHeader(this.view);
  }

  /** Everything was written that was counted beforehand. */
  get isFull(): boolean {
    return this.at === this.bytes.length;
  }

  /** Lets the time of so many frames pass. */
  wait(frames: number): void {
    const passed = this.nanoseconds + frames * this.gapNs;
    this.seconds += Math.floor(passed / 1_000_000_000);
    this.nanoseconds = passed % 1_000_000_000;
  }

  /** A frame of a flow; `source` gives the payload, null means none. */
  frame(of: {
    flow: number;
    fromSender: boolean;
    seq: number;
    ack: number;
    flags: number;
    source: PayloadSource | null;
  }): void {
    const { flow, fromSender, seq, ack, flags, source } = of;
    const isSyn = (flags & FLAGS.syn) !== 0;
    const options = (isSyn ? 8 : 0) + (this.withTimestamps ? TIMESTAMPS : 0);
    const payloadBytes = source === null ? 0 : source.length;
    const tcpBytes = TCP + options + payloadBytes;
    this.record(ETHERNET + IPV4 + tcpBytes);
    const sender = FIRST_SENDER + flow;
    const src = fromSender ? sender : RECEIVER;
    const dst = fromSender ? RECEIVER : sender;
    this.ipv4(src, dst, IPV4 + tcpBytes, flow);
    const port = RECEIVER_PORT + (flow % 20_000);
    const { view, at } = this;
    view.setUint16(at, fromSender ? SENDER_PORT : port);
    view.setUint16(at + 2, fromSender ? port : SENDER_PORT);
    view.setUint32(at + 4, seq);
    view.setUint32(at + 8, ack);
    view.setUint16(at + 12, (((TCP + options) >> 2) << 12) | flags);
    view.setUint16(at + 14, 65_535);
    this.options(at + TCP, isSyn, (flags & FLAGS.ack) !== 0);
    let sum = (src >>> 16) + (src & 0xffff) + (dst >>> 16) + (dst & 0xffff) + 6 + tcpBytes;
    for (let i = at; i < at + TCP + options; i += 2) sum += view.getUint16(i);
    this.at += TCP + options;
    if (source !== null) {
      const offset = source.offsetOf(seq);
      this.bytes.set(source.bytes.subarray(offset, offset + payloadBytes), this.at);
      sum += source.sumAt(offset);
      this.at += payloadBytes;
    }
    view.setUint16(at + 16, fold(sum));
  }

  private record(frameBytes: number): void {
    const { view, at } = this;
    view.setUint32(at, this.seconds, true);
    view.setUint32(at + 4, this.nanoseconds, true);
    view.setUint32(at + 8, frameBytes, true);
    view.setUint32(at + 12, frameBytes, true);
    this.wait(1);
    // 02:00:00:00:00:01 from 02:00:00:00:00:02, IPv4.
    view.setUint32(at + 16, 0x02000000);
    view.setUint32(at + 20, 0x00010200);
    view.setUint32(at + 24, 0x00000002);
    view.setUint16(at + 28, 0x0800);
    this.at += RECORD_HEADER + ETHERNET;
  }

  private ipv4(src: number, dst: number, totalBytes: number, flow: number): void {
    const { view, at } = this;
    const id = this.ipId[flow]!++;
    view.setUint16(at, 0x4500);
    view.setUint16(at + 2, totalBytes);
    view.setUint16(at + 4, id);
    view.setUint16(at + 6, 0x4000);
    view.setUint16(at + 8, (64 << 8) | 6);
    view.setUint32(at + 12, src);
    view.setUint32(at + 16, dst);
    const addresses = (src >>> 16) + (src & 0xffff) + (dst >>> 16) + (dst & 0xffff);
    view.setUint16(at + 10, fold(0x4500 + totalBytes + id + 0x4000 + 0x4006 + addresses));
    this.at += IPV4;
  }

  private options(start: number, isSyn: boolean, echoes: boolean): void {
    const { view } = this;
    let at = start;
    if (isSyn) {
      // MSS 1460, no-op, window scale 7.
      view.setUint32(at, 0x020405b4);
      view.setUint32(at + 4, 0x01030307);
      at += 8;
    }
    if (!this.withTimestamps) return;
    // TSval is a millisecond clock, as Linux has it.
    const sinceStart = (this.seconds - START_SECONDS) * 1000;
    view.setUint32(at, 0x0101080a);
    view.setUint32(at + 4, TSVAL + sinceStart + Math.floor(this.nanoseconds / 1_000_000));
    view.setUint32(at + 8, echoes ? TSVAL : 0);
  }
}

function writeFileHeader(view: DataView): void {
  view.setUint32(0, 0xa1b23c4d, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, 262_144, true);
  view.setUint32(20, 1, true);
}

/** Initial sequence numbers of a flow, spread so that some flows wrap. */
function isnOf(flow: number, fromSender: boolean): number {
  return Math.imul(flow * 2 + (fromSender ? 1 : 0) + 1, 0x9e3779b1) >>> 0;
}

function writeHandshakes(writer: Writer, flows: number): void {
  for (let flow = 0; flow < flows; flow++) {
    const mine = isnOf(flow, false);
    const theirs = isnOf(flow, true);
    const { syn, ack } = FLAGS;
    const base = { flow, source: null };
    writer.frame({ ...base, fromSender: false, seq: mine, ack: 0, flags: syn });
    writer.frame({ ...base, fromSender: true, seq: theirs, ack: mine + 1, flags: syn | ack });
    writer.frame({ ...base, fromSender: false, seq: mine + 1, ack: theirs + 1, flags: ack });
  }
}

/** Which segment of which flow comes next, with some segments behind their successors. */
class Order {
  private readonly nextSegment: Uint32Array;
  /** Segment that was passed over and is owed, plus one; 0 for none. */
  private readonly owed: Uint32Array;
  private readonly owing: number[] = [];
  flow = 0;
  segment = 0;

  constructor(
    private readonly options: SynthesisOptions,
    private readonly prng: Prng,
  ) {
    this.nextSegment = new Uint32Array(options.flows);
    this.owed = new Uint32Array(options.flows);
  }

  /** Moves on; `left` frames remain with this one, so what is owed is paid before the end. */
  advance(left: number): void {
    const { prng, options, owing } = this;
    const mustPay = owing.length >= left;
    this.flow = mustPay ? owing.pop()! : prng.below(options.flows);
    const flow = this.flow;
    const owed = this.owed[flow]!;
    if (owed > 0) {
      if (!mustPay) owing.splice(owing.indexOf(flow), 1);
      this.owed[flow] = 0;
      this.segment = owed - 1;
      return;
    }
    this.segment = this.nextSegment[flow]!++;
    const percent = options.reorderPercent ?? 0;
    if (percent > 0 && left > owing.length + 1 && prng.below(10_000) < percent * 100) {
      this.owed[flow] = this.segment + 1;
      this.segment = this.nextSegment[flow]!++;
      owing.push(flow);
    }
  }
}

function writeData(writer: Writer, options: SynthesisOptions): void {
  const prng = new Prng(options.seed);
  const source = new PayloadSource(options.segmentBytes, prng);
  const order = new Order(options, prng);
  const of = { flow: 0, fromSender: true, seq: 0, ack: 0, flags: 0, source };
  for (let left = options.frames; left > 0; left--) {
    order.advance(left);
    of.flow = order.flow;
    of.seq = (isnOf(of.flow, true) + 1 + order.segment * options.segmentBytes) % 4_294_967_296;
    of.ack = (isnOf(of.flow, false) + 1) % 4_294_967_296;
    of.flags = FLAGS.ack | (order.segment % 16 === 15 ? FLAGS.psh : 0);
    writer.frame(of);
  }
}

function check({ frames, segmentBytes, flows, reorderPercent = 0 }: SynthesisOptions): void {
  const inRange = (value: number, most: number) =>
    Number.isInteger(value) && value >= 1 && value <= most;
  if (!inRange(frames, 2 ** 31)) throw new RangeError(`frames: ${frames}`);
  if (!inRange(segmentBytes, MAX_SEGMENT)) throw new RangeError(`segmentBytes: ${segmentBytes}`);
  if (!inRange(flows, MAX_FLOWS)) throw new RangeError(`flows: ${flows}`);
  if (!(reorderPercent >= 0 && reorderPercent <= 100)) {
    throw new RangeError(`reorderPercent: ${reorderPercent}`);
  }
}

function build(options: SynthesisOptions, handshakes: boolean, data: boolean): Uint8Array {
  check(options);
  const { frames, segmentBytes, flows, gapNs = 200 } = options;
  const withTimestamps = segmentBytes > MIN_FRAME_SEGMENT;
  const headers = RECORD_HEADER + ETHERNET + IPV4 + TCP + (withTimestamps ? TIMESTAMPS : 0);
  const handshakeBytes = handshakes ? flows * (3 * headers + 2 * 8) : 0;
  const dataBytes = data ? frames * (headers + segmentBytes) : 0;
  const byteLength = FILE_HEADER + handshakeBytes + dataBytes;
  const writer = new Writer(byteLength, gapNs, withTimestamps, flows);
  if (handshakes) writeHandshakes(writer, flows);
  else writer.wait(3 * flows);
  if (data) writeData(writer, options);
  if (!writer.isFull) throw new Error("synthesize: the capture is not as long as was counted");
  return writer.bytes;
}

/**
 * A classic nanosecond pcap: Ethernet, IPv4, TCP with valid checksums; timestamps option as Linux
 * sends it where the payload is longer than 10 bytes; PSH on every 16th segment of a flow.
 *
 * @throws RangeError when an option is out of range (65,483 payload bytes and 2^20 flows at most).
 */
export function synthesize(options: SynthesisOptions): Uint8Array {
  return build(options, options.handshake ?? true, true);
}

/** The same traffic with the handshakes apart, so that a benchmark can replay them beforehand. */
export function synthesizeParts(options: SynthesisOptions): SynthesisParts {
  return { handshakes: build(options, true, false), data: build(options, false, true) };
}
