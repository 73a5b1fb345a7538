import { describe, expect, it } from "vitest";
import { Conversation, noise, sha256 } from "../../fixtures/conversation.js";
import { SYN } from "../../fixtures/frames.js";
import { counts, NATIVE, runsHere } from "./machine.js";
import { captureOf, madeCapture, replayed } from "./made.js";

const BODY = noise(5000, 11);
const NONE = new Uint8Array(0);
const WITH_SOCKETS = NATIVE.filter((name) => name !== "af-xdp");

/** A segment of each kind that TCP drops and counts under a name of its own. */
function refusals(): string {
  const talk = new Conversation({ timestamps: true }).open();
  talk.send("client", BODY.subarray(0, 1000));
  talk.segment("client", -1, NONE, { flags: SYN });
  talk.segment("client", 1000, BODY.subarray(1000, 1500), { tsval: 7 });
  talk.segment("client", 400, NONE, { tsval: 7 });
  talk.segment("client", 3000, BODY.subarray(3000, 3400));
  talk.segment("client", 2500, BODY.subarray(2500, 4000));
  talk.send("client", BODY.subarray(1000, 2500)).advance("client", 1500);
  talk.send("client", BODY.subarray(4000)).fin("client");
  return captureOf(talk.packets);
}

describe.each(WITH_SOCKETS)("drops that %s has counters of", (backend) => {
  const here = runsHere(backend);

  it.runIf(here && counts("PAWSOldAck"))("have the model's reasons", () => {
    const path = refusals();
    const [kernel, model] = [backend, "memory"].map((name) =>
      replayed(path, "--backend", name, "--streams"),
    );
    expect(kernel!.streams![0]).toMatchObject({ sha256: sha256(BODY), end: "fin" });
    expect(kernel!.drops).toEqual({
      TCP_INVALID_SYN: 1,
      TCP_OFOMERGE: 1,
      TCP_RFC7323_PAWS: 1,
      TCP_RFC7323_PAWS_ACK: 1,
    });
    expect(kernel!.drops).toEqual(model!.drops);
  });

  it.runIf(here && counts("BeyondWindow"))("tell what no window had room for", () => {
    const frames = 60;
    const path = madeCapture({ segmentBytes: 60_000, frames, flows: 1, seed: 12 });
    const args = ["--rcvbuf", "64KiB", "--read-delay", "200ms"];
    const { drops, tcp, deliveredBytes } = replayed(path, "--backend", backend, ...args);
    expect(tcp.BeyondWindow).toBeGreaterThan(0);
    expect(drops.TCP_INVALID_SEQUENCE).toBe(tcp.BeyondWindow);
    const refused = Object.values(drops).reduce<number>((sum, count) => sum + Number(count), 0);
    expect(Number(deliveredBytes) / 60_000 + refused).toBe(frames);
  });
});
