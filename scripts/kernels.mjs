// Assembles src/engine/memory/kernels.wat into kernels-bytes.ts.
import { readFileSync, writeFileSync } from "node:fs";
import wabt from "wabt";

const folder = new URL("../src/engine/memory/", import.meta.url);

/** The module's bytes, base64. */
export async function assemble() {
  const { parseWat } = await wabt();
  const wat = readFileSync(new URL("kernels.wat", folder), "utf8");
  const module = parseWat("kernels.wat", wat, { simd: true, bulk_memory: true });
  return Buffer.from(module.toBinary({}).buffer).toString("base64");
}

if (import.meta.url === `file://${process.argv[1]}`) {
  const lines = (await assemble()).match(/.{1,88}/g).map((line) => `  "${line}"`);
  const head =
    "/** kernels.wat, assembled by `npm run kernels`. */\nexport const KERNELS_BASE64 =\n";
  writeFileSync(new URL("kernels-bytes.ts", folder), `${head}${lines.join(" +\n")};\n`);
}
