import { lookText } from "../../fault/actions.js";
import type { FaultKind } from "../../fault/kinds.js";
import type { PlannedFault } from "../../fault/plan.js";
import type { OwningReceiver } from "./owning-receiver.js";
import type { WiredDevice } from "./wired-device.js";

const NO_DEVICE = "no effect: no device";

/** What the faults of a real provider act on. */
export interface FaultPlace {
  readonly receiver: OwningReceiver;
  /** Null for zcrx without a device. */
  readonly device: WiredDevice | null;
  /** close() of a socket by its row, or of every one (-1), whatever is unread. */
  closeSockets(row: number): void;
}

type Act = (place: FaultPlace, args: Readonly<Record<string, number>>) => string;

/** A fault of the device; answers the errno by name where it refuses. */
function onDevice(act: (device: WiredDevice, args: Readonly<Record<string, number>>) => string) {
  return ({ device }: FaultPlace, args: Readonly<Record<string, number>>) =>
    device === null ? NO_DEVICE : act(device, args);
}

/** Spoils the next returns of the application. */
function spoil(name: keyof OwningReceiver["spoiled"]): Act {
  return ({ receiver }, { count }) => {
    if (!(name in receiver.spoiled)) return "no effect with this provider";
    receiver.spoiled[name] = (receiver.spoiled[name] ?? 0) + count!;
    return "";
  };
}

/** What each kind does to a kernel; REAL_KINDS lists them, and a plan has no others. */
const ACTS: Partial<Record<FaultKind, Act>> = {
  look: ({ receiver, device }) => lookText(receiver.outstanding(), device?.inflight() ?? 0),
  "app-crash": () => {
    process.kill(process.pid, "SIGKILL");
    return "";
  },
  "app-hang": ({ receiver }) => {
    receiver.hung = true;
    return "";
  },
  "duplicate-token": spoil("duplicateToken"),
  "bogus-token": spoil("bogusToken"),
  "duplicate-rqe": spoil("duplicateRqe"),
  "malformed-rqe": spoil("malformedRqe"),
  "socket-close": ({ closeSockets }, args) => {
    closeSockets(args.stream!);
    return "";
  },
  "netlink-close": ({ receiver }) => receiver.unbind("netlink-close"),
  terminate: ({ receiver }) => receiver.unbind("terminate"),
  rebind: ({ receiver }) => receiver.rebind(),
  "link-down": onDevice((device) => device.setLink(false)),
  "link-up": onDevice((device) => device.setLink(true)),
  "queue-restart": onDevice((device, args) => device.restartQueue(args.queue!)),
};

/** Makes a fault happen to a kernel's provider; says what came of it, or nothing. */
export function actOn(place: FaultPlace, { kind, args }: PlannedFault): string {
  return ACTS[kind]!(place, args);
}
