import { describe, expect, it } from "vitest";
import type { NativeBackend } from "../../../src/engine/backend/backend.js";
import { REAL_KINDS } from "../../../src/engine/fault/kinds.js";
import { RealDirector } from "../../../src/engine/fault/real-director.js";
import { PacketBatch } from "../../../src/engine/wire/packet-batch.js";
import { parseFaults } from "../../../src/replay/plan/fault-grammar.js";

/** A backend that notes what it is given, and whose parts note what is done to them. */
class Noted {
  readonly notes: string[] = [];
  readonly application = {
    hung: false,
    spoiled: { duplicateToken: 0 },
    outstanding: () => 3,
    unbind: (how: string) => {
      this.notes.push(how);
      return how === "terminate" ? "refused with -EOPNOTSUPP" : "";
    },
    rebind: () => "",
  };
  readonly device = {
    inflight: () => 9,
    detached: () => 1,
    setLink: (up: boolean) => {
      this.notes.push(up ? "up" : "down");
      return "";
    },
    restartQueue: (queue: number) => {
      this.notes.push(`restart ${queue}`);
      return "";
    },
  };
  readonly upsettable = {
    application: this.application,
    device: this.device,
    closeSockets: (row: number) => this.notes.push(`close ${row}`),
    crash: () => this.notes.push("crash"),
  };

  ingest(batch: PacketBatch): void {
    this.notes.push(`${batch.count} packets`);
  }
}

function played(faults: string, ...batches: number[]) {
  const backend = new Noted();
  const director = new RealDirector(backend as unknown as NativeBackend, parseFaults(faults));
  for (const count of batches) {
    const batch = new PacketBatch();
    batch.count = count;
    director.ingest(batch);
  }
  return { ...backend, director };
}

describe("faults of a real provider", () => {
  it("happen between the packets that they are about, across batches", () => {
    const { notes } = played("link-down@1,link-up@3,queue-restart@8,queue=1", 4, 6);
    expect(notes).toEqual([
      "down",
      "2 packets",
      "up",
      "2 packets",
      "3 packets",
      "restart 1",
      "3 packets",
    ]);
  });

  it("of one packet happen in the plan's order, and each once", () => {
    const { notes, director } = played("netlink-close@2,rebind@2,link-down@2", 3, 3);
    expect(notes).toEqual(["1 packets", "netlink-close", "down", "2 packets", "3 packets"]);
    expect(director.events.map(({ packet }) => packet)).toEqual([2, 2, 2]);
  });

  it("tell what they came to, as the model's do", () => {
    const { director, application } = played("look@1,terminate@2,duplicate-token@2,app-hang@3", 4);
    const effects = director.events.map(({ effect }) => effect);
    expect(effects).toEqual([
      "3 netmems out, 9 in flight, 1 pool detached",
      "refused with -EOPNOTSUPP",
      "",
      "",
    ]);
    expect(application).toMatchObject({ hung: true, spoiled: { duplicateToken: 1 } });
  });

  it("have no effect on a provider without the interface", () => {
    const { director } = played("duplicate-rqe@1", 2);
    expect(director.events[0]!.effect).toBe("no effect with this provider");
  });

  it("that the capture ended before are told", () => {
    const { director } = played("app-crash@9", 3);
    expect(director.events).toEqual([]);
    expect(director.missed).toEqual([
      "fault app-crash@9 did not happen: the capture ended before it",
    ]);
  });

  it("are all known to the director", () => {
    for (const kind of REAL_KINDS) {
      expect(played(`${kind}@1`, 2).director.events).toHaveLength(1);
    }
  });
});
