import { expect, it } from "vitest";
import { progressText } from "../../src/report/progress.js";

it("progress says the share where the end is known, and the pace", () => {
  const progress = { packets: 50_000, bytes: 52_428_800, totalBytes: 104_857_600 };
  expect(progressText(progress, 1000)).toBe(
    "50 %  50,000 packets, 50 MiB of 100 MiB, 50 k packets/s",
  );
  expect(progressText({ ...progress, totalBytes: null }, 0)).toBe("50,000 packets, 50 MiB");
});
