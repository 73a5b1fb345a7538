import type { VmCheck } from "../record/vm-parity.js";
import type { VmProvider } from "./scenarios.js";

/** A difference between model and guest that was looked into, and why it is no defect of either. */
interface Explained {
  readonly scenario: string;
  readonly what: string;
  readonly provider?: VmProvider;
  readonly why: string;
}

/** The reviewed differences. Everything that is not here fails a comparison. */
const EXPLAINED: readonly Explained[] = [
  {
    scenario: "unsteered",
    what: "given back of handed out",
    why:
      "the model counts netmems that the NIC used up, and here it used none; the guest counts " +
      "pieces that the application got, and the kernel copies these into netmems of the area",
  },
];

/** Why a difference may be, or null. */
export function explanationOf(check: VmCheck, provider: VmProvider): string | null {
  const found = EXPLAINED.find(
    (one) =>
      one.scenario === check.scenario &&
      one.what === check.what &&
      (one.provider === undefined || one.provider === provider),
  );
  return found?.why ?? null;
}
