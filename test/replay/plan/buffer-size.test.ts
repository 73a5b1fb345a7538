import { describe, expect, test } from "vitest";
import { resolveConfig } from "../../../src/replay/plan/resolve.js";

const resolve = (flags: Record<string, string>) =>
  resolveConfig({ flags, environment: {}, cwd: "/" });

describe("--buffer-size by driver", () => {
  test.each([
    ["fbnic", "2MiB"],
    ["bnxt", "32KiB"],
    ["gve", "4KiB"],
  ])("%s takes up to %s", async (driver, size) => {
    const config = await resolve({ driver, "buffer-size": size });
    expect([config.driver, config.bufferSizeBytes]).toEqual([
      driver,
      { "2MiB": 2 ** 21, "32KiB": 32768, "4KiB": 4096 }[size],
    ]);
  });

  test.each([
    ["bnxt", "64KiB", "bnxt posts buffers of at most 32KiB, and --buffer-size is 64KiB"],
    ["gve", "8KiB", "gve posts buffers of at most 4KiB, and --buffer-size is 8KiB"],
  ])("%s refuses %s and says what it takes", async (driver, size, message) => {
    await expect(resolve({ driver, "buffer-size": size })).rejects.toMatchObject({
      code: "NETMEM_USAGE",
      message,
    });
  });

  test("a ring must hold two netmems", async () => {
    const ring = { ring: "64" };
    await expect(resolve({ ...ring, "buffer-size": "128KiB" })).resolves.toBeDefined();
    await expect(resolve({ ...ring, "buffer-size": "256KiB" })).rejects.toMatchObject({
      code: "NETMEM_USAGE",
      message: "a ring of 64 descriptors holds fewer than two netmems of 256KiB",
    });
  });
});
