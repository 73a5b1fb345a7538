import type { SocketEvents } from "../tcp/socket-face.js";
import type { HoldRing } from "./hold-ring.js";

/** How the application behaves; the flags `--read-delay`, `--read-size`, `--hold`, `--batch`. */
export interface ApplicationPlan {
  /** Wake-up delay beside the cost table's. */
  readonly readDelayNs: number;
  /** Bytes asked for by one recvmsg; multishot RECV_ZC takes what is there. */
  readonly readSizeBytes: number;
  /** Time from read until given back. */
  readonly holdNs: number;
  /** Tokens or refill entries given back in one call, at least 1. */
  readonly batch: number;
  /** Reader threads, one a receive queue; a socket belongs to the queue of its first data. */
  readonly threads: number;
}

/** Takes what the application reads, in byte order a socket; digests are one. */
export interface DeliverySink {
  /** `len` bytes at arena address `addr` were read from `sock`. */
  deliver(sock: number, addr: number, len: number): void;
}

/** What an application counted. */
export interface ApplicationCounts {
  deliveredBytes: number;
  /** Payload bytes passed by reference. */
  referenceBytes: number;
  /** Payload bytes copied on the way to the application, by reason. */
  copiedBytes: Record<string, number>;
  /** Calls, tokens, completions and the like, by name; those that are not zero. */
  events: Record<string, number>;
  /** What went wrong without losing a byte, by errno name: times. */
  warnings: Record<string, number>;
}

/**
 * A reading application as an actor on the model clock: the host calls `run` when `nextNs` has
 * come. Nothing happens between `dataReady` and `nextNs`.
 */
export interface Application extends SocketEvents {
  /** Model time of its next step, Infinity when it waits for data. */
  nextNs: number;
  /**
   * Does what is due at clock.nowNs, which is `nextNs`, and goes on, moving the clock, as long as
   * its next step comes no later than clock.horizonNs: nothing else happens before that.
   */
  run(): void;
  /**
   * The end of an orderly run: gives back all that is held, whatever its hold time. A reader that
   * had stopped for want of memory goes on: run it while `nextNs` is finite, then call this again.
   */
  giveBackAll(): void;
  /**
   * do_exit of the process: its threads stop and what they held is forgotten, not given back. The
   * kernel still holds every token and user reference of it.
   */
  exit(): void;
  /** Another process of the same program starts, with the provider objects that there are now. */
  start(): void;
  readonly counts: ApplicationCounts;
  /** What each reader thread holds; none for an application that owns no netmem. */
  readonly held: readonly HoldRing[];
  /** Tokens or completions that are held now; 0 right after {@link giveBackAll}. */
  readonly heldCount: number;
  /** Called when the clock's epoch moves. */
  rebase(deltaNs: number): void;
}
