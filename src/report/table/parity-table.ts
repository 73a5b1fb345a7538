import type { ParityDocument } from "../../replay/record/parity.js";
import { grid } from "./grid.js";
import { grouped } from "./numbers.js";
import type { Style } from "./style.js";

/** A comparison of model and kernel: what is the same in a line, what is not one by one. */
export function parityTable(document: ParityDocument, style: Style): string {
  const { capture, streams, equal, bytes, differences, counters } = document;
  const same = equal === streams;
  const verdict = `${grouped(equal)} of ${grouped(streams)} streams equal`;
  const lines = [
    style.bold(capture.path),
    `${grouped(capture.packets)} packets, model ${grouped(bytes.model)} bytes, ` +
      `${document.backend} ${grouped(bytes.kernel)} bytes`,
    same ? style.green(verdict) : style.red(`! ${verdict}`),
  ];
  if (counters.length > 0) {
    const head = ["TCP counter", "model", document.backend].map((text) => style.bold(text));
    const rows = counters.map(({ name, model, kernel }) => [name, grouped(model), grouped(kernel)]);
    lines.push("", grid([head, ...rows], ["left", "right", "right"]));
  }
  if (differences.length > 0) {
    lines.push("", style.bold("differences"));
    for (const { kind, what, model, kernel, packet, explained } of differences) {
      const at = packet === null ? "" : `, from packet ${grouped(packet)} on`;
      lines.push(`  ${kind} ${what}${at}`, `    model ${model}, ${document.backend} ${kernel}`);
      if (explained !== null) lines.push(style.dim(`    ${explained}`));
    }
  }
  return lines.join("\n");
}
