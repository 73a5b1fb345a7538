import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A capture that lies beside the project, unpacked where it is stored compressed. */
export interface SharedCapture {
  readonly name: string;
  readonly path: string;
}

/** One row of INDEX.tsv, by column. */
export type IndexRow = Readonly<Record<string, string>>;

const SHARED = fileURLToPath(new URL("../../../shared/captures/", import.meta.url));

/** Whether the shared captures are there; tests that need them are skipped where they are not. */
export const hasSharedCaptures = existsSync(join(SHARED, "INDEX.tsv"));

/** INDEX.tsv's rows, in order. */
export function indexRows(): IndexRow[] {
  const [head, ...lines] = readFileSync(join(SHARED, "INDEX.tsv"), "utf8").trimEnd().split("\n");
  const columns = head!.split("\t");
  return lines.map((line) => {
    const cells = line.split("\t");
    return Object.fromEntries(columns.map((column, i) => [column, cells[i] ?? ""]));
  });
}

/** INDEX.tsv's row of one capture. */
export function indexRow(name: string): IndexRow {
  const row = indexRows().find((candidate) => candidate.filename === name);
  if (row === undefined) {
    throw new Error(`INDEX.tsv has no row for ${name}`);
  }
  return row;
}

/** Every shared capture in INDEX.tsv's order; none where they are absent. */
export function captureFiles(): SharedCapture[] {
  return hasSharedCaptures
    ? indexRows().map((row) => ({ name: row.filename!, path: pathOf(row) }))
    : [];
}

/** The truth file of one capture, parsed; see captures/truth/README.md. */
export function truthOf(name: string): {
  file: string;
  streams: ReadonlyArray<Readonly<Record<string, unknown>>>;
} {
  return JSON.parse(readFileSync(join(SHARED, "truth", `${name}.json`), "utf8"));
}

function pathOf(row: IndexRow): string {
  const name = row.filename!;
  const plain = join(SHARED, row.set === "made" ? "made" : "", name);
  return existsSync(plain) ? plain : unpack(`${plain}.xz`, name, row.sha256!);
}

/** Unpacks once a machine: the folder outlives the run, and the hash says that it is the same. */
function unpack(packed: string, name: string, sha256: string): string {
  const folder = join(tmpdir(), "netmem-test-captures");
  const path = join(folder, `${sha256.slice(0, 16)}-${name}`);
  if (existsSync(path)) {
    return path;
  }
  const { status, stdout, stderr } = spawnSync("xz", ["-dc", packed], { maxBuffer: 1 << 30 });
  if (status !== 0) {
    throw new Error(`xz -dc ${packed}: ${stderr}`);
  }
  if (createHash("sha256").update(stdout).digest("hex") !== sha256) {
    throw new Error(`${packed} is not the file that INDEX.tsv tells of`);
  }
  mkdirSync(folder, { recursive: true });
  // Test files run side by side; the rename lets each see the whole file or none.
  const half = `${path}.${process.pid}`;
  writeFileSync(half, stdout);
  renameSync(half, path);
  return path;
}
