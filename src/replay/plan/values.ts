import { parseSize, parseTime } from "./units.js";
import { ValueError } from "./value-error.js";

/**
 * Parsers of flag values: text in, value out. The text is the same on the command line, in the
 * environment and in the configuration file.
 *
 * @throws ValueError, each of them, with a message that says what is right.
 */
export type Parse<T> = (text: string) => T;

/** A whole number in a range, both ends included. */
export function wholeNumber(min: number, max: number): Parse<number> {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new ValueError(`must be a whole number from ${min} to ${max}`);
  };
}

/** A power of two in a range, both ends included. */
export function powerOfTwo(min: number, max: number): Parse<number> {
  const whole = wholeNumber(min, max);
  return (text) => {
    const value = whole(text);
    if (isPowerOfTwo(value)) return value;
    const below = 2 ** Math.floor(Math.log2(value));
    throw new ValueError(`must be a power of two, such as ${below} or ${below * 2}`);
  };
}

/** A number above 0, fractions allowed. */
export const positiveNumber: Parse<number> = (text) => {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && Number.isFinite(value)) return value;
  throw new ValueError("must be a number above 0");
};

/** One of a list of words. */
export function oneOf<T extends string>(words: readonly T[]): Parse<T> {
  return (text) => {
    if ((words as readonly string[]).includes(text)) return text as T;
    throw new ValueError(`must be one of ${words.join(", ")}`);
  };
}

/** A comma-separated list of words, without repetition, in the order given. */
export function listOf<T extends string>(words: readonly T[]): Parse<readonly T[]> {
  const one = oneOf(words);
  return (text) => [...new Set(text.split(",").map((word) => one(word.trim())))];
}

/** `true` and `false` in the spellings that environments and files use. */
export const truth: Parse<boolean> = (text) => {
  const word = text.toLowerCase();
  if (["true", "on", "yes", "1"].includes(word)) return true;
  if (["false", "off", "no", "0"].includes(word)) return false;
  throw new ValueError("must be true or false");
};

/** A size in a range of bytes. */
export function sizeBetween(min: number, max: number, range: string): Parse<number> {
  return (text) => {
    const bytes = parseSize(text);
    if (bytes >= min && bytes <= max) return bytes;
    throw new ValueError(`must be ${range}`);
  };
}

/** A time of at most `max` nanoseconds. */
export function timeUpTo(max: number, range: string): Parse<number> {
  return (text) => {
    const ns = parseTime(text);
    if (ns <= max) return ns;
    throw new ValueError(`must be ${range}`);
  };
}

/** Text that must not be empty. */
export const someText: Parse<string> = (text) => {
  if (text.trim() !== "") return text;
  throw new ValueError("must not be empty");
};

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}
