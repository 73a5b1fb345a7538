import { describe, expect, it } from "vitest";
import { matrixCells } from "../../../src/replay/compare/cells.js";

const cells = (flags: Record<string, string | string[]>) =>
  matrixCells({ flags, environment: {}, cwd: "/" });

describe("the cells of a matrix", () => {
  it("are the providers where nothing else is listed", async () => {
    const found = await cells({});
    expect(found.map(({ label }) => label)).toEqual(["page", "devmem", "zcrx"]);
    expect(found.map(({ config }) => config.provider)).toEqual([["page"], ["devmem"], ["zcrx"]]);
  });

  it("are every provider with every listed value, named by what varies", async () => {
    const found = await cells({
      provider: ["devmem", "zcrx"],
      hold: "0,50us",
      "buffer-size": "4KiB,32KiB",
      ring: "64",
    });
    expect(found).toHaveLength(8);
    expect(found[0]!.label).toBe("devmem buffer-size=4KiB hold=0");
    expect(found[7]!.label).toBe("zcrx buffer-size=32KiB hold=50us");
    expect(found[7]!.config).toMatchObject({
      provider: ["zcrx"],
      holdNs: 50_000,
      bufferSizeBytes: 32_768,
      ring: 64,
    });
  });

  it("leave out what does not vary", async () => {
    const found = await cells({ provider: "zcrx", kernel: "7.2,7.3" });
    expect(found.map(({ label }) => label)).toEqual(["kernel=7.2", "kernel=7.3"]);
  });

  it("are refused by name where one cannot be", async () => {
    await expect(cells({ provider: "zcrx", kernel: "6.12,7.3" })).rejects.toThrow(
      "cell kernel=6.12: kernel 6.12 has no zcrx provider",
    );
    await expect(cells({ hold: "0,50" })).rejects.toThrow("needs a unit");
  });

  it("are refused where they are too many", async () => {
    const many = Array.from({ length: 30 }, (_, i) => String(i + 1)).join(",");
    await expect(cells({ budget: many })).rejects.toThrow("a matrix of 90 cells; 64 is the most");
  });
});
