import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { classic } from "../../../fixtures/capture-file.js";
import { Conversation, noise, sha256 } from "../../../fixtures/conversation.js";
import { ACK, ethernet, jumbogram, PROTO_TCP } from "../../../fixtures/frames.js";
import { LINK_ETHERNET, timed } from "../../../fixtures/made.js";
import { replay } from "../../support/replay.js";

const folder = mkdtempSync(join(tmpdir(), "netmem-superpackets-"));
afterAll(() => rmSync(folder, { recursive: true }));

const BODY = noise(100_000, 3);

/** One superpacket over IPv6, and its capture. */
function captured(badChecksum: boolean): string {
  const talk = new Conversation({ client: "2001:db8::1", server: "2001:db8::2" }).open();
  const payload = talk.tcp("client", 0, BODY, { flags: ACK, badChecksum });
  talk.packets.push(jumbogram({ ...talk.addresses("client"), protocol: PROTO_TCP, payload }));
  const path = join(folder, `${badChecksum}.pcap`);
  const frames = talk.packets.map((packet) => ethernet(packet));
  writeFileSync(path, classic({ linkType: LINK_ETHERNET }, timed(frames)));
  return path;
}

describe("a checksum over more than 64 KiB", () => {
  test.each(["fbnic", "bnxt", "gve"])("counts the length's upper half too (%s)", async (driver) => {
    const flags = { streams: true, checksum: "verify", driver } as const;
    const right = (await replay(captured(false), flags)).record;
    const wrong = (await replay(captured(true), flags)).record;
    expect([right.capture.badChecksums, wrong.capture.badChecksums]).toEqual([0, 1]);
    for (const { streams, drops } of right.runs) {
      expect(streams![0]).toMatchObject({ bytes: BODY.length, sha256: sha256(BODY) });
      expect(drops).toEqual({});
    }
    for (const { deliveredBytes, drops } of wrong.runs) {
      expect(deliveredBytes).toBe(0);
      expect(Object.keys(drops)).toEqual(["TCP_CSUM"]);
    }
  });
});
