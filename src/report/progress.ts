import { grouped, humanBytes, humanRate } from "./table/numbers.js";

/** One line that says how far a replay is. */
export function progressText(
  progress: {
    readonly packets: number;
    readonly bytes: number;
    readonly totalBytes: number | null;
  },
  elapsedMs: number,
): string {
  const { packets, bytes, totalBytes } = progress;
  const rate = elapsedMs > 0 ? `, ${humanRate((packets * 1000) / elapsedMs)} packets/s` : "";
  const done = `${grouped(packets)} packets, ${humanBytes(bytes)}`;
  if (totalBytes === null || totalBytes === 0) return `${done}${rate}`;
  const share = Math.min(100, Math.floor((bytes / totalBytes) * 100));
  return `${share} %  ${done} of ${humanBytes(totalBytes)}${rate}`;
}
