import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { classic } from "../../fixtures/capture-file.js";
import { Conversation, noise } from "../../fixtures/conversation.js";
import { ethernet } from "../../fixtures/frames.js";
import { MAX_STAMP_SECONDS } from "../../src/replay/capture/pcapng-walker.js";
import { resolveConfig } from "../../src/replay/plan/resolve.js";
import { World } from "../engine/tcp/harness.js";
import { ROOT } from "../golden/run-cli.js";
import { PcapngBuilder } from "../replay/capture/pcapng-builder.js";
import { replay } from "../support/replay.js";

const folder = mkdtempSync(join(tmpdir(), "netmem-limits-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("a timestamp decades ahead while a ring is dry", () => {
  it("costs no poll for each second of them", async () => {
    const talk = new Conversation().open();
    // Beyond a hole that is never filled: their memory does not come back.
    for (let i = 0; i < 60; i++) talk.segment("client", 2000 + i * 1200, noise(1200, i));
    talk.segment("client", 2000, noise(100, 1));
    const packets = talk.packets.map((datagram, i) => ({
      seconds: i === talk.packets.length - 1 ? 4_000_000_000 : 1_000_000_000,
      nanoseconds: i * 1000,
      bytes: ethernet(datagram),
    }));
    const path = join(folder, "decades.pcap");
    writeFileSync(path, classic({ linkType: 1, nano: true }, packets));
    const small = { area: "32KiB", ring: "16", queues: "1", provider: "page" };
    const beforeMs = performance.now();
    const { record } = await replay(path, small);
    expect(record.runs[0]!.drops.RX_HW_DROP_OVERRUNS).toBeGreaterThan(0);
    expect(performance.now() - beforeMs).toBeLessThan(10_000);
  });
});

describe("timestamps millennia apart", () => {
  const talk = new Conversation().open();
  for (let i = 0; i < 30; i++) talk.segment("client", i * 1200, noise(1200, i));
  const path = join(folder, "millennia.pcapng");
  const file = new PcapngBuilder().section();
  // Whole seconds: from the year 1970 on, now and then as far away as a timestamp may be.
  file.interface(1, file.tsresol(0));
  talk.packets.forEach((datagram, i) => {
    const seconds = i % 8 === 7 ? MAX_STAMP_SECONDS : i * 10_000_000_000;
    file.enhanced(0, BigInt(seconds), ethernet(datagram));
  });
  writeFileSync(path, file.bytes);
  it.each(["page", "devmem", "zcrx"])("end in a record (%s)", async (provider) => {
    const { record } = await replay(path, { provider, interval: "1s", multiplier: "0.000001" });
    expect(record.runs[0]!.leaks.count).toBe(0);
  });
});

describe("connections beyond the limit", () => {
  it("are refused by segment, while those that there are go on", () => {
    const world = new World({ maxConnections: 2 });
    for (const sport of [1, 2, 3]) world.send({ sport, seq: 10, data: noise(4, sport) });
    for (const sport of [1, 2, 3]) world.send({ sport, seq: 14, data: noise(4, sport) });
    expect(world.stack.sockets).toBe(4);
    expect(world.drop("NETMEM_TOO_MANY_SOCKETS")).toBe(2);
    const bytes = [0, 1, 2, 3].map((sock) => world.stack.streamOf(sock).bytes);
    expect(bytes.reduce((sum, each) => sum + each)).toBe(16);
  });
});

describe("a configuration file with aliases", () => {
  const ten = (of: string) => `[${Array.from({ length: 10 }, () => of).join(", ")}]`;
  it.each([
    ["that lead nowhere", "ring: *missing"],
    [
      "that multiply",
      `a: &a ${ten("x")}\nb: &b ${ten("*a")}\nc: &c ${ten("*b")}\nd: &d ${ten("*c")}\nring: *d`,
    ],
  ])("%s is a mistake of the file", async (_, text) => {
    const config = join(folder, "netmem.config.yaml");
    writeFileSync(config, text);
    const resolved = resolveConfig({ flags: { config }, environment: {}, cwd: "/" });
    await expect(resolved).rejects.toMatchObject({ code: "NETMEM_CONFIG" });
  });
});

describe("a hostile packet", () => {
  it("costs at most ten times a benign one", () => {
    const args = ["--import", "tsx", join(ROOT, "bench/attack.ts"), "--json"];
    const { stdout } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8" });
    const { maxRatio, attacks } = JSON.parse(stdout) as {
      maxRatio: number;
      attacks: Array<{ name: string; ratio: number }>;
    };
    expect(attacks.length).toBeGreaterThan(8);
    expect(attacks.filter(({ ratio }) => ratio > maxRatio)).toEqual([]);
  }, 300_000);
});
