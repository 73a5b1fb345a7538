/**
 * `bytes` zero bytes for a large table of which a run may touch little. Memory comes as it is
 * touched. V8 collects garbage whenever the buffers that were made since the last time add up,
 * touched or not, and a start makes a hundred megabytes of tables; shared ones are not counted.
 * Nothing is shared.
 */
export function reserve(bytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(bytes);
}
