import type { JsonNumber } from "../../replay/record/json-number.js";
import type {
  NetmemLife,
  PlacedPacket,
  TraceActor,
  TraceCounts,
  TraceDocument,
  TraceTransition,
} from "../../replay/record/trace.js";
import { type Alignment, grid } from "./grid.js";
import { counted, grouped } from "./numbers.js";
import type { Style } from "./style.js";

const HEAD = ["seconds", "by", "how", "state", "driver", "skb", "user", "pp_ref"];
const ALIGNED: readonly Alignment[] = [
  "right",
  "left",
  "left",
  "left",
  "right",
  "right",
  "right",
  "right",
];

/**
 * A trace for people, within 80 columns: for each netmem a row a transition, with counts as they
 * became (`1>0` where they changed), and below all what the letters mean.
 */
export function traceTable(document: TraceDocument, style: Style): string {
  const { capture, lives, packet } = document;
  const blocks = [
    [
      style.bold(capture.path),
      `${counted(capture.packets, "packet")}, ${document.provider}, ` +
        `netmems 0 to ${grouped(document.areaNetmems - 1)} its area` +
        (document.allNetmems > document.areaNetmems
          ? `, to ${grouped(document.allNetmems - 1)} system pages`
          : ""),
    ].join("\n"),
    ...(packet === null ? [] : [packetBlock(packet, style)]),
    ...(document.violation === null ? [] : [style.red(`! ${brief(document.violation)}`)]),
    ...(document.subject === "leaked" ? [leakLine(document, style)] : []),
    ...lives.map((life) => lifeBlock(life, packet, style)),
    legend(lives, style),
    style.dim(document.reproduce),
  ];
  return blocks.filter((block) => block !== "").join("\n\n");
}

/** A broken rule without the story behind it, which the table tells. */
function brief(violation: string): string {
  return violation.split("; ")[0]!;
}

function packetBlock(packet: PlacedPacket, style: Style): string {
  const { capturedBytes, queue, placed, dropped, ownHeadBytes } = packet;
  const head = `packet ${grouped(packet.packet)} of ${counted(capturedBytes, "byte")} arrived at `;
  const lines = [`${head}${seconds(packet.arrivalNs)} s on queue ${queue}`];
  if (dropped !== null) lines.push(style.red(`! dropped by the NIC: ${dropped}`));
  if (ownHeadBytes > 0) {
    lines.push(`  ${counted(ownHeadBytes, "header byte")} in a head beside the netmems`);
  }
  for (const { netmem, offset, headBytes, payloadBytes } of placed) {
    const parts = [
      ...(headBytes > 0 ? [counted(headBytes, "header byte")] : []),
      ...(payloadBytes > 0 ? [counted(payloadBytes, "payload byte")] : []),
    ];
    lines.push(`  netmem ${netmem}, from byte ${offset}: ${parts.join(", ")}`);
  }
  return lines.join("\n");
}

function leakLine({ leaked, lives }: TraceDocument, style: Style): string {
  if (Number(leaked) === 0) return style.green("nothing leaked");
  const shown = lives.length < Number(leaked) ? `, ${grouped(lives.length)} of them shown` : "";
  return style.red(`! ${counted(leaked, "netmem")} leaked${shown}`);
}

function lifeBlock(life: NetmemLife, packet: PlacedPacket | null, style: Style): string {
  const { netmem, memory, owner, state, earlier, transitions } = life;
  const where = memory === "area" ? "provider area" : "system page";
  const held = owner === null || owner.startsWith("pool") ? "" : `, held by ${owner}`;
  const title = `netmem ${netmem} (${where}): ${state}${held} at the end`;
  if (transitions.length === 0) return `${style.bold(title)}\n  no transition`;
  const rows = transitions.map((transition) => row(transition));
  if (packet !== null) {
    const behind = transitions.findIndex(({ timeNs }) => isAfter(timeNs, packet.arrivalNs));
    const arrival = [seconds(packet.arrivalNs), "NIC", "", `packet ${packet.packet}`];
    const blanks = HEAD.slice(arrival.length).map(() => "");
    rows.splice(behind < 0 ? rows.length : behind, 0, [...arrival, ...blanks]);
  }
  return [
    style.bold(title),
    ...(earlier > 0
      ? [style.dim(`${counted(earlier, "earlier transition")} not shown (--last)`)]
      : []),
    grid([HEAD.map((text) => style.dim(text)), ...rows], ALIGNED),
  ].join("\n");
}

function row({ timeNs, actor, transition, to, before, after }: TraceTransition): string[] {
  const change = (of: (counts: TraceCounts) => number) =>
    of(before) === of(after) ? String(of(after)) : `${of(before)}>${of(after)}`;
  return [
    seconds(timeNs),
    actorName(actor),
    code(transition),
    to,
    change((counts) => counts.driver),
    change((counts) => counts.skb),
    change((counts) => counts.user),
    change((counts) => counts.ppRefCount),
  ];
}

function isAfter(timeNs: JsonNumber, otherNs: JsonNumber): boolean {
  return BigInt(timeNs) > BigInt(otherNs);
}

function actorName({ kind, index }: TraceActor): string {
  const name = kind === "napi" ? "NAPI" : kind;
  return index === null ? name : `${name} ${index}`;
}

/** `T4` of `T4 driver to skb`. */
function code(transition: string): string {
  return transition.split(" ")[0]!;
}

/** What the letters are, and the functions of those who are no NAPI and no thread. */
function legend(lives: readonly NetmemLife[], style: Style): string {
  const all = lives.flatMap(({ transitions }) => transitions);
  if (all.length === 0) return "";
  const names = [...new Set(all.map(({ transition }) => transition))].sort();
  const calls = all.flatMap(({ actor }) =>
    actor.call === null ? [] : [`${actorName(actor)}: ${actor.call}`],
  );
  return [
    ...names.map((name) => style.dim(`  ${name}`)),
    ...[...new Set(calls)].sort().map((call) => style.dim(`  ${call}`)),
  ].join("\n");
}

/** Model time in seconds with all its nanoseconds: `0.001500000`. */
function seconds(timeNs: JsonNumber): string {
  const digits = String(timeNs).padStart(10, "0");
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`;
}
