/** What a report throws when it cannot go on: reports see records only, and this with them. */
export { NetmemError } from "../error.js";
