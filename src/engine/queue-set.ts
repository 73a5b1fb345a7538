import type { Binding } from "./binding.js";
import { DEVICE, type Netdev, type QueueMemory } from "./driver/netdev.js";
import type { NicQueues } from "./driver/nic.js";
import type { ReceiveQueue } from "./driver/receive-queue.js";
import { restQueues } from "./layout.js";
import type { ReceiveOptions } from "./receive-options.js";

/** A queue could not be set up as asked; `errno` is what the kernel would answer, negative. */
export class NetdevRefused extends Error {
  override readonly name = "NetdevRefused";
  readonly errno: number;

  constructor(errno: number) {
    super(`device ${DEVICE} refuses the queue's memory: errno ${-errno}`);
    this.errno = errno;
  }
}

/**
 * The receive queues of a path: those with the provider, and the page queues that take what is not
 * steered there, made when the first frame needs them. For the page provider they are the same.
 */
export class QueueSet implements NicQueues {
  readonly provider: ReceiveQueue[] = [];
  /** Every queue, by number. */
  readonly all: ReceiveQueue[] = [];
  readonly #options: ReceiveOptions;
  readonly #netdev: Netdev;
  readonly #binding: Binding;
  #rest: readonly ReceiveQueue[] = [];
  /** Called before the page queues are made, in the middle of a frame's arrival. */
  beforeRest: () => void = () => {};

  constructor(options: ReceiveOptions, netdev: Netdev, binding: Binding) {
    this.#options = options;
    this.#netdev = netdev;
    this.#binding = binding;
    for (let i = 0; i < options.queues; i++) {
      this.provider.push(this.#add(binding.providerMemory(i)));
    }
  }

  rest(): readonly ReceiveQueue[] {
    if (this.#options.provider === "page") return this.provider;
    if (this.#rest.length === 0) {
      const { queues } = this.#options;
      const count = Math.min(restQueues(queues), this.#netdev.channels - queues);
      // Where the channels leave no queue beside the provider's, RSS spreads over these.
      if (count <= 0) return this.provider;
      this.beforeRest();
      while (this.all.length < queues + count) this.#add(this.#binding.pageMemory());
      this.#rest = this.all.slice(queues, queues + count);
    }
    return this.#rest;
  }

  /** ethtool -L changed the number of channels: the NIC spreads over the queues that are left. */
  channelsChanged(): void {
    const { queues } = this.#options;
    const { channels } = this.#netdev;
    this.provider.length = 0;
    this.provider.push(...this.all.slice(0, Math.min(queues, channels)));
    this.#rest = [];
  }

  #add(memory: QueueMemory): ReceiveQueue {
    const made = this.#netdev.addQueue(memory);
    if (typeof made === "number") throw new NetdevRefused(made);
    this.all.push(made.queue);
    return made.queue;
  }
}
