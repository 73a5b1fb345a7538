/** A count as JSON has it: a number below 2^53, else digits of its order of magnitude. */
export function countOrText(count: number): number | string {
  if (count < Number.MAX_SAFE_INTEGER) return count;
  return Number.isFinite(count) ? BigInt(count).toString() : "endless";
}
