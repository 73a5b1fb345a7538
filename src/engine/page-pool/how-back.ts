import * as state from "../netmem/state.js";

/** The transition by which a netmem comes back to its pool, by the state that it is in. */
export const HOW_BACK: Uint8Array = (() => {
  const how = new Uint8Array(state.STATES);
  how[state.DRV_RING] = state.T8;
  how[state.SKB] = state.T6;
  how[state.APP_TOKEN] = state.D4;
  how[state.APP_UREF] = state.Z5;
  return how;
})();
