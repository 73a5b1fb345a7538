import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** What a build is made of. */
const PARTS = ["src", "scripts", "bin", "package.json", "tsconfig.json", "tsconfig.build.json"];
/** Where a lane counts its host time. */
const PLACE = "this.elapsedNs += hostNowNs() - before;";
/** What the slower build takes more, as a share: 0.15 for 15 %. */
export const SHARE_VARIABLE = "NETMEM_BENCH_EXTRA_SHARE";

const WORK = `
const extraShare = Number(process.env.${SHARE_VARIABLE} ?? 0);
let extraWord = 1;

/** Computes what nobody needs, for a known part of the time that has passed since \`before\`. */
function workForNothing(before: number): void {
  const untilNs = before + (hostNowNs() - before) * (1 + extraShare);
  while (hostNowNs() < untilNs) {
    for (let i = 0; i < 64; i++) extraWord = Math.imul(extraWord ^ i, 0x9e3779b1);
  }
}
`;

/**
 * A build of this very tree that computes on behind each batch of packets, for a share of the time
 * that the batch took: a regression of a known size on any machine, however busy. Made once a
 * folder.
 *
 * @returns its program, to be started by node.
 */
export function slowerBuild(folder: string): string {
  const program = join(folder, "bin/run.js");
  if (existsSync(join(folder, "dist/commands/replay.js"))) return program;
  mkdirSync(folder, { recursive: true });
  for (const part of PARTS) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const lane = join(folder, "src/replay/run/lane.ts");
  const text = readFileSync(lane, "utf8");
  if (!text.includes(PLACE)) throw new Error(`${lane}: the place of the extra work is gone`);
  writeFileSync(lane, text.replaceAll(PLACE, `workForNothing(before);\n    ${PLACE}`) + WORK);
  const built = spawnSync("npm", ["run", "build"], { cwd: folder, encoding: "utf8" });
  if (built.status !== 0) throw new Error(`the slower build: ${built.stdout}${built.stderr}`);
  return program;
}
