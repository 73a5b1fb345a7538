import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { classic } from "../../../fixtures/capture-file.js";
import { Conversation, noise } from "../../../fixtures/conversation.js";
import { ethernet, fragment4, fragment6, PROTO_TCP } from "../../../fixtures/frames.js";
import { Prng } from "../../../src/engine/clock/prng.js";
import { replay } from "../../support/replay.js";

const folder = mkdtempSync(join(tmpdir(), "netmem-mangled-"));
afterAll(() => rmSync(folder, { recursive: true }));

const SIX = { client: "fd00::1", server: "fd00::2" };

/** Sound frames of every kind: both families, tags, fragments, options, jumbo and runt. */
function soundFrames(seed: number): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (const [k, ends] of [{}, SIX, { timestamps: true }].entries()) {
    const talk = new Conversation({ ...ends, sport: 41000 + k }).open();
    for (let i = 0; i < 12; i++) talk.send("client", noise(1 + ((i * 997) % 2500), seed + i));
    talk.ack("server").close();
    const tags = k === 2 ? { tags: [[0x8100, 7] as const] } : {};
    frames.push(...talk.packets.map((datagram) => ethernet(datagram, tags)));
    const { src, dst } = talk.addresses("client");
    const payload = talk.tcp("client", 0, noise(900, seed));
    const of = { src, dst, protocol: PROTO_TCP, payload, id: seed };
    const cut = src.includes(":") ? fragment6(of, 256, seed) : fragment4(of, 256);
    frames.push(...cut.map((datagram) => ethernet(datagram)));
  }
  return frames;
}

/** Frames with bytes changed, cut, lengthened, repeated and out of order. */
function mangled(seed: number): Uint8Array[] {
  const prng = new Prng(seed);
  const sound = soundFrames(seed);
  return [0, 1, 2].flatMap(() =>
    sound.map((frame) => {
      const bytes = frame.slice(0, prng.below(3) === 0 ? prng.below(frame.length + 1) : undefined);
      for (let hits = prng.below(4); hits > 0 && bytes.length > 0; hits--) {
        // Headers matter most.
        const reach = prng.below(2) === 0 ? Math.min(80, bytes.length) : bytes.length;
        bytes[prng.below(reach)] = prng.below(256);
      }
      return bytes;
    }),
  );
}

function capture(frames: readonly Uint8Array[], linkType: number): Uint8Array {
  const packets = frames.map((bytes, i) => ({
    seconds: 1_700_000_000,
    nanoseconds: i * 20_000,
    bytes,
    wireBytes: bytes.length + (i % 5 === 0 ? 300 : 0),
  }));
  return classic({ linkType, nano: true }, packets);
}

describe.each([1, 5, 7])("mangled frames, seed %i", (seed) => {
  const frames = mangled(seed);

  test.each([
    { checksum: "trust" },
    { checksum: "verify", hds: "fail=2" },
    { checksum: "trust", link: "raw" },
    { checksum: "trust", link: "cooked", steer: "port 80" },
    { checksum: "trust", hds: "fail=3", driver: "bnxt" },
    { checksum: "verify", driver: "gve" },
    { checksum: "trust", hds: "fail=3", driver: "gve" },
  ])("break no rule: %o", async ({ link, ...flags }) => {
    const linkType = link === "raw" ? 101 : link === "cooked" ? 113 : 1;
    const path = join(folder, `${seed}-${linkType}.pcap`);
    writeFileSync(path, capture(frames, linkType));
    const small = { area: "4MiB", ring: "64", queues: "2", leaks: "trace" };
    const { record, exitCode } = await replay(path, { ...small, streams: true, ...flags });
    expect(exitCode).toBe(0);
    const { packets, skipped, damage } = record.capture;
    const left = Object.values(skipped).reduce<number>((sum, n) => sum + Number(n), 0);
    expect(Number(packets) + left).toBe(frames.length);
    expect(damage).toEqual([]);
    for (const each of record.runs) {
      expect(each.leaks).toMatchObject({ count: 0, zombies: 0 });
      const drops = each.drops as Record<string, number>;
      const reasons = ["RX_HW_DROP_OVERRUNS", "RX_SPLIT_ERROR", "RX_LENGTH_ERROR"];
      const lost = reasons.reduce((sum, reason) => sum + Number(drops[reason] ?? 0), 0);
      const counted = ["packets", "rx_ucast_packets", "rx_packets"].map((n) => each.driver[n] ?? 0);
      expect(Math.max(...counted.map(Number)) + lost).toBe(packets);
      const read = Number(each.copy.bytes) + Number(each.reference.bytes);
      expect(read).toBe(each.deliveredBytes);
    }
    // With pages, fragments share the queues of whole segments, and so come at other times.
    const [, devmem, zcrx] = record.runs.map(({ streams }) =>
      streams!.map((row) => JSON.stringify(row)).sort(),
    );
    expect(zcrx).toEqual(devmem);
  });
});
