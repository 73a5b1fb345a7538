/** The rows of the fault catalogue, F1 to F40. */
export const FAULT_IDS: readonly string[] = Array.from({ length: 40 }, (_, i) => `F${i + 1}`);
