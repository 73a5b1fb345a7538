import { readFile, writeFile } from "node:fs/promises";
import { findTool, runTool } from "./tool.js";

/** Setup header of a bzImage (Documentation/arch/x86/boot.rst). */
const SETUP_SECTORS = 0x1f1;
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_LENGTH = 0x24c;
const SECTOR_BYTES = 512;
const DEFAULT_SETUP_SECTORS = 4;
/** What `zstd` frames begin with, and the length word that the build appends. */
const ZSTD_MAGIC = 0xfd2fb528;
const LENGTH_WORD = 4;

/**
 * Writes the kernel proper out of a bzImage, so that an emulated CPU need not decompress it; where
 * that cannot be done here (no `zstd`, another compression) the bzImage itself is written.
 */
export async function writeKernel(bzImage: string, to: string): Promise<void> {
  const image = await readFile(bzImage);
  const start =
    ((image[SETUP_SECTORS] || DEFAULT_SETUP_SECTORS) + 1) * SECTOR_BYTES +
    image.readUInt32LE(PAYLOAD_OFFSET);
  const payload = image.subarray(start, start + image.readUInt32LE(PAYLOAD_LENGTH) - LENGTH_WORD);
  if (payload.readUInt32LE(0) === ZSTD_MAGIC && findTool("zstd") !== null) {
    const packed = `${to}.zst`;
    await writeFile(packed, payload);
    const { status } = await runTool("zstd", ["-q", "-d", "-f", "--rm", packed, "-o", to]);
    if (status === 0) return;
  }
  await writeFile(to, image);
}
