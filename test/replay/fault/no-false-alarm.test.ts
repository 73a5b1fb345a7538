import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { KERNEL_PROFILES } from "../../../src/engine/kernel/profile.js";
import { replay } from "../../support/replay.js";
import { wrong } from "./plans.js";

const CORPUS = fileURLToPath(new URL("../../../../shared/captures/", import.meta.url));
const KERNELS = Object.keys(KERNEL_PROFILES);

/** Captures of the corpus, each with a kernel in turn, so that every kernel meets several. */
const cases = existsSync(CORPUS)
  ? readdirSync(CORPUS)
      .filter((name) => /\.pcap(ng)?$/.test(name))
      .map((name, i) => [KERNELS[i % KERNELS.length]!, name] as const)
  : [];

describe.runIf(cases.length > 0)("no false alarm without a fault", () => {
  it.each(cases)("kernel %s, %s", async (kernel, name) => {
    const providers = KERNEL_PROFILES[kernel]!.hasZcrx ? "page,devmem,zcrx" : "page,devmem";
    const flags = { kernel, provider: providers, area: "4MiB", ring: "128", limit: "800" };
    const { record } = await replay(`${CORPUS}${name}`, flags);
    expect(wrong(record)).toEqual([]);
  });
});
