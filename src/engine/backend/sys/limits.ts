import { readFileSync } from "node:fs";

/** Descriptors that a process needs beside the sockets of a replay. */
export const OTHER_FILES = 128;

/** RLIMIT_NOFILE of this process. */
export function openFileLimit(): number {
  const line = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
  return Number(line?.[1] ?? 1024);
}
