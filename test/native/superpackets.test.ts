import { describe, expect, it } from "vitest";
import { Conversation, noise, sha256 } from "../../fixtures/conversation.js";
import { ACK, FIN, ipv4, jumbogram, PROTO_TCP, PSH } from "../../fixtures/frames.js";
import type { ParityDocument } from "../../src/replay/record/parity.js";
import { runCli } from "../golden/run-cli.js";
import { runsHere } from "./machine.js";
import { captureOf, replayed } from "./made.js";

const V6 = { client: "2001:db8::1", server: "2001:db8::2" };
const V4 = { client: "10.9.0.1", server: "10.9.0.2" };
const BODY = noise(255_000, 5);

/** A segment that no ordinary packet can hold: what GRO and GSO make (BIG TCP). */
function big(talk: Conversation, from: number, to: number, flags = ACK, badChecksum = false): void {
  const payload = talk.tcp("client", from, BODY.subarray(from, to), { flags, badChecksum });
  const { src, dst } = talk.addresses("client");
  const of = { src, dst, protocol: PROTO_TCP, payload };
  const datagram = src.includes(":") ? jumbogram(of) : ipv4(of);
  // Neither family has a length field that is wide enough.
  if (!src.includes(":")) datagram.set([0, 0], 2);
  talk.packets.push(datagram);
}

/** Superpackets in order, ahead of their turn, over each other, and with a FIN. */
function superpackets(ends: { client: string; server: string }, timestamps: boolean): string {
  const talk = new Conversation({ ...ends, timestamps }).open();
  big(talk, 1000, 90_000);
  talk.send("client", BODY.subarray(0, 1000));
  big(talk, 50_000, 120_000, ACK | PSH);
  big(talk, 120_000, BODY.length, ACK | PSH | FIN);
  talk.advance("client", BODY.length + 1 - 1000).ack("server");
  return captureOf(talk.packets);
}

const families = [
  ["IPv6", V6, false],
  ["IPv6", V6, true],
  ["IPv4", V4, true],
] as const;

for (const backend of ["kernel-tcp", "kernel-tcp-mmap", "kernel-page-pool", "af-xdp"]) {
  describe.runIf(runsHere(backend))(`superpackets beyond 64 KiB through ${backend}`, () => {
    it.each(families)("arrive whole over %s (%j, timestamps %s)", (_, ends, timestamps) => {
      const path = superpackets(ends, timestamps);
      const [row] = replayed(path, "--backend", backend, "--streams").streams!;
      expect(row).toMatchObject({ bytes: BODY.length, sha256: sha256(BODY), end: "fin" });
    });

    it("are dropped where checksums are verified and theirs are wrong", () => {
      const talk = new Conversation(V6).open();
      big(talk, 0, 70_000, ACK, true);
      big(talk, 0, 70_000);
      const path = captureOf(talk.packets);
      const run = replayed(path, "--backend", backend, "--streams", "--checksum", "verify");
      // As many as there are parts.
      expect(run.drops).toEqual({ TCP_CSUM: 2 });
      expect(run.streams![0]).toMatchObject({ bytes: 70_000 });
    });

    it("are taken where the capture cut them, checksums verified or not", () => {
      const talk = new Conversation(V6).open();
      big(talk, 0, 100_000);
      const path = captureOf(talk.packets, { snaplen: 5000 });
      for (const checksum of ["trust", "verify"]) {
        const run = replayed(path, "--backend", backend, "--streams", "--checksum", checksum);
        const held = 5000 - 14 - 40 - 8 - 20;
        expect(run.streams![0]).toMatchObject({
          bytes: held,
          sha256: sha256(BODY.subarray(0, held)),
        });
      }
    });
  });
}

describe.runIf(runsHere("kernel-tcp"))("superpackets beyond 64 KiB", () => {
  it("have the same bytes and end in the model as in the kernel", () => {
    const { stdout, code } = runCli(["parity", "--json", superpackets(V6, true)]);
    const { equal, differences } = JSON.parse(stdout) as ParityDocument;
    expect([code, equal]).toEqual([0, 2]);
    expect(differences.filter(({ kind }) => kind !== "counter")).toEqual([]);
  });

  it("are refused by both where a jumbo payload length is none", () => {
    const talk = new Conversation(V6).open();
    const { src, dst } = talk.addresses("client");
    const payload = talk.tcp("client", 0, BODY.subarray(0, 1000));
    talk.packets.push(jumbogram({ src, dst, protocol: PROTO_TCP, payload }));
    talk.ack("server");
    const { stdout, code } = runCli(["parity", "--json", captureOf(talk.packets)]);
    const { bytes, differences } = JSON.parse(stdout) as ParityDocument;
    expect([code, bytes, differences]).toEqual([0, { model: 0, kernel: 0 }, []]);
  });
});
