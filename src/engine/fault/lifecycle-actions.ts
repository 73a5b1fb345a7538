import type { Lifecycle } from "../lifecycle/lifecycle.js";
import { ERRNO, errnoName } from "../provider/provider.js";
import type { FaultAction, FaultScene } from "./actions.js";
import { counted } from "./fault-log.js";
import type { LifecycleKind } from "./kinds.js";

/** What the kernel answered, in words; nothing where it did as it was told. */
function answered(errno: number): string {
  return errno === 0 ? "" : `refused with ${errnoName(errno)}`;
}

/** A verb of a provider that the run may not have. */
function ofProvider(
  provider: "devmem" | "zcrx",
  verb: (lifecycle: Lifecycle, args: Readonly<Record<string, number>>) => number,
): FaultAction {
  const object = provider === "devmem" ? "binding" : "instance";
  return ({ path }, args) => {
    const here = path.binding.control?.kind === provider;
    return here ? answered(verb(path.lifecycle, args)) : `no effect: no ${provider} ${object}`;
  };
}

/** A verb about one stream, or about each socket that is open. */
function perSocket(scene: FaultScene, stream: number, verb: (sock: number) => number): string {
  const { tcp } = scene.path;
  if (stream >= 0) return answered(verb(stream));
  let done = 0;
  for (let sock = 0; sock < tcp.sockets; sock++) {
    if (!tcp.ending.closed(sock) && verb(sock) === 0) done++;
  }
  return counted(done, "socket");
}

/** The ring goes, and with it the requests that read: the process lives on and reads nothing. */
function exitRing({ path, app }: FaultScene, pendingNs: number): string {
  if (path.binding.control?.kind !== "zcrx") return "no effect: no zcrx instance";
  const errno = path.lifecycle.exitRing({ pendingNs });
  if (errno === 0) app.hang(Number.POSITIVE_INFINITY);
  return answered(errno);
}

/** The provider goes while buffers are out, in the way that it has: see each verb. */
const destroyInFlight: FaultAction = (scene) => {
  const { lifecycle, options } = scene.path;
  if (options.provider === "devmem") return answered(lifecycle.closeNetlink());
  if (options.provider === "zcrx") return exitRing(scene, 0);
  return answered(lifecycle.linkDown());
};

/** The verbs of the kernel's lifecycle: closes, resets, teardown (engine/lifecycle). */
export const LIFECYCLE_ACTIONS = {
  "app-crash": ({ path }) => {
    path.lifecycle.exitApplication();
    return "";
  },
  "socket-close": (scene, args) =>
    perSocket(scene, args.stream!, (sock) => scene.path.lifecycle.closeSocket(sock)),
  "socket-rst": (scene, args) =>
    perSocket(scene, args.stream!, (sock) => scene.path.lifecycle.resetSocket(sock)),
  "half-close": (scene, args) =>
    perSocket(scene, args.stream!, (sock) => {
      if (sock >= scene.path.tcp.sockets) return -ERRNO.EBADF;
      scene.path.tcp.ending.finByPeer(sock);
      return 0;
    }),
  "netlink-close": ofProvider("devmem", (lifecycle) => lifecycle.closeNetlink()),
  terminate: (scene, args) => exitRing(scene, args.pending!),
  unregister: (scene) => exitRing(scene, 0),
  "fd-export": ofProvider("zcrx", (lifecycle, args) => lifecycle.exportFd(args.queue!)),
  "fd-close": ofProvider("zcrx", (lifecycle) => lifecycle.closeFd()),
  rebind: ({ path: { lifecycle, binding } }) => {
    const kind = binding.control?.kind;
    if (kind === undefined) return "no effect: no provider to open again";
    return answered(kind === "devmem" ? lifecycle.bindAgain() : lifecycle.registerAgain());
  },
  "link-down": ({ path }) => answered(path.lifecycle.linkDown()),
  "link-up": ({ path }) => answered(path.lifecycle.linkUp()),
  "queue-restart": ({ path }, args) => answered(path.lifecycle.restartQueue(args.queue!)),
  "restart-fails": ({ path }, args) =>
    answered(path.lifecycle.restartQueue(args.queue!, { start: args.times! })),
  "ring-size": ({ path }, args) => answered(path.lifecycle.setRing(args.to!)),
  channels: ({ path }, args) => answered(path.lifecycle.setChannels(args.to!)),
  "header-split": ({ path }, args) => answered(path.lifecycle.setHeaderSplit(args.to !== 0)),
  "driver-reset": ({ path }) => answered(path.lifecycle.resetDriver()),
  "netdev-unregister": ({ path }) => answered(path.lifecycle.unregisterNetdev()),
  "netns-exit": ({ path }) => {
    path.lifecycle.exitNamespace();
    return "";
  },
  "destroy-in-flight": destroyInFlight,
} as const satisfies Readonly<Record<LifecycleKind, FaultAction>>;
