import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { replay } from "../../support/replay.js";

/**
 * The table of docs/sizing.md: the same capture and memory, three applications. With
 * UPDATE_SIZING=1 it is written instead of compared.
 */
const DOCUMENT = fileURLToPath(new URL("../../../docs/sizing.md", import.meta.url));
const CAPTURE = fileURLToPath(
  new URL("../../../fixtures/kernel/loss_reorder.pcap", import.meta.url),
);
const BLOCK = /<!-- experiment -->\n(.*?)<!-- \/experiment -->/s;

const APPLICATIONS = [
  ["reads at once, gives back at once", {}],
  ["reads at once, holds for 300 ms", { hold: "300ms" }],
  ["reads 300 ms late, gives back at once", { "read-delay": "300ms" }],
] as const;
const AREAS = ["24KiB", "256KiB"];
const BEYOND = ["TCP_ZEROWINDOW", "TCP_INVALID_SEQUENCE", "TCP_INVALID_END_SEQUENCE"];

interface Row {
  readonly provider: string;
  readonly area: string;
  readonly application: string;
  readonly nic: number;
  readonly beyond: number;
  readonly delivered: number;
}

async function rows(): Promise<Row[]> {
  const found: Row[] = [];
  for (const provider of ["zcrx", "devmem"]) {
    for (const area of AREAS) {
      for (const [application, behaviour] of APPLICATIONS) {
        const flags = { provider, area, queues: "1", ring: "8", rcvbuf: "8KiB", ...behaviour };
        const { record } = await replay(CAPTURE, flags);
        const { drops, deliveredBytes } = record.runs[0]!;
        const beyond = BEYOND.reduce((sum, reason) => sum + Number(drops[reason] ?? 0), 0);
        const nic = Number(drops.RX_HW_DROP_OVERRUNS ?? 0);
        found.push({ provider, area, application, nic, beyond, delivered: Number(deliveredBytes) });
      }
    }
  }
  return found;
}

function tableOf(found: readonly Row[]): string {
  const head = "| provider | area | application | NIC drops | beyond the window | delivered |";
  const lines = found.map(
    ({ provider, area, application, nic, beyond, delivered }) =>
      `| ${provider} | ${area} | ${application} | ${nic} | ${beyond} | ${delivered} |`,
  );
  return `${[head, "| --- | --- | --- | --- | --- | --- |", ...lines].join("\n")}\n`;
}

describe("the experiment of docs/sizing.md", () => {
  test("is what the document's table says, and shows what its text says", async () => {
    const found = await rows();
    const text = readFileSync(DOCUMENT, "utf8");
    const made = tableOf(found);
    if (process.env.UPDATE_SIZING === "1") {
      const block = `<!-- experiment -->\n${made}<!-- /experiment -->`;
      writeFileSync(
        DOCUMENT,
        text.replace(BLOCK, () => block),
      );
    } else expect(BLOCK.exec(text)![1]).toBe(made);
    for (const provider of ["zcrx", "devmem"]) {
      const [prompt, holds, late, , roomyHolds, roomyLate] = found.filter(
        (row) => row.provider === provider,
      );
      expect(prompt).toMatchObject({ nic: 0, beyond: 0 });
      // Held memory is charged to nobody: the window stays open, and the NIC runs dry.
      expect(holds!.nic).toBeGreaterThan(0);
      expect(holds!.beyond).toBeLessThan(late!.beyond);
      // Unread memory is charged to the socket: the window closes, and the NIC has buffers.
      expect(late!.nic).toBe(0);
      expect(late!.beyond).toBeGreaterThan(0);
      // More memory helps the holder, and does nothing for the reader.
      expect(roomyHolds).toMatchObject({ nic: 0, beyond: 0, delivered: prompt!.delivered });
      expect(roomyLate).toMatchObject({ beyond: late!.beyond, delivered: late!.delivered });
    }
  });
});
