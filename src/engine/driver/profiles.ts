import { type DriverName, FBNIC, type PackedProfile } from "./profile.js";
import { BNXT, GVE, type SlotProfile } from "./slot-profiles.js";

/** Every driver profile by name. */
export const DRIVER_PROFILES: Readonly<Record<DriverName, PackedProfile | SlotProfile>> = {
  fbnic: FBNIC,
  bnxt: BNXT,
  gve: GVE,
};
