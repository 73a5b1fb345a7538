import type { TcpArtefact } from "../../engine/tcp/mib.js";
import { isReadLinkType } from "../../engine/wire/link.js";
import type { CaptureFacts } from "../capture/reader.js";
import type { NetmemRecord } from "../record/schema.js";
import type { Findings } from "./run-replay.js";

type Warning = NetmemRecord["warnings"][number];
/** What is said of one, and of several. */
type Sentence = readonly [one: string, more: string];

const TRUSTED: Sentence = [
  "packet has a wrong checksum and was trusted (offloaded captures do)",
  "packets have a wrong checksum and were trusted (offloaded captures do)",
];
const DROPPED: Sentence = [
  "packet has a wrong checksum and was dropped",
  "packets have a wrong checksum and were dropped",
];
const CUT: Sentence = [
  "packet was cut by the snapshot length",
  "packets were cut by the snapshot length",
];
const MID_STREAM: Sentence = [
  "socket begins in mid-stream: no SYN was captured",
  "sockets begin in mid-stream: no SYN was captured",
];
const ONE_SIDED: Sentence = [
  "socket has no captured answers: its window is a guess",
  "sockets have no captured answers: their window is a guess",
];
const CLAMPED: Sentence = [
  "timestamp went back and was set to the one before",
  "timestamps went back and were set to the one before",
];

/** What the capture itself did to TCP, by the engine's counter, and under which warning it goes. */
const ARTEFACTS: readonly (readonly [kind: TcpArtefact, code: string, said: Sentence])[] = [
  [
    "CaptureBeyondWindow",
    "capture-order",
    [
      "segment lies beyond every window that the capture had shown by then",
      "segments lie beyond every window that the capture had shown by then",
    ],
  ],
  [
    "CaptureAckBeforeData",
    "capture-order",
    [
      "ACK was captured before the data that it acknowledges",
      "ACKs were captured before the data that they acknowledge",
    ],
  ],
  [
    "CaptureSynAfterData",
    "capture-order",
    [
      "SYN was captured behind data of its connection",
      "SYNs were captured behind data of their connection",
    ],
  ],
  [
    "UrgentSegments",
    "urgent",
    [
      "segment is urgent; its bytes were delivered in line",
      "segments are urgent; their bytes were delivered in line",
    ],
  ],
];

/** What a replay found in a capture and in its sockets. */
export interface FoundInCapture extends Findings {
  readonly midStream: number;
  readonly oneSided: number;
  readonly artefacts: Readonly<Partial<Record<TcpArtefact, number>>>;
}

/** What to know of a capture that was replayed; `verified`: wrong checksums were dropped. */
export function captureWarnings(
  facts: CaptureFacts,
  found: FoundInCapture,
  verified: boolean,
): Warning[] {
  const places = facts.damage.length;
  return [
    ...about("damaged", places, [
      "the capture is damaged at 1 place",
      `the capture is damaged at ${places} places`,
    ]),
    ...counted("bad-checksums", found.badChecksums, verified ? DROPPED : TRUSTED),
    ...unreadLinkTypes(facts.linkTypes),
    ...counted("cut-packets", found.cutFrames, CUT),
    ...counted("mid-stream", found.midStream, MID_STREAM),
    ...counted("one-sided", found.oneSided, ONE_SIDED),
    ...ARTEFACTS.flatMap(([kind, code, said]) => counted(code, found.artefacts[kind] ?? 0, said)),
    ...counted("clamped-times", found.clampedTimestamps, CLAMPED),
  ];
}

/** Link types whose packets are all dropped, since nobody here knows what is in them. */
export function unreadLinkTypes(linkTypes: readonly number[]): Warning[] {
  return linkTypes
    .filter((type) => !isReadLinkType(type))
    .map((type) => ({
      code: "link-type",
      message: `link type ${type} is not read: its packets are dropped as UNHANDLED_PROTO`,
    }));
}

function counted(code: string, count: number, [one, more]: Sentence): Warning[] {
  return about(code, count, [`1 ${one}`, `${count} ${more}`]);
}

function about(code: string, count: number, [one, more]: Sentence): Warning[] {
  return count > 0 ? [{ code, message: count === 1 ? one : more }] : [];
}
