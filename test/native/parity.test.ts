import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { Conversation, noise } from "../../fixtures/conversation.js";
import { ACK, FIN, SYN } from "../../fixtures/frames.js";
import type { ParityDocument } from "../../src/replay/record/parity.js";
import { runCli } from "../golden/run-cli.js";
import { runsHere } from "./machine.js";
import { captureOf } from "./made.js";

const cases = [
  "edge/fast_open",
  "edge/fragments_twice",
  "edge/refused_options",
  "kernel/loss_reorder",
  "kernel/http6",
  "edge/overlap_in_order",
  "edge/syn_again",
  "edge/late_syn_under_overlap",
];

const BODY = noise(4000, 9);
/** Segments of the client, by their first and last byte, in order of arrival. */
type Segments = ReadonlyArray<readonly [from: number, to: number]>;

function segments(talk: Conversation, pieces: Segments): Conversation {
  for (const [from, to] of pieces) talk.segment("client", from, BODY.subarray(from, to));
  return talk;
}

/** What parity finds, and which counts are the same. */
function compared({ packets }: Conversation, gapMs = 1) {
  const { stdout, code } = runCli(["parity", "--json", captureOf(packets, { gapMs })]);
  const { differences, counters } = JSON.parse(stdout) as ParityDocument;
  const same = counters.filter(({ model, kernel }) => model === kernel);
  const counts = Object.fromEntries(same.map(({ name, model }) => [name, model]));
  const open = differences.filter(({ explained }) => explained === null);
  return { code, open, counts, differences };
}

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

  it.each<[string, Segments]>([
    [
      "joined over a later one",
      [
        [0, 10],
        [240, 241],
        [243, 391],
        [241, 291],
        [10, 240],
      ],
    ],
    [
      "again behind its joined neighbour",
      [
        [0, 9],
        [60, 90],
        [30, 60],
        [20, 30],
        [60, 90],
        [9, 20],
      ],
    ],
  ])("agree on what is not merged out of order: %s", (_, pieces) => {
    const { open, counts } = compared(segments(new Conversation().open(), pieces));
    expect(open).toEqual([]);
    expect(counts.TCPOFOQueue).toBe(pieces.length - 2);
    expect(counts.TCPDSACKOfoSent ?? 0).toBe(0);
  });

  it.runIf(runsHere("kernel-tcp-mmap"))("agree on what is merged where coalescing decides", () => {
    // Too long for the room behind the first one's bytes in its head: two nodes, behind TUN.
    const pieces: Segments = [
      [0, 10],
      [1000, 1050],
      [1050, 2500],
      [900, 1050],
    ];
    const { open, differences } = compared(segments(new Conversation().open(), pieces));
    expect(open).toEqual([]);
    const merged = differences.find(({ what }) => what === "TCPOFOMerge");
    expect(merged).toMatchObject({ model: 0, kernel: 1 });
    expect(merged!.explained).toContain("through veth");
  });

  it("know challenge ACKs that a clock held back", () => {
    const talk = segments(new Conversation().open(), [[0, 100]]);
    // In the window, but not at its edge; the second one late enough by the capture's clock.
    talk.rst("client", 150).rst("client", 160);
    const { open, differences } = compared(talk, 600);
    expect(open).toEqual([]);
    const sent = differences.find(({ what }) => what === "TCPChallengeACK");
    expect(sent).toMatchObject({ model: 2, kernel: 1 });
    expect(sent!.explained).toContain("tcp_invalid_ratelimit");
  });

  it.each<[string, (talk: Conversation) => Conversation]>([
    [
      "a SYN in the middle, behind it data again and anew",
      (talk) => {
        segments(talk, [[0, 100]]).segment("client", 16, BODY.subarray(0, 0), { flags: SYN });
        return segments(talk, [
          [100, 200],
          [100, 200],
          [200, 250],
          [300, 400],
        ]);
      },
    ],
    [
      "a SYN again behind data out of order",
      (talk) => {
        segments(talk, [[100, 200]]).segment("client", -1, BODY.subarray(0, 0), { flags: SYN });
        return segments(talk, [[0, 100]]);
      },
    ],
    [
      "a FIN before what came already",
      (talk) => {
        segments(talk, [[0, 500]]).segment("client", 0, BODY.subarray(0, 0), { flags: FIN | ACK });
        return segments(talk, [
          [600, 900],
          [500, 600],
        ])
          .advance("client", 900)
          .fin("client");
      },
    ],
    [
      "a late SYN without a byte less",
      (talk) => {
        talk.packets.length = 0;
        segments(talk, [[40, 100]]).segment("client", -1, BODY.subarray(0, 0), { flags: SYN });
        return segments(talk, [[100, 200]]);
      },
    ],
    [
      "a signature of which nobody has the key",
      (talk) => {
        const options = [1, 1, 19, 18, ...noise(16, 2)];
        talk.segment("client", 0, BODY.subarray(0, 100), { options });
        return segments(talk, [[100, 200]])
          .advance("client", 200)
          .close();
      },
    ],
    [
      "a hole that an old timestamp made",
      (talk) => {
        segments(talk, [[0, 100]]);
        talk.segment("client", 100, BODY.subarray(100, 110), { tsval: 1 });
        return segments(talk, [[110, 137]]);
      },
    ],
  ])("agree on %s", (_, write) => {
    const { code, open } = compared(write(new Conversation({ timestamps: true }).open()));
    expect([code, open]).toEqual([0, []]);
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
