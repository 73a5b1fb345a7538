/** An area in whole netmems and a ring in descriptors. */
export interface Size {
  readonly netmems: number;
  readonly ring: number;
}

/** The range that is searched. */
export interface SizeLimits {
  readonly start: Size;
  readonly leastNetmems: number;
  readonly mostNetmems: number;
  readonly leastRing: number;
  readonly mostRing: number;
}

/** Whether a size has no drops: a whole replay. */
export type Fits = (size: Size) => Promise<boolean>;

/**
 * The smallest ring with no drops, and with it the smallest area; null if even the largest of both
 * has drops.
 *
 *      start -- doubled until it fits --> roomy
 *      ring  [least .. roomy]   powers of two, bisected with the roomy area
 *      area  [least .. roomy]   netmems, bisected with that ring
 *
 * The bisection takes it that more memory never drops more. What is smaller than the answer by one
 * step is known to drop, whatever the curve is further down.
 */
export async function searchSize(limits: SizeLimits, fits: Fits): Promise<Size | null> {
  const roomy = await findRoomy(limits, fits);
  if (roomy === null) return null;
  const exponent = await bisect(Math.log2(limits.leastRing), Math.log2(roomy.ring), (each) =>
    fits({ netmems: roomy.netmems, ring: 2 ** each }),
  );
  const ring = 2 ** exponent;
  const netmems = await bisect(limits.leastNetmems, roomy.netmems, (each) =>
    fits({ netmems: each, ring }),
  );
  return { netmems, ring };
}

/** A size that fits, larger than the start where need be. */
async function findRoomy(limits: SizeLimits, fits: Fits): Promise<Size | null> {
  const { mostNetmems, mostRing } = limits;
  let { netmems, ring } = limits.start;
  while (!(await fits({ netmems, ring }))) {
    if (netmems === mostNetmems && ring === mostRing) return null;
    netmems = Math.min(netmems * 2, mostNetmems);
    ring = Math.min(ring * 2, mostRing);
  }
  return { netmems, ring };
}

/** The smallest whole number from `low` on that fits, where `high` is known to. */
async function bisect(
  low: number,
  high: number,
  fits: (value: number) => Promise<boolean>,
): Promise<number> {
  let bad = low - 1;
  let good = high;
  while (good - bad > 1) {
    const middle = Math.floor((bad + good) / 2);
    if (await fits(middle)) good = middle;
    else bad = middle;
  }
  return good;
}
