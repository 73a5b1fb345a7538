/** See record/nearest.ts: reports hint at names too, and see records only. */
export { nearestName } from "../record/nearest.js";
