import type { VmSelftestDocument } from "../../replay/record/vm-selftest.js";
import { grid } from "./grid.js";
import type { Style } from "./style.js";

/** What the virtual NIC went through, a line a step, then the kernel's own reports. */
export function vmSelftestTable(document: VmSelftestDocument, style: Style): string {
  const { guest, steps, reports, complaints } = document;
  const verdict = (ok: boolean) => (ok ? style.green("ok") : style.red("! failed"));
  const failed = steps.filter(({ ok }) => !ok).length;
  const lines = [
    style.bold(`nmsim on ${guest.release}${guest.pinned ? "" : " (unpinned)"}`),
    "",
    grid(
      steps.map(({ name, ok }) => [name, verdict(ok)]),
      ["left", "left"],
    ),
    "",
    grid(
      reports.map(({ name, ok, text }) => [name, ok ? text : style.red(`! ${text}`)]),
      ["left", "left"],
    ),
    "",
    failed === 0
      ? style.green(`${steps.length} steps, all well`)
      : style.red(`! ${failed} of ${steps.length} steps failed`),
  ];
  for (const { name, detail } of steps.filter(({ ok }) => !ok)) {
    lines.push(`  ${name}`, `    ${detail}`);
  }
  for (const line of complaints) lines.push(style.red(`! guest kernel: ${line}`));
  return lines.join("\n");
}
