/** A view that throws when anything outside of `[from, to)` is read. */
export class GuardedView extends DataView<ArrayBuffer> {
  from = 0;
  to = 0;

  /** Lays `bytes` at `at` of a larger buffer full of 0xff and guards them. */
  static around(bytes: Uint8Array, at: number): GuardedView {
    const buffer = new ArrayBuffer(at + bytes.length + 64);
    new Uint8Array(buffer).fill(0xff).set(bytes, at);
    const view = new GuardedView(buffer);
    view.from = at;
    view.to = at + bytes.length;
    return view;
  }

  override getUint8(at: number): number {
    this.#check(at, 1);
    return super.getUint8(at);
  }

  override getUint16(at: number, little?: boolean): number {
    this.#check(at, 2);
    return super.getUint16(at, little);
  }

  override getUint32(at: number, little?: boolean): number {
    this.#check(at, 4);
    return super.getUint32(at, little);
  }

  override getInt32(at: number, little?: boolean): number {
    this.#check(at, 4);
    return super.getInt32(at, little);
  }

  #check(at: number, bytes: number): void {
    if (at >= this.from && at + bytes <= this.to) return;
    throw new RangeError(`read of ${bytes} at ${at} outside of ${this.from} to ${this.to}`);
  }
}
