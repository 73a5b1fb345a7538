import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import type { RawFlags } from "../../../src/replay/plan/layers.js";
import { recordConfig, reproduceLine } from "../../../src/replay/plan/reproduce.js";
import { resolveConfig } from "../../../src/replay/plan/resolve.js";
import { configSchema } from "../../../src/replay/record/schema.js";

const BUILD = { version: "1.2.3", commit: "abc1234" };
const CAPTURE = { path: "my captures/it's.pcap", sha256: "ef".repeat(32) };

const resolve = (flags: RawFlags) => resolveConfig({ flags, environment: {}, cwd: tmpdir() });

describe("the line that reproduces a run", () => {
  it("holds what differs from the defaults, the seed, and what must be the same", async () => {
    const config = await resolve({
      provider: ["zcrx"],
      topspeed: true,
      ring: "1024",
      hold: "5ms",
      json: true,
      export: ["json=x"],
    });
    expect(reproduceLine(BUILD, config, CAPTURE)).toBe(
      "netmem replay 'my captures/it'\\''s.pcap' --provider zcrx --hold 5ms --topspeed --seed 1" +
        ` # netmem 1.2.3 commit abc1234, capture sha256 ${CAPTURE.sha256}`,
    );
  });

  it("does not name the seed twice", async () => {
    const line = reproduceLine(BUILD, await resolve({ seed: "42" }), CAPTURE);
    expect(line.match(/--seed 42/g)).toHaveLength(1);
  });
});

describe("the configuration in a record", () => {
  it("is every setting that decides the run, in the schema's form", async () => {
    const config = await resolve({ quiet: true, "read-delay": "5us" });
    const kept = recordConfig(config, { min: 65_536, max: 131_072 });
    expect(configSchema.parse(kept)).toEqual(kept);
    expect(kept).toMatchObject({ readDelayNs: 5000, rcvbufBytes: { min: 65_536 } });
    expect(kept).not.toHaveProperty("quiet");
  });
});
