/** A number as the record writes it: a JSON number below 2^53, else a decimal string. */
export type JsonNumber = number | string;

const LIMIT = 2n ** 53n;

/**
 * Turns a whole number into what the record holds: itself while a double has it exactly, a decimal
 * string from 2^53 on.
 *
 * @throws RangeError for what is not a whole number; such a figure must never reach a record.
 */
export function jsonNumber(value: bigint | number): JsonNumber {
  if (typeof value === "number") {
    if (Number.isSafeInteger(value)) return value === 0 ? 0 : value;
    if (!Number.isInteger(value)) throw new RangeError(`not a whole number: ${value}`);
    return BigInt(value).toString();
  }
  return value > -LIMIT && value < LIMIT ? Number(value) : value.toString();
}

/** The figure as a double, for display and ratios; exact below 2^53. */
export function toDouble(value: JsonNumber): number {
  return Number(value);
}
