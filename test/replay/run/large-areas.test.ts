import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { replay } from "../../support/replay.js";

const CAPTURE = fileURLToPath(new URL("../../../fixtures/kernel/http6.pcap", import.meta.url));

test("headers that lie beyond 2 GiB of model memory are read as any others", async () => {
  const { record } = await replay(CAPTURE, { area: "900MiB", queues: "1", streams: true });
  const small = await replay(CAPTURE, { queues: "1", streams: true });
  for (const [i, run] of record.runs.entries()) {
    expect(run.streams).toEqual(small.record.runs[i]!.streams);
    expect(run.leaks.count).toBe(0);
  }
});
