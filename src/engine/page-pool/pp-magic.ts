/**
 * How the kernel tells a page of a pool from any other: page->pp_magic, which shares its word with
 * page->lru.next, a pointer (include/linux/mm.h). On 32 bit:
 *
 *      pp_magic   [ DMA index ............ ][ signature 0x40 ]
 *      lru.next   [ PAGE_OFFSET | address ................... ]      0xc0000000 and up
 *
 * The bits of the DMA index are masked out before the comparison. They must stay below those of
 * PAGE_OFFSET, or a pointer that ends in 0x40 passes for a pool's page.
 */

/** PP_SIGNATURE without POISON_POINTER_DELTA, as on 32 bit. */
const PP_SIGNATURE = 0x40;
/** Bits below the DMA index. */
const INDEX_SHIFT = 12;
/** CONFIG_PAGE_OFFSET of the common split. */
const PAGE_OFFSET = 0xc0000000;

/** PP_MAGIC_MASK on 32 bit; `wide`: as first released, with an index up to the word's top. */
export function magicMask(wide: boolean): number {
  const top = wide ? 32 : 31 - Math.clz32(PAGE_OFFSET & -PAGE_OFFSET);
  let index = 0;
  for (let bit = INDEX_SHIFT; bit < top; bit++) index |= 1 << bit;
  return ~(index | 3) >>> 0;
}

/** page_pool_page_is_pp: whether the word passes for a pool's page. */
export function isPoolPage(word: number, mask: number): boolean {
  return (word & mask) >>> 0 === PP_SIGNATURE;
}
