import type { StreamOutcome } from "../backend.js";
import type { Direction } from "../flows/direction.js";
import { type Endgame, endOf } from "./socket-set.js";

/** The report's row of a direction; `other` is the way back. */
export function rowOf(direction: Direction, other: Direction, state: Endgame): StreamOutcome {
  const end = endOf(state, direction);
  return {
    src: direction.from.address,
    sport: direction.from.port,
    dst: direction.to.address,
    dport: direction.to.port,
    bytes: state.delivered,
    payload: direction.payload,
    gaps: end === "hole" ? Math.max(direction.gaps, 1) : 0,
    end,
    midStream: direction.midStream || !direction.started,
    oneSided: !(other.hasSyn || other.spoke || other.payload),
    readableBytes: direction.seen.next,
    holeAtPacket: direction.holeAtPacket,
  };
}
