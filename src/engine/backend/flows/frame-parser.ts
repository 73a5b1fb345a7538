import { FRAME_FRAGMENT, Frame } from "../../wire/frame.js";
import type { PacketBatch } from "../../wire/packet-batch.js";
import { Joiner } from "./joiner.js";

/** Parses a capture's frames where they lie, and datagrams in fragments once they are whole. */
export class FrameParser {
  /** What was parsed last. */
  readonly frame = new Frame();
  readonly joiner = new Joiner();
  readonly #view: DataView;

  /** @param view memory of the batches' frames. */
  constructor(view: DataView) {
    this.#view = view;
  }

  /** Parses frame `i`; answers the memory that it lies in, null while fragments are missing. */
  parse(batch: PacketBatch, i: number): DataView | null {
    const { frame, joiner } = this;
    const captured = batch.capturedBytes[i]!;
    frame.parse(this.#view, batch.offset[i]!, captured, batch.wireBytes[i]!, batch.linkType[i]!);
    if (frame.kind !== FRAME_FRAGMENT) return this.#view;
    const bytes = joiner.add(this.#view, frame);
    if (bytes === 0) return null;
    frame.parse(joiner.view, joiner.start, bytes, bytes, joiner.linkType);
    return joiner.view;
  }
}
