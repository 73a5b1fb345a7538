import { PROVIDERS, type ProviderName } from "./replay-config.js";
import { ValueError } from "./value-error.js";
import type { Parse } from "./values.js";

/** Whether a word of `--provider` is the path of a module and not a name. */
export function isModulePath(word: string): boolean {
  return /[/\\]|\.[cm]?js$/.test(word);
}

/** `--provider`: names of providers and paths of modules, each once, in the order given. */
export const providerList: Parse<readonly string[]> = (text) => {
  const words = [...new Set(text.split(",").map((word) => word.trim()))];
  for (const word of words) {
    if (isModulePath(word) || PROVIDERS.includes(word as ProviderName)) continue;
    throw new ValueError(`must be one of ${PROVIDERS.join(", ")}, or the path of a module`);
  }
  return words;
};
