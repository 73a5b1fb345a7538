import type { DoctorDocument } from "../../replay/record/doctor.js";
import type { Style } from "./style.js";

const NAME_COLUMNS = 22;

/** What a machine can do: the backends first, then every row, each with what is missing. */
export function doctorTable(document: DoctorDocument, style: Style): string {
  const { machine } = document;
  const who = machine.as === "user namespace" ? "in a user namespace" : `as ${machine.as}`;
  const head = `Linux ${machine.kernel} ${machine.arch}, Node ${machine.node}, ${who}`;
  const mark = (available: boolean) => (available ? style.green("yes") : style.red("no "));
  const backends = document.backends.map(({ backend, available, missing }) => {
    const why = available ? "" : `  needs ${missing.join(", ")}`;
    return `  ${mark(available)}  ${backend.padEnd(NAME_COLUMNS)}${why}`.trimEnd();
  });
  const rows = document.rows.flatMap(({ capability, available, detail, remedy }) => [
    `  ${mark(available)}  ${capability.padEnd(NAME_COLUMNS)}  ${detail}`,
    ...(remedy === null ? [] : [style.dim(`       to get it: ${remedy}`)]),
  ]);
  return [
    style.bold(head),
    "",
    style.bold("backends"),
    ...backends,
    "",
    style.bold("capabilities, tried one by one"),
    ...rows,
  ].join("\n");
}
