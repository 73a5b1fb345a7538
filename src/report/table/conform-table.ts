import type {
  ClauseVerdict,
  ConformDocument,
  Counterexample,
  ProviderVerdict,
} from "../../replay/record/conform-document.js";
import { grid } from "./grid.js";
import { counted, grouped, humanBytes } from "./numbers.js";
import type { Style } from "./style.js";

/** The verdicts on provider modules as a person reads them, 80 columns wide. */
export function conformTable(document: ConformDocument, style: Style): string {
  return document.providers
    .map((provider) => providerLines(provider, document, style).join("\n"))
    .join("\n\n");
}

function providerLines(
  provider: ProviderVerdict,
  { contract, seed }: ConformDocument,
  style: Style,
): string[] {
  const { path, name, conforms, clauses, suites } = provider;
  const who = name === null ? path : `${name} (${path})`;
  const failed = clauses.filter(({ verdict }) => verdict === "fail");
  const runs = suites.reduce((sum, tally) => sum + tally.runs, 0);
  const operations = suites.reduce((sum, tally) => sum + tally.operations, 0);
  const sum = `${grouped(runs)} runs, ${grouped(operations)} operations, seed ${seed}`;
  const verdict = conforms
    ? style.green(`conforms to provider contract ${contract}`)
    : style.red(`does not conform: ${failed.map(({ clause }) => clause).join(", ")}`);
  const rows = clauses.map((each) => [`  ${each.clause}`, mark(each, style), each.text]);
  const lines = [
    `${style.bold("conform")} ${who}`,
    "",
    grid(rows, ["left", "left", "left"]),
    "",
    `${verdict}; ${sum}`,
  ];
  for (const { clause, counterexample } of failed) {
    lines.push("", ...exampleLines(clause, counterexample!, style));
  }
  return lines;
}

function mark({ verdict }: ClauseVerdict, style: Style): string {
  if (verdict === "pass") return style.green("pass");
  return verdict === "fail" ? style.red("FAIL") : style.yellow("untested");
}

function exampleLines(clause: string, found: Counterexample, style: Style): string[] {
  const { suite, message, netmems, netmemBytes, seed, steps } = found;
  const lines = [`${style.bold(clause)} broken in ${suite}`, style.red(`  ${message}`)];
  if (steps.length === 0) return lines;
  const of = seed === null ? "" : `, shrunk from seed ${seed}`;
  const area = `area of ${counted(netmems, "netmem")} of ${humanBytes(netmemBytes)}${of}`;
  const rows = steps.map((step, i) => [`  ${i + 1}`, step]);
  return [...lines, `  ${area}`, grid(rows, ["right", "left"])];
}
