import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** What a build is made of. */
const PARTS = [
  "src",
  "fixtures",
  "scripts",
  "bin",
  "package.json",
  "tsconfig.json",
  "tsconfig.build.json",
];
/** Where a lane has counted the host time of a pass. */
const PLACE = "this.elapsedNs += hostNowNs() - before;\n  }\n\n  /** Orderly teardown;";
/** What the slower build takes more, as a share: 0.15 for 15 %. */
export const SHARE_VARIABLE = "NETMEM_BENCH_EXTRA_SHARE";

const CALL = "if (last) this.elapsedNs += workForNothing(this.elapsedNs);";
const WORK = `
const extraShare = Number(process.env.${SHARE_VARIABLE} ?? 0);
let extraWord = 1;

/** Computes what nobody needs for a known part of the time that the run took; how long, in ns. */
function workForNothing(runNs: number): number {
  const startNs = hostNowNs();
  while (hostNowNs() < startNs + runNs * extraShare) {
    for (let i = 0; i < 64; i++) extraWord = Math.imul(extraWord ^ i, 0x9e3779b1);
  }
  return hostNowNs() - startNs;
}
`;

/**
 * A build of this very tree that goes on computing when its last packet is through, for a share of
 * the time that the run took: a regression of a known size on any machine, however busy, since what
 * is done behind the engine's work cannot overlap with it. Made once a folder.
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
  writeFileSync(lane, text.replace(PLACE, PLACE.replace("\n", `\n    ${CALL}\n`)) + WORK);
  const built = spawnSync("npm", ["run", "build"], { cwd: folder, encoding: "utf8" });
  if (built.status !== 0) throw new Error(`the slower build: ${built.stdout}${built.stderr}`);
  return program;
}
