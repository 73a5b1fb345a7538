import type { CounterStep } from "../backend.js";
import { readNetFile } from "../net/namespace.js";

/** Notes how some counters of /proc/net/netstat move while packets go in one by one. */
export class CounterTracer {
  readonly steps: CounterStep[] = [];
  readonly #names: readonly string[];
  /** Columns of the counters in the TcpExt lines. */
  readonly #columns: number[];
  /** Where the counters stood at the start, and where they stand. */
  readonly #first: readonly number[];
  #last: readonly number[];

  constructor(names: readonly string[]) {
    const [head] = extLines();
    this.#names = names.filter((name) => head.includes(name));
    this.#columns = this.#names.map((name) => head.indexOf(name));
    this.#first = this.#read();
    this.#last = this.#first;
  }

  /** Notes what packet `packet` has moved. */
  after(packet: number): void {
    const now = this.#read();
    now.forEach((value, i) => {
      if (value === this.#last[i]) return;
      this.steps.push({ name: this.#names[i]!, packet, value: value - this.#first[i]! });
    });
    this.#last = now;
  }

  #read(): number[] {
    const [, values] = extLines();
    return this.#columns.map((column) => Number(values[column]));
  }
}

/** The names and the values of TcpExt. */
function extLines(): [string[], string[]] {
  const [names, values] = readNetFile("netstat").split("\n", 2);
  return [names!.split(" "), values!.split(" ")];
}
