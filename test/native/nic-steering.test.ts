import { afterEach, describe, expect, it, vi } from "vitest";

/** What was done to the ports, in order. */
const done = vi.hoisted(() => [] as string[]);
/** The RSS indirection table of the port under test; null where it has one queue. */
const rss = vi.hoisted(() => ({ table: null as number[] | null }));

vi.mock("../../src/engine/backend/net/ethtool.js", async () => {
  const { SystemError } = await import("../../src/engine/backend/ffi/errno.js");
  const indirection = (name: string) => {
    if (rss.table === null) throw new SystemError(`ETHTOOL_GRXFHINDIR ${name}`, 95);
    return [...rss.table];
  };
  const setIndirection = (name: string, queues: readonly number[]) => {
    rss.table = [...queues];
    done.push(`${name} -> ${queues}`);
  };
  const steerAllTo = (name: string, queue: number) =>
    setIndirection(
      name,
      indirection(name).map(() => queue),
    );
  return { indirection, setIndirection, steerAllTo };
});
vi.mock("../../src/engine/backend/net/borrow.js", () => ({
  BorrowedInterfaces: class {
    giveBack = () => done.push("ports go home");
  },
}));
vi.mock("../../src/engine/backend/net/device.js", () => ({
  interfaceIndex: () => 7,
  isRunning: () => true,
  setUp: () => {},
  mtuOf: () => 1500,
  setMtu: () => done.push("mtu"),
}));
vi.mock("../../src/engine/backend/af-xdp/xdp-wire.js", () => ({
  XdpAttachment: class {
    map = 3;
    close = () => done.push("program leaves");
  },
}));
/** Whether the peer can be bound to. */
const peer = vi.hoisted(() => ({ there: true }));
vi.mock("../../src/engine/backend/net/packet-socket.js", () => ({
  openPacketSocket: () => 1 << 20,
  bindPacketSocket: () => {
    if (!peer.there) throw new Error("no such peer");
  },
}));
vi.mock("../../src/engine/backend/ffi/libc.js", () => ({
  libc: () => ({ close: () => done.push("socket closes") }),
}));

const { NicWire } = await import("../../src/engine/backend/af-xdp/nic-wire.js");

const LINK = { interface: "rx0", peer: "tx0", queue: 2, nodev: false };

describe("a NIC port that af-xdp is lent", () => {
  afterEach(() => {
    done.length = 0;
    peer.there = true;
  });

  it("sends all flows to the queue, and as before when it goes home", () => {
    rss.table = [0, 1, 2, 3, 0, 1, 2, 3];
    const wire = new NicWire(LINK);
    expect(rss.table).toEqual(Array(8).fill(2));
    wire.close();
    wire.close();
    expect(done).toEqual([
      "rx0 -> 2,2,2,2,2,2,2,2",
      "socket closes",
      "rx0 -> 0,1,2,3,0,1,2,3",
      "program leaves",
      "ports go home",
    ]);
  });

  it("has its flows as before where the wire cannot be opened", () => {
    rss.table = [3, 2, 1, 0];
    peer.there = false;
    expect(() => new NicWire(LINK)).toThrow("no such peer");
    expect(rss.table).toEqual([3, 2, 1, 0]);
    expect(done.at(-1)).toBe("ports go home");
  });

  it("with one queue has nothing to steer and nothing to put back", () => {
    rss.table = null;
    new NicWire({ ...LINK, queue: 0 }).close();
    expect(done).toEqual(["socket closes", "program leaves", "ports go home"]);
    expect(() => new NicWire(LINK)).toThrow(/cannot be steered to queue 2 of rx0/);
  });
});
