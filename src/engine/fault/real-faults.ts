import type { OwningReceiver } from "../backend/zero-copy/owning-receiver.js";
import type { Upsettable } from "../backend/zero-copy/upsettable.js";
import type { WiredDevice } from "../backend/zero-copy/wired-device.js";
import { lookText } from "./actions.js";
import type { FaultKind } from "./kinds.js";
import type { PlannedFault } from "./plan.js";

const NO_DEVICE = "no effect: no device";
const NOT_HERE = "no effect with this provider";

type Args = Readonly<Record<string, number>>;
type Act = (run: Upsettable, args: Args) => string;

/** A fault of the device; answers the errno by name where it refuses. */
function onDevice(act: (device: WiredDevice, args: Args) => string): Act {
  return ({ device }, args) => (device === null ? NO_DEVICE : act(device, args));
}

/** Spoils the next returns of the application. */
function spoil(name: keyof OwningReceiver["spoiled"]): Act {
  return ({ application }, { count }) => {
    const { spoiled } = application;
    if (!(name in spoiled)) return NOT_HERE;
    spoiled[name] = (spoiled[name] ?? 0) + count!;
    return "";
  };
}

/** A fault that answers nothing. */
function silent(act: (run: Upsettable, args: Args) => void): Act {
  return (run, args) => {
    act(run, args);
    return "";
  };
}

/** What each kind does to a kernel; REAL_KINDS lists them, and a plan has no others. */
const ACTS: Partial<Record<FaultKind, Act>> = {
  look: ({ application, device }) =>
    lookText(application.outstanding(), device?.inflight() ?? 0, device?.detached() ?? 0),
  "app-crash": silent((run) => run.crash()),
  "app-hang": silent(({ application }) => {
    application.hung = true;
  }),
  "duplicate-token": spoil("duplicateToken"),
  "bogus-token": spoil("bogusToken"),
  "duplicate-rqe": spoil("duplicateRqe"),
  "malformed-rqe": spoil("malformedRqe"),
  "socket-close": silent((run, args) => run.closeSockets(args.stream!)),
  "netlink-close": ({ application }) => application.unbind("netlink-close"),
  terminate: ({ application }) => application.unbind("terminate"),
  rebind: ({ application }) => application.rebind(),
  "link-down": onDevice((device) => device.setLink(false)),
  "link-up": onDevice((device) => device.setLink(true)),
  "queue-restart": onDevice((device, args) => device.restartQueue(args.queue!)),
};

/** Makes a fault happen to a kernel's provider; says what came of it, or nothing. */
export function actOnKernel(run: Upsettable, { kind, args }: PlannedFault): string {
  return ACTS[kind]!(run, args);
}
