import type { Receiver } from "../receive/receiver.js";

/** An application that owns netmems between reading and giving back, and that can go wrong. */
export interface OwningReceiver extends Receiver {
  /** Pieces that it got, and those that it gave back. */
  readonly handedOut: number;
  readonly givenBack: number;
  /** It does nothing any more: nothing is read, nothing given back. */
  hung: boolean;
  /** How many of the next returns go wrong, by how; the provider's own ways alone. */
  readonly spoiled: Spoiled;
  /** Sockets are about to be closed, whatever of them is unread or held. */
  abandon(fds: readonly number[]): void;
  /** Tokens or user references that the kernel counts; null where nobody can tell any more. */
  outstanding(): number | null;
  /** Takes the provider off the queue as `how` does; answers what came of it. */
  unbind(how: "netlink-close" | "terminate"): string;
  /** Opens a provider on the queue again at once; answers what came of it. */
  rebind(): string;
}

/** Ways in which returns go wrong, and how often still. */
export interface Spoiled {
  duplicateToken?: number;
  bogusToken?: number;
  duplicateRqe?: number;
  malformedRqe?: number;
}
