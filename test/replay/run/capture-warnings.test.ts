import { describe, expect, it } from "vitest";
import type { CaptureFacts } from "../../../src/replay/capture/reader.js";
import { captureWarnings, type FoundInCapture } from "../../../src/replay/run/capture-warnings.js";

const facts = (linkTypes: number[], places: number) =>
  ({
    linkTypes,
    damage: Array.from({ length: places }, () => ({ offset: 24, reason: "garbage" })),
  }) as unknown as CaptureFacts;

const found = (count: number): FoundInCapture => ({
  badChecksums: count,
  cutFrames: count,
  clampedTimestamps: count,
  midStream: count,
  oneSided: count,
  artefacts: {
    CaptureBeyondWindow: count,
    CaptureAckBeforeData: count,
    CaptureSynAfterData: count,
    UrgentSegments: count,
  },
});

const messages = (linkTypes: number[], count: number, verified = false) =>
  captureWarnings(facts(linkTypes, count), found(count), verified).map(({ message }) => message);

describe("what is said of a capture", () => {
  it("is nothing where nothing is odd", () => {
    expect(messages([1, 12, 14, 0, 108, 101, 113, 228, 229, 276], 0)).toEqual([]);
  });

  it("speaks of one in the singular, of more in the plural", () => {
    for (const verified of [false, true]) {
      for (const message of messages([1], 1, verified)) {
        expect(message).not.toMatch(/\b1 \w+s\b|^1 \w+ (were|have|lie|begin|are)\b/);
      }
      for (const message of messages([1], 2, verified)) {
        expect(message).not.toMatch(/^2 \w+ (was|has|lies|begins|is)\b/);
      }
    }
  });

  it("names a link type that nobody reads", () => {
    expect(captureWarnings(facts([1, 147], 0), found(0), false)).toEqual([
      {
        code: "link-type",
        message: "link type 147 is not read: its packets are dropped as UNHANDLED_PROTO",
      },
    ]);
  });
});
