import type { VmParityDocument } from "../../replay/record/vm-parity.js";
import { grid } from "./grid.js";
import type { Style } from "./style.js";
import { wrapped } from "./wrapped.js";

/** Columns of a line. */
const WIDTH = 80;

/** A comparison of model and guest: a line a scenario, then every difference. */
export function vmParityTable(document: VmParityDocument, style: Style): string {
  const { capture, provider, guest, checks, unexplained, complaints } = document;
  const scenarios = [...new Set(checks.map(({ scenario }) => scenario))];
  const rows = scenarios.map((scenario) => {
    const own = checks.filter((check) => check.scenario === scenario);
    const differing = own.filter(({ same }) => !same);
    const open = differing.filter(({ explained }) => explained === null).length;
    const verdict =
      differing.length === 0
        ? style.green("equal")
        : open === 0
          ? "explained"
          : style.red(`! ${open} differ`);
    return [scenario, String(own.length), verdict];
  });
  const head = ["scenario", "checks", "model and guest"].map((text) => style.bold(text));
  const verdict =
    unexplained === 0
      ? style.green("no unexplained difference")
      : style.red(`! ${unexplained} unexplained differences`);
  const lines = [
    style.bold(capture),
    `${provider}: the model against ${guest.release}${guest.pinned ? "" : " (unpinned)"}`,
    "",
    grid([head, ...rows], ["left", "right", "left"]),
    "",
    verdict,
  ];
  for (const { scenario, what, model, guest: there, same, explained } of checks) {
    if (same) continue;
    lines.push(`  ${scenario}: ${what}`, `    model ${model}, guest ${there}`);
    if (explained === null) continue;
    lines.push(...wrapped(explained, WIDTH - 4).map((line) => style.dim(`    ${line}`)));
  }
  for (const line of complaints) lines.push(style.red(`! guest kernel: ${line}`));
  return lines.join("\n");
}
