/** The references of a netmem: pp_ref_count and, of these, who holds how many. */
export interface RefCounts {
  readonly ppRef: number;
  readonly driver: number;
  readonly skb: number;
  readonly user: number;
}

/** One transition of a netmem that is followed. */
export interface NetmemEvent {
  readonly transition: number;
  /** States before and after. */
  readonly from: number;
  readonly to: number;
  /** desc.pp at the time, 0 for no pool. */
  readonly pool: number;
  readonly actor: number;
  readonly before: RefCounts;
  readonly after: RefCounts;
  /** Model time since the clock's epoch. */
  timeNs: number;
}

/** References of a netmem that nobody ever held. */
const NONE: RefCounts = { ppRef: 0, driver: 0, skb: 0, user: 0 };

/**
 * A netmem that is followed through every transition. The newest events are kept, `earlier` counts
 * those that had to go; or, with a beginning that {@link begin} sets, one life alone.
 *
 *      events[seen % capacity]      before[i] is after[i - 1]
 */
export class FollowedNetmem {
  readonly netmem: number;
  readonly #capacity: number;
  readonly #events: NetmemEvent[] = [];
  #seen = 0;
  #closed = false;
  #state = 0;
  #counts = NONE;

  constructor(netmem: number, capacity: number) {
    this.netmem = netmem;
    this.#capacity = capacity;
  }

  /** Events that were seen and are no longer kept. */
  get earlier(): number {
    return Math.max(0, this.#seen - this.#capacity);
  }

  /** The state after the last event. */
  get state(): number {
    return this.#state;
  }

  /** Notes a transition, with what stands in the netmem's words behind it. */
  note(event: Omit<NetmemEvent, "from" | "before">): void {
    const { to, after } = event;
    if (!this.#closed) {
      const noted = { ...event, from: this.#state, before: this.#counts };
      this.#events[this.#seen++ % this.#capacity] = noted;
    }
    this.#state = to;
    this.#counts = after;
  }

  /** Forgets what was before: the story begins with the next event. */
  begin(): void {
    this.#events.length = 0;
    this.#seen = 0;
  }

  /** Ends the story: later events are not kept. */
  close(): void {
    this.#closed = true;
  }

  /** What is kept, oldest first. */
  events(): NetmemEvent[] {
    const { earlier } = this;
    const from = earlier % this.#capacity;
    return earlier === 0
      ? [...this.#events]
      : [...this.#events.slice(from), ...this.#events.slice(0, from)];
  }

  rebase(deltaNs: number): void {
    for (const event of this.#events) event.timeNs -= deltaNs;
  }
}
