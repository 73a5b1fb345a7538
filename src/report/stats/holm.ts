/**
 * Holm's adjustment: the smallest p times the number of tests, the next times one less, and so
 * on, never falling and never above 1. Comparing the answers with a level keeps the chance of even
 * one false alarm among all tests below that level.
 *
 * @returns the adjusted values in the order given.
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((i, j) => pValues[i]! - pValues[j]!);
  const adjusted = new Array<number>(pValues.length);
  let least = 0;
  order.forEach((index, rank) => {
    least = Math.max(least, Math.min(1, pValues[index]! * (pValues.length - rank)));
    adjusted[index] = least;
  });
  return adjusted;
}
