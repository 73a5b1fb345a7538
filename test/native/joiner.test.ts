import { describe, expect, it } from "vitest";
import { fragment4, fragment6, PROTO_TCP, tcp } from "../../fixtures/frames.js";
import { checksumsRight } from "../../src/engine/backend/flows/checksum.js";
import { Joiner } from "../../src/engine/backend/flows/joiner.js";
import { Frame } from "../../src/engine/wire/frame.js";
import { LINKTYPE_RAW } from "../../src/engine/wire/link.js";
import { offers } from "./machine.js";

const ENDS = [
  { src: "10.0.0.1", dst: "10.0.0.2" },
  { src: "fd00::1", dst: "fd00::2" },
];

function fragments(ends: { src: string; dst: string }): Uint8Array[] {
  const payload = tcp({
    ...ends,
    sport: 1,
    dport: 2,
    seq: 3,
    flags: 16,
    payload: new Uint8Array(900),
  });
  const of = { ...ends, protocol: PROTO_TCP, payload, id: 7 };
  return ends.src.includes(":") ? fragment6(of, 400, 7) : fragment4(of, 400);
}

/** Sizes that the joiner answers, fragment by fragment. */
function joined(joiner: Joiner, frame: Frame, pieces: readonly Uint8Array[]): number[] {
  return pieces.map((piece) => {
    const view = new DataView(piece.buffer, piece.byteOffset, piece.length);
    frame.parse(view, 0, piece.length, piece.length, LINKTYPE_RAW);
    return joiner.add(view, frame);
  });
}

describe.runIf(offers("koffi"))("fragments joined for a kernel", () => {
  it("are joined in the same place on each pass, whatever the one before left behind", () => {
    for (const ends of ENDS) {
      const joiner = new Joiner();
      const frame = new Frame();
      const twice = fragments(ends).flatMap((piece) => [piece, piece]);
      const first = joined(joiner, frame, twice);
      joiner.restart();
      expect(joined(joiner, frame, twice)).toEqual(first);
      expect([first.filter((bytes) => bytes > 0).length, joiner.joined]).toEqual([1, 1]);
      joiner.release();
    }
  });

  it("have right checksums where the datagram had", () => {
    for (const ends of ENDS) {
      const joiner = new Joiner();
      const frame = new Frame();
      const bytes = joined(joiner, frame, fragments(ends)).at(-1)!;
      frame.parse(joiner.view, joiner.start, bytes, bytes, joiner.linkType);
      expect(checksumsRight(joiner.view, frame)).toBe(true);
      joiner.release();
    }
  });
});
