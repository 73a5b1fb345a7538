import { libc } from "../ffi/libc.js";
import { MAP_SHARED, Mapping, PROT_READ } from "../ffi/memory.js";
import { Direction, type Endpoint } from "../flows/direction.js";
import { TunInjector } from "../inject/tun.js";
import { openPacketSocket } from "../net/packet-socket.js";
import { openTun } from "../net/tun.js";
import { createVeth, deleteLink } from "../net/veth.js";
import { closeSilently, openRepaired } from "../sockets/repaired.js";
import { IFF_NO_PI, IFF_TAP } from "../sys/device.js";
import type { Probe } from "./row.js";

function endpoint(last: number): Endpoint {
  const address = Uint8Array.of(127, 0, 0, last);
  return { address, port: last, wireAddress: address, wirePort: last };
}

/** Opens a socket in mid-connection, lets `use` have it, and closes it. */
function withSocket(use: (fd: number) => string): string {
  const direction = new Direction(0, endpoint(1), endpoint(2));
  direction.begin(1000);
  const fd = openRepaired(direction, "auto");
  try {
    return use(fd);
  } finally {
    closeSilently(fd);
  }
}

/** Probes that need a fresh network namespace, and are run in one. */
export const NETWORK_PROBES: readonly Probe[] = [
  {
    capability: "tun",
    remedy: "use a kernel with CONFIG_TUN",
    run() {
      libc().close(openTun("nmdoc0", IFF_TAP | IFF_NO_PI));
      const tun = new TunInjector();
      tun.close();
      return "TUN and TAP interfaces can be made";
    },
  },
  {
    capability: "veth",
    remedy: "use a kernel with CONFIG_VETH",
    run() {
      createVeth("nmdoc0", "nmdoc1", 1500);
      deleteLink("nmdoc0");
      return "a pair was made and taken away";
    },
  },
  {
    capability: "packet-ring",
    remedy: "use a kernel with CONFIG_PACKET",
    run() {
      libc().close(openPacketSocket());
      return "packet sockets can be opened";
    },
  },
  {
    capability: "tcp-repair",
    remedy: "use a kernel with CONFIG_CHECKPOINT_RESTORE, and CAP_NET_ADMIN in the namespace",
    run: () => withSocket(() => "a socket was put into ESTABLISHED at a chosen sequence number"),
  },
  {
    capability: "tcp-zerocopy-receive",
    remedy: "use a kernel from 4.18 on with CONFIG_MMU",
    run: () =>
      withSocket((fd) => {
        new Mapping({ bytes: 65536, protection: PROT_READ, flags: MAP_SHARED, fd }).release();
        return "a TCP socket can be mapped";
      }),
  },
];
