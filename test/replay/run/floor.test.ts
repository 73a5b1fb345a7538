import { expect, test } from "vitest";
import { replay } from "../../support/replay.js";

test("--floor measures beside the engine and leaves its memory alone", async () => {
  const path = "fixtures/kernel/loss_reorder.pcap";
  const plain = await replay(path, { streams: true });
  const { record } = await replay(path, { streams: true, floor: true });
  record.runs.forEach((run, i) => {
    expect(run.streams).toEqual(plain.record.runs[i]!.streams);
    expect(run.host!.floorNsPerPacket).toBeGreaterThan(0);
    expect(plain.record.runs[i]!.host!.floorNsPerPacket).toBeNull();
  });
});
