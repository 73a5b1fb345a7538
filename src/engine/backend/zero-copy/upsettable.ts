import type { OwningReceiver } from "./owning-receiver.js";
import type { WiredDevice } from "./wired-device.js";

/** The parts of a real provider's run that something outside can upset while it goes on. */
export interface Upsettable {
  /** There once the run has begun. */
  readonly application: OwningReceiver;
  /** Null for zcrx without a device. */
  readonly device: WiredDevice | null;
  /** close() of the socket of a row of the streams list, or of every one (-1). */
  closeSockets(row: number): void;
  /** SIGKILL of the process that all this runs in. */
  crash(): void;
}
