import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { offers } from "./machine.js";

const FFI = new URL("../../src/engine/backend/ffi/", import.meta.url).href;

/** Runs a script that abuses foreign memory in a process of its own; it must end by itself. */
function abuse(script: string): { status: number | null; signal: string | null; stdout: string } {
  const source = `
    import { Mapping, MAP_SHARED, PROT_READ } from "${FFI}memory.ts";
    import { libc } from "${FFI}libc.ts";
    ${script}`;
  const args = ["--import", "tsx", "--input-type=module", "-e", source];
  const { status, signal, stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
  return { status, signal, stdout };
}

describe.runIf(offers("koffi"))("foreign memory", () => {
  it("reads as zeros through a view that outlives it, and is asked for no more", () => {
    const found = abuse(`
      const views = [];
      for (let i = 0; i < 50; i++) {
        const memory = new Mapping({ bytes: 65536 });
        memory.bytes.fill(7);
        views.push(memory.bytes);
        memory.release();
        memory.release();
        let refused = 0;
        try { memory.bytes; } catch { refused++; }
        try { memory.at(0, 1); } catch { refused++; }
        if (refused !== 2) throw new Error("released memory was handed out");
      }
      console.log(views.every((view) => view.every((byte) => byte === 0)));`);
    expect(found).toEqual({ status: 0, signal: null, stdout: "true\n" });
  });

  it("is never addressed beyond its end", () => {
    const found = abuse(`
      const memory = new Mapping({ bytes: 4096 });
      const wrong = [[-1, 1], [0, 4097], [4096, 1], [0, -1], [1e9, 1]];
      let refused = 0;
      for (const [at, len] of wrong) try { memory.at(at, len); } catch { refused++; }
      for (const bytes of [0, -1, 0.5, NaN]) try { new Mapping({ bytes }); } catch { refused++; }
      console.log(refused);`);
    expect(found).toEqual({ status: 0, signal: null, stdout: "9\n" });
  });

  it("gives errors where descriptors, sizes and rings are wrong, never a signal", () => {
    const found = abuse(`
      const memory = new Mapping({ bytes: 4096 });
      const c = libc();
      const results = [
        c.recv(-1, memory.at(0, 4096), 4096, 0),
        c.write(9999, memory.at(0, 4096), 4096),
        c.getsockopt(0, 6, 35, Buffer.alloc(20), Buffer.from([20, 0, 0, 0])),
        c.setsockopt(0, 283, 4, Buffer.alloc(32), 32),
        c.mmap(0, 4096, 1, 1, 9999, 0),
        c.read(0, 0, 4096),
      ];
      let refused = 0;
      try { new Mapping({ bytes: 4096, protection: PROT_READ, flags: MAP_SHARED, fd: 9999 }); }
      catch { refused++; }
      console.log(results.every((result) => result <= 0), refused);`);
    expect(found).toEqual({ status: 0, signal: null, stdout: "true 1\n" });
  });
});
