import { describe, expect, it } from "vitest";
import type { DoctorDocument } from "../../src/replay/record/doctor.js";
import { finish, ROOT, RUN_JS } from "../golden/run-cli.js";
import { offers, runsHere } from "./machine.js";

/** What doctor says with an empty folder in the place of one of the machine's. */
function without(folder: string): DoctorDocument {
  const doctor = `'${process.execPath}' '${RUN_JS}' doctor --json`;
  const script = `mount -t tmpfs none '${folder}' && ${doctor}`;
  const { stdout, stderr } = finish("unshare", ["-rm", "sh", "-c", script], { cwd: ROOT });
  expect(stderr).toBe("");
  return JSON.parse(stdout) as DoctorDocument;
}

describe.runIf(runsHere("kernel-tcp-mmap") && offers("userns"))("doctor in a bare place", () => {
  it("does without sysfs", () => {
    const names = without("/sys").rows.map(({ capability }) => capability);
    expect(names).toContain("io-uring");
    expect(names.filter((name) => name.startsWith("zcrx:"))).toEqual([]);
  });

  it("calls koffi alone missing where koffi is missing", () => {
    const { backends, rows } = without(`${ROOT}node_modules/koffi`);
    expect(rows.map(({ capability }) => capability)).toEqual(["koffi"]);
    for (const { backend, missing } of backends) {
      expect(missing).toEqual(backend === "memory" ? [] : ["koffi"]);
    }
  });

  it("tells what there is where no user namespace can be made, and a replay says why", () => {
    const limit = "echo 0 > /proc/sys/user/max_user_namespaces";
    const nobody = "setpriv --bounding-set=-all --inh-caps=-all";
    const run = (args: string) => {
      const script = `${limit}; ${nobody} '${process.execPath}' '${RUN_JS}' ${args}`;
      return finish("unshare", ["-Ur", "sh", "-c", script], { cwd: ROOT });
    };
    const { machine, rows } = JSON.parse(run("doctor --json").stdout) as DoctorDocument;
    expect(machine.as).toBe("user");
    const lacking = rows.filter(({ available }) => !available).map(({ capability }) => capability);
    expect(lacking).toEqual(expect.arrayContaining(["userns", "netns"]));
    const replay = run("replay --backend kernel-tcp-mmap fixtures/kernel/http4.pcap");
    expect(replay.code).toBe(4);
    expect(replay.stderr).toMatch(/needs a user namespace.*unshare failed/);
  });

  it("says that a user namespace is not root of the machine, and may not ask of a NIC", () => {
    const args = ["-Urn", process.execPath, RUN_JS, "doctor", "--json"];
    const { stdout } = finish("unshare", args, { cwd: ROOT });
    const { machine, rows } = JSON.parse(stdout) as DoctorDocument;
    expect(machine.as).toBe("user namespace");
    const refused = rows.filter(({ detail }) => detail.endsWith("EPERM")).map((row) => row.remedy);
    expect(refused.length).toBeGreaterThan(0);
    for (const remedy of refused) expect(remedy).toMatch(/root/);
  });
});
