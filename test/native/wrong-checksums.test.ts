import { describe, expect, it } from "vitest";
import { Conversation, noise, sha256 } from "../../fixtures/conversation.js";
import { ACK, FIN, PSH, RST, SYN } from "../../fixtures/frames.js";
import { NATIVE, runsHere } from "./machine.js";
import { captureOf, replayed } from "./made.js";

const BODY = noise(4000, 9);
/** Bytes that no stream ever had. */
const STRAY = noise(300, 10);
const V4 = { client: "10.9.0.1", server: "10.9.0.2" };
const WRONG = { badChecksum: true };
/** Where an IPv4 header has its checksum. */
const IP_CHECKSUM_AT = 11;

/** What begins, ends and resets a stream, all of it with a wrong checksum, among what is right. */
function misled(ends: { client: string; server: string }): string {
  const talk = new Conversation(ends);
  talk.segment("client", 7_000_000, new Uint8Array(0), { flags: SYN, ...WRONG });
  talk.segment("client", 900_000, STRAY, WRONG);
  talk.segment("client", 0, BODY.subarray(0, 1000));
  talk.segment("client", 1000, STRAY, { flags: ACK | PSH | FIN, ...WRONG });
  talk.segment("client", 1000, new Uint8Array(0), { flags: RST, ...WRONG });
  talk.segment("client", 2500, BODY.subarray(2500, 3000), WRONG);
  talk.segment("client", 1000, BODY.subarray(1000), { flags: ACK | PSH | FIN });
  return captureOf(talk.packets);
}

const families = [
  ["IPv4", V4],
  ["IPv4, loopback", { client: "127.0.0.1", server: "127.0.0.1" }],
  ["IPv6", { client: "2001:db8::1", server: "2001:db8::2" }],
] as const;

describe.each(["memory", ...NATIVE])("packets with wrong checksums, verified by %s", (backend) => {
  const here = backend === "memory" || runsHere(backend);
  const verified = (path: string) =>
    replayed(path, "--backend", backend, "--checksum", "verify", "--streams");

  it.runIf(here).each(families)("open and end no stream (%s)", (_, ends) => {
    const run = verified(misled(ends));
    expect(run.drops).toEqual({ TCP_CSUM: 5 });
    expect(run.streams).toHaveLength(2);
    const [row] = run.streams!.filter(({ bytes }) => Number(bytes) > 0);
    expect(row).toMatchObject({ bytes: BODY.length, sha256: sha256(BODY), end: "fin" });
  });

  it.runIf(here)("open no connection of their own", () => {
    const talk = new Conversation(V4).segment("client", 0, STRAY, WRONG);
    const other = new Conversation({ ...V4, sport: 40001 }).segment("client", 0, BODY);
    const run = verified(captureOf([...talk.packets, ...other.packets]));
    expect(run.drops).toEqual({ TCP_CSUM: 1 });
    expect(run.deliveredBytes).toBe(BODY.length);
    expect(run.streams!.map(({ sport }) => sport).sort()).toEqual([40001, 80]);
  });

  it.runIf(here)("tell of a wrong IPv4 header as of one", () => {
    const talk = new Conversation(V4);
    talk.segment("client", 0, STRAY).segment("client", 500, BODY);
    talk.packets[0]![IP_CHECKSUM_AT]! ^= 1;
    const run = verified(captureOf(talk.packets));
    expect(run.drops).toEqual({ IP_CSUM: 1 });
    expect(run.streams![0]).toMatchObject({ bytes: BODY.length, sha256: sha256(BODY) });
  });
});
