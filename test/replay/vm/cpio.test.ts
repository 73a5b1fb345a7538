import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { CpioArchive } from "../../../src/replay/vm/cpio.js";

const folder = mkdtempSync(join(tmpdir(), "netmem-cpio-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Names, modes and contents of an archive, read field by field. */
function entriesOf(bytes: Buffer): Array<{ name: string; mode: number; data: string }> {
  const found = [];
  for (let at = 0; at < bytes.length; ) {
    const field = (i: number) =>
      Number.parseInt(bytes.toString("latin1", at + 6 + 8 * i, at + 14 + 8 * i), 16);
    expect(bytes.toString("latin1", at, at + 6)).toBe("070701");
    const nameBytes = field(11);
    const dataAt = (at + 110 + nameBytes + 3) & ~3;
    const name = bytes.toString("utf8", at + 110, at + 110 + nameBytes - 1);
    const data = bytes.toString("utf8", dataAt, dataAt + field(6));
    found.push({ name, mode: field(1), data });
    at = (dataAt + field(6) + 3) & ~3;
  }
  return found;
}

describe("an initramfs archive", () => {
  it("holds folders before what is in them, links, modes and a trailer", async () => {
    mkdirSync(join(folder, "a/b"), { recursive: true });
    writeFileSync(join(folder, "a/b/file"), "hello", { mode: 0o755 });
    symlinkSync("b/file", join(folder, "a/link"));
    const archive = new CpioArchive();
    archive.device("dev/console", 0o600, 5, 1);
    await archive.tree(folder, "");
    const entries = entriesOf(archive.bytes());
    expect(entries.map(({ name }) => name)).toEqual([
      "dev/console",
      "a",
      "a/b",
      "a/link",
      "a/b/file",
      "TRAILER!!!",
    ]);
    const [console, , , link, file] = entries;
    expect(console!.mode).toBe(0o020600);
    expect(link).toMatchObject({ mode: 0o120777, data: "b/file" });
    expect(file).toMatchObject({ mode: 0o100755, data: "hello" });
  });

  it("is read by cpio itself", async ({ skip }) => {
    if (spawnSync("cpio", ["--version"]).status !== 0) skip("no cpio on this machine");
    const archive = new CpioArchive();
    archive.folder("x");
    archive.file("x/odd", Buffer.from("abc"));
    const listed = execFileSync("cpio", ["-t", "--quiet"], { input: archive.bytes() });
    expect(listed.toString()).toBe("x\nx/odd\n");
    expect(readFileSync(join(folder, "a/b/file"), "utf8")).toBe("hello");
  });
});
