// Writes docs/parity.md: `netmem parity` of every capture named, or of all fixtures.
//
//   node scripts/parity-doc.mjs [CAPTURE...] [FOLDER...]
import { spawnSync } from "node:child_process";
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const RUN = join(ROOT, "bin/run.js");
const named = process.argv.slice(2);
const roots = named.length > 0 ? named : ["edge", "kernel"].map((f) => join(ROOT, "fixtures", f));
const captures = roots.flatMap((path) =>
  statSync(path).isDirectory()
    ? readdirSync(path)
        .filter((name) => /\.pcap(ng)?$/.test(name))
        .map((name) => join(path, name))
    : [path],
);

/** Runs a command of netmem and answers its one JSON document. */
function netmem(...args) {
  const { stdout } = spawnSync(process.execPath, [RUN, ...args, "--json"], { encoding: "utf8" });
  return JSON.parse(stdout);
}

const { machine } = netmem("doctor");
const counters = new Map();
const explained = new Map();
const rows = [];
const open = [];
for (const path of captures) {
  const document = netmem("parity", path);
  if (document.error !== undefined) {
    rows.push(`| ${basename(path)} | ${document.error.code} | | | |`);
    continue;
  }
  const { capture, streams, equal, bytes, differences } = document;
  const unknown = differences.filter((one) => one.explained === null);
  for (const { name, model, kernel } of document.counters) {
    const sum = counters.get(name) ?? { same: 0, differs: 0 };
    if (model === kernel) sum.same++;
    else sum.differs++;
    counters.set(name, sum);
  }
  for (const one of differences) if (one.explained !== null) explained.set(one.what, one.explained);
  const name = basename(path).replace(/^[0-9a-f]{16}-/, "");
  for (const one of unknown) open.push({ name, ...one });
  const cells = [name, capture.packets, `${equal} of ${streams}`, bytes.kernel, unknown.length];
  rows.push(`| ${cells.join(" | ")} |`);
}

const text = `# Parity of the model with Linux TCP

Made by \`node scripts/parity-doc.mjs\` on Linux ${machine.kernel} (${machine.arch}); do not edit.

Every capture goes through the model (provider page) and through the kernel's own TCP (backend
kernel-tcp), one packet at a time, read after each. Compared are, stream by stream, bytes, SHA-256
and end, and the TCP counters that both have.

| capture | packets | streams equal | bytes | differences not explained |
| --- | --- | --- | --- | --- |
${rows.join("\n")}

## Counters

Captures in which both sides count the same, and in which they do not.

| counter | the same | different |
| --- | --- | --- |
${[...counters]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([name, { same, differs }]) => `| ${name} | ${same} | ${differs} |`)
  .join("\n")}

## Differences that are explained

${[...explained].map(([name, why]) => `- **${name}**: ${why}.`).join("\n") || "None."}

## Differences that are not

${
  open
    .map(
      ({ name, kind, what, model, kernel, packet }) =>
        `- ${name}: ${kind} ${what}, model ${model}, kernel ${kernel}, ` +
        (packet === null ? "no packet to name" : `from packet ${packet} on`),
    )
    .join("\n") || "None."
}
`;
writeFileSync(join(ROOT, "docs/parity.md"), text);
