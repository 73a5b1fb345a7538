import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { ParityDocument } from "../../src/replay/record/parity.js";
import { runCli } from "../golden/run-cli.js";
import { runsHere } from "./machine.js";

const cases = [
  "edge/fast_open",
  "edge/fragments_twice",
  "edge/refused_options",
  "kernel/loss_reorder",
  "kernel/http6",
  "edge/overlap_in_order",
  "edge/syn_again",
];

describe.runIf(runsHere("kernel-tcp"))("model and kernel", () => {
  it("are compared as the help says", () => {
    const { stdout } = runCli(["parity", "--help"]);
    const help = stdout.slice(stdout.indexOf("EXAMPLES")).replace(/ \\\n\s*/g, " ");
    const all = [...help.matchAll(/^\s*\$ netmem (.*)$/gm)].map((match) => match[1]!);
    // The one in a guest takes minutes; .ci/run compares in a guest.
    const examples = all.filter((example) => !example.includes("--vm"));
    expect(examples.length).toBeGreaterThanOrEqual(2);
    const path = fileURLToPath(new URL("../../fixtures/kernel/http4.pcap", import.meta.url));
    for (const example of examples) {
      const args = example.split(" ").map((word) => (word === "capture.pcap" ? path : word));
      expect(runCli(args)).toMatchObject({ code: 0, stderr: "" });
    }
  });

  it.runIf(runsHere("kernel-tcp-mmap"))("agree where coalescing decides whose bytes count", () => {
    const path = fileURLToPath(
      new URL("../../fixtures/edge/overlap_coalesced.pcap", import.meta.url),
    );
    const { stdout, code } = runCli(["parity", "--json", path]);
    const { equal, streams, differences } = JSON.parse(stdout) as ParityDocument;
    expect([code, equal]).toEqual([0, streams]);
    const digest = differences.find(({ kind }) => kind === "digest");
    expect(digest?.explained).toContain("coalesced");
  });

  it.each(cases)("agree on %s, counters too", (name) => {
    const path = fileURLToPath(new URL(`../../fixtures/${name}.pcap`, import.meta.url));
    const { stdout, code } = runCli(["parity", "--json", path]);
    const document = JSON.parse(stdout) as ParityDocument;
    expect([code, document.equal]).toEqual([0, document.streams]);
    expect(document.streams).toBeGreaterThan(0);
    expect(document.differences.filter(({ explained }) => explained === null)).toEqual([]);
  });
});
