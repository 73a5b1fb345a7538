/**
 * Puts `around` in the place of a method of one object: it gets the method and its arguments. All
 * other objects of the class stay as they are, so a run without faults pays nothing. The object
 * keeps its identity: queues, pools and rings know a provider by it.
 */
export function intercept<T extends object, K extends keyof T>(
  object: T,
  name: K,
  around: T[K] extends (...args: infer A) => infer R
    ? (original: (...args: A) => R, ...args: A) => R
    : never,
): void {
  const method = (object[name] as (...args: unknown[]) => unknown).bind(object);
  const wrapped = around as (original: unknown, ...args: unknown[]) => unknown;
  object[name] = ((...args: unknown[]) => wrapped(method, ...args)) as T[K];
}
