import { type FileHandle, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addAbortSignal } from "node:stream";
import { isStream, openStream } from "../capture/stream.js";
import { NetmemError } from "../error.js";
import type { OpenFile } from "./native.js";
import { GIVEN_PATH } from "./native-process.js";

/** A capture that can be read again. */
export interface HeldCapture {
  readonly path: string;
  /** What a native process is told to read. */
  readonly capture: string | OpenFile;
  release(): Promise<void>;
}

/**
 * The capture itself, or where it can be read only once a copy of it. The copy has no name before
 * the first byte is in it, so that nothing of it is left however this process ends.
 */
export async function heldCapture(path: string, signal: AbortSignal): Promise<HeldCapture> {
  if (!isStream(path)) return { path, capture: path, release: async () => {} };
  let copy: FileHandle | undefined;
  try {
    copy = await namelessFile();
    // A stream that brings nothing is given up when the signal comes, not with its next bytes.
    await writeFile(copy, addAbortSignal(signal, await openStream(path)));
  } catch (error) {
    await copy?.close();
    throw new NetmemError(
      "NETMEM_CAPTURE_UNREADABLE",
      `${path}: it cannot be put aside to be read twice (${(error as Error).message})`,
      "Write the capture to a file first.",
    );
  }
  const { fd } = copy;
  const own = `/proc/self/fd/${fd}`;
  return { path: own, capture: { path: own, fd }, release: () => copy.close() };
}

/** A file that is in no folder: it goes with its last descriptor. */
async function namelessFile(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), "netmem-"));
  try {
    return await open(join(folder, "capture"), "wx+", 0o600);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** An error about the copy of a capture, by the capture's own name. */
export function renamed(error: unknown, held: HeldCapture, path: string): unknown {
  if (!(error instanceof NetmemError) || held.path === path) return error;
  const { code, message, suggestion } = error;
  const named = message.replaceAll(held.path, path).replaceAll(GIVEN_PATH, path);
  return new NetmemError(code, named, suggestion);
}
