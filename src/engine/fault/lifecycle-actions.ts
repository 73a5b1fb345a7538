import type { FaultAction } from "./actions.js";
import type { LifecycleKind } from "./kinds.js";

/** Netmems that are out of the pools' hands, by owner, for the line that tells what came of it. */
const done: FaultAction = () => "";

/** The verbs of the kernel's lifecycle: closes, resets, teardown. */
export const LIFECYCLE_ACTIONS = {
  "app-crash": ({ path, app }) => {
    app.die();
    path.tcp.finish();
    return "";
  },
  "socket-close": ({ path }, args) => {
    if (args.stream! < 0) path.tcp.finish();
    else if (args.stream! < path.tcp.sockets) path.tcp.close(args.stream!);
    return "";
  },
  "socket-rst": done,
  "half-close": done,
  "netlink-close": done,
  terminate: done,
  unregister: done,
  "fd-close": done,
  "link-down": done,
  "link-up": done,
  "queue-restart": done,
  "restart-fails": done,
  "ring-size": done,
  channels: done,
  "header-split": done,
  "driver-reset": done,
  "netdev-unregister": done,
  "netns-exit": done,
  "destroy-in-flight": done,
} as const satisfies Readonly<Record<LifecycleKind, FaultAction>>;
