/**
 * The unit in which captured packets cross from a capture reader into the engine.
 *
 *      arena   ..........[ frame 0 ][ frame 1 ]..........[ frame n-1 ]..[ slack >= 16 B ]
 *                         ^          ^                    ^
 *      offset[]           |          |                    |
 *
 * One batch describes up to {@link PacketBatch.capacity} frames that already lie in the arena's
 * read window. The columns are typed arrays, so that filling and draining a batch allocates
 * nothing. Frames stay where they are until the reader is asked for the next batch.
 */
export class PacketBatch {
  readonly capacity: number;
  /** Frames described by the columns below, 0 to `capacity`. */
  count = 0;
  /** Arena byte offset of each frame's first byte. */
  readonly offset: Uint32Array;
  /** Bytes of each frame that the capture holds (caplen). */
  readonly capturedBytes: Uint32Array;
  /** Bytes of each frame on the wire (len), at least `capturedBytes`. */
  readonly wireBytes: Uint32Array;
  /** Timestamp, whole seconds: as in the capture, later relative to the run's start. */
  readonly seconds: Float64Array;
  /** Timestamp, nanoseconds within the second, 0 to 999,999,999. */
  readonly nanoseconds: Int32Array;
  /** Link type (LINKTYPE_ value of the capture formats) of each frame. */
  readonly linkType: Uint16Array;

  constructor(capacity = 256) {
    this.capacity = capacity;
    this.offset = new Uint32Array(capacity);
    this.capturedBytes = new Uint32Array(capacity);
    this.wireBytes = new Uint32Array(capacity);
    this.seconds = new Float64Array(capacity);
    this.nanoseconds = new Int32Array(capacity);
    this.linkType = new Uint16Array(capacity);
  }

  /** Frames `from` to `to - 1` as a batch of their own, over the same columns. */
  part(from: number, to: number): PacketBatch {
    const part = new PacketBatch(0);
    const { offset, capturedBytes, wireBytes, seconds, nanoseconds, linkType } = this;
    part.count = to - from;
    return Object.assign(part, {
      offset: offset.subarray(from, to),
      capturedBytes: capturedBytes.subarray(from, to),
      wireBytes: wireBytes.subarray(from, to),
      seconds: seconds.subarray(from, to),
      nanoseconds: nanoseconds.subarray(from, to),
      linkType: linkType.subarray(from, to),
    });
  }
}
