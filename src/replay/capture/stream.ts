import { constants, createReadStream, openSync, statSync } from "node:fs";
import type { Readable } from "node:stream";

/** Whether a capture can be read once only: standard input (`-`), a pipe, a device. */
export function isStream(path: string): boolean {
  if (path === "-") return true;
  try {
    const stats = statSync(path);
    return !stats.isFile() && !stats.isDirectory();
  } catch {
    // What is not there is told by who opens it.
    return false;
  }
}

/** What a message calls a capture. */
export function nameOf(path: string): string {
  return path === "-" ? "standard input" : path;
}

/**
 * Opens what {@link isStream}. A named pipe, opened as files are, would block until somebody writes
 * to it, and with it a thread that the process has to wait for before it can end.
 */
export async function openStream(path: string): Promise<Readable> {
  if (path === "-") return process.stdin;
  if (!statSync(path).isFIFO()) return createReadStream(path);
  const { Socket } = await import("node:net");
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return new Socket({ fd, readable: true, writable: false });
}
