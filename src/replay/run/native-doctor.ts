import { arch, release } from "node:os";
import { missingFor } from "../../engine/backend/doctor/requirements.js";
import type { DoctorRow } from "../../engine/backend/doctor/row.js";
import { inFirstUserNamespace } from "../../engine/backend/net/namespace.js";
import { NetmemError } from "../error.js";
import type { DoctorDocument } from "../record/doctor.js";
import { moduleBeside } from "./native.js";
import {
  endedEarly,
  hostNamespace,
  mayUnshare,
  notStarted,
  startNative,
} from "./native-process.js";

/**
 * Examines this machine in a process of its own, so that nothing of the probes is left.
 *
 * @throws NetmemError where that process cannot be started or ends early.
 */
export async function examineMachine(): Promise<DoctorDocument> {
  let bare = false;
  const rows = await examined(bare).catch((error) => {
    if (!(error instanceof NetmemError) || error.code !== "NETMEM_BACKEND_UNAVAILABLE") throw error;
    // Where no user namespace can be made, that is what there is to tell, and what does without.
    bare = true;
    return examined(bare);
  });
  return {
    schema: "netmem.doctor/1",
    machine: {
      kernel: release(),
      arch: arch(),
      node: process.version,
      as: bare ? "user" : mayUnshare() && inFirstUserNamespace() ? "root" : "user namespace",
    },
    backends: [{ backend: "memory", available: true, missing: [] }, ...missingFor(rows)],
    rows,
  };
}

function examined(bare: boolean): Promise<DoctorRow[]> {
  const module = moduleBeside("native-doctor-child");
  const { child, lastWords } = startNative(module, [String(hostNamespace())], { bare });
  return new Promise((resolve, reject) => {
    child.on("error", (error) => reject(notStarted("netmem doctor", error)));
    child.on("message", (found: DoctorRow[]) => resolve(found));
    child.on("close", (code, signal) => {
      reject(endedEarly("netmem doctor", code, signal, lastWords()));
    });
  });
}
