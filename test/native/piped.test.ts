import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { RUN_JS, runCli } from "../golden/run-cli.js";
import { runsHere } from "./machine.js";

const CAPTURE = fileURLToPath(new URL("../../fixtures/kernel/flows64.pcap", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "netmem-piped-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Whether a process has started another one. */
function hasChild(pid: number): boolean {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8") !== "";
}

describe.runIf(runsHere("kernel-tcp"))("a capture from a pipe", () => {
  it.each(["SIGTERM", "SIGKILL"] as const)("leaves no copy behind after %s", async (signal) => {
    const args = [RUN_JS, "replay", "--backend", "kernel-tcp", "--pps", "5", "--json", "-"];
    const env = { ...process.env, TMPDIR: folder };
    const cli = spawn(process.execPath, args, { env, stdio: ["pipe", "ignore", "ignore"] });
    const ended = new Promise((resolve) => cli.on("exit", resolve));
    cli.stdin!.end(readFileSync(CAPTURE));
    while (!hasChild(cli.pid!)) await sleep(10);
    cli.kill(signal);
    await ended;
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each(["kernel-tcp", "memory,kernel-tcp"])("is called - in an error of %s", (backend) => {
    const input = Buffer.from("no capture at all, whatever it may be");
    const { stderr, code } = runCli(["replay", "--backend", backend, "-"], { input });
    expect(code).toBe(5);
    expect(stderr).toMatch(/^netmem: -: byte 0: unknown magic/);
  });

  it("is read by the model and by a kernel", () => {
    const input = readFileSync(
      fileURLToPath(new URL("../../fixtures/kernel/http4.pcap", import.meta.url)),
    );
    const args = ["replay", "--backend", "memory,kernel-tcp", "--provider", "page", "--json", "-"];
    const { stdout } = runCli(args, { input });
    const { runs } = JSON.parse(stdout) as { runs: Array<{ deliveredBytes: number }> };
    expect(runs.map(({ deliveredBytes }) => deliveredBytes)).toEqual([8180, 8180]);
  });
});

describe("parity", () => {
  it("takes no capture that can be read only once", () => {
    const { code, stderr } = runCli(["parity", "-"], { input: readFileSync(CAPTURE) });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^netmem: parity reads its capture several times/);
  });

  it("does not wait for a named pipe either", () => {
    const pipe = join(folder, "parity");
    execFileSync("mkfifo", [pipe]);
    const { code, stderr } = runCli(["parity", pipe]);
    expect(code).toBe(2);
    expect(stderr).toContain(`and ${pipe} only once`);
  });
});
