import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { interruptCli, ROOT, RUN_JS, runCli, runShell } from "../golden/run-cli.js";

const GOOD = join(ROOT, "fixtures/edge/seq_wrap.pcap");
const folder = mkdtempSync(join(tmpdir(), "netmem-hostile-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** One provider, quiet: what is tried here is not the model. */
const PLAIN = ["replay", "--provider", "page", "--quiet"];

describe("a small file that unpacks to a huge one", () => {
  it("ends within bounded memory, its zeros told as damage", () => {
    const path = join(folder, "bomb.pcap.gz");
    const zeros = Buffer.alloc(64 << 20);
    const bomb = gzipSync(Buffer.concat([readFileSync(GOOD), zeros, zeros, zeros, zeros]));
    expect(bomb.length).toBeLessThan(1 << 20);
    writeFileSync(path, bomb);
    const { code, stdout } = runCli([...PLAIN, "--json", path]);
    expect(code).toBe(5);
    expect(JSON.parse(stdout).capture.damage).toHaveLength(1);
  });
});

describe("symbolic links", () => {
  it("are followed, and one that leads to itself is an unreadable capture", () => {
    const link = join(folder, "link.pcap");
    symlinkSync(GOOD, link);
    expect(runCli([...PLAIN, link]).code).toBe(0);
    const loop = join(folder, "loop.pcap");
    symlinkSync(loop, loop);
    const { code, stderr } = runCli([...PLAIN, loop]);
    expect(code).toBe(5);
    expect(stderr).toContain("ELOOP");
  });

  it("to a record are replaced by the record, and what they pointed to stays", () => {
    const other = join(folder, "other.txt");
    const link = join(folder, "record.json");
    writeFileSync(other, "mine");
    symlinkSync(other, link);
    expect(runCli([...PLAIN, GOOD, "--export", `json=${link}`]).code).toBe(0);
    expect(readFileSync(other, "utf8")).toBe("mine");
    expect(JSON.parse(readFileSync(link, "utf8")).schema).toBe("netmem.record/1");
  });
});

describe("an export to the capture", () => {
  it("is refused, by whatever name", () => {
    const copy = join(folder, "copy.pcap");
    const link = join(folder, "copy-link.pcap");
    copyFileSync(GOOD, copy);
    symlinkSync(copy, link);
    const { code, stderr } = runCli([...PLAIN, copy, "--export", `json=${link}`]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("which an export would overwrite")]);
    expect(readFileSync(copy)).toEqual(readFileSync(GOOD));
  });
});

describe("a full disk", () => {
  it("under standard output ends in an error, not in a stack", () => {
    const { code, stderr } = runShell(`netmem replay -p page --json ${GOOD} >/dev/full`);
    expect(code).not.toBe(0);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it("under standard output is told, however little of the output is too much", () => {
    // A write that crosses the limit on a file's size is cut as one on a full disk is.
    const { stdout } = runCli([...PLAIN, "--json", GOOD]);
    const file = join(folder, "cut.json");
    const kib = Math.floor(Buffer.byteLength(stdout) / 1024) - 1;
    const line = `netmem ${PLAIN.join(" ")} --json ${GOOD} >${file}`;
    const { code, stderr } = runShell(`trap '' XFSZ; ulimit -f ${kib}; ${line}`);
    expect(code).toBe(1);
    expect(stderr).toContain("EFBIG");
  });

  it("under NDJSON that is written meanwhile leaves whole lines", () => {
    const file = join(folder, "live.ndjson");
    const flags = `${PLAIN.join(" ")} --interval 10us --export ndjson=${file}`;
    const { code, stderr } = runShell(`trap '' XFSZ; ulimit -f 4; netmem ${flags} ${GOOD}`);
    expect(code).toBe(1);
    expect(stderr).toContain("EFBIG");
    const lines = readFileSync(file, "utf8").split("\n");
    expect(lines.pop()).toBe("");
    expect(lines.length).toBeGreaterThan(10);
    for (const row of lines) JSON.parse(row);
  });

  it("under an export is told, and leaves no half of a file", () => {
    const { code, stderr } = runCli([...PLAIN, GOOD, "--export", "json=/dev/full"]);
    expect(code).toBe(1);
    expect(stderr).toContain("ENOSPC");
  });
});

describe("a folder that cannot be written", () => {
  it("is told before the run, and nothing is left in it", () => {
    const closed = join(folder, "closed");
    mkdirSync(closed);
    chmodSync(closed, 0o500);
    const { code } = runCli([...PLAIN, GOOD, "--export", `json=${join(closed, "r.json")}`]);
    // To root every folder can be written.
    expect(code).toBe(process.getuid?.() === 0 ? 0 : 2);
    const missing = runCli([...PLAIN, GOOD, "--export", `json=${folder}/none/r.json`]);
    expect(missing.code).toBe(2);
  });
});

describe("pipes", () => {
  it("that close while a capture is still sent do no harm", () => {
    const line = `(head -c 400 ${GOOD}; sleep 0.2) | netmem replay -p page --json - | head -c 1`;
    expect(runShell(line).stderr).toBe("");
  });

  it("that bring nothing are an unreadable capture", () => {
    const { code, stderr } = runCli([...PLAIN, "-"], { input: Buffer.alloc(0) });
    expect(code).toBe(5);
    expect(stderr).toContain("NETMEM_CAPTURE_FORMAT");
  });
});

describe("an interrupt while a pipe brings nothing", () => {
  it("ends with what came until then, and without damage", () => {
    const line = `(cat ${GOOD}; sleep 2) | timeout -s INT -k 3 --preserve-status 1`;
    const { code, stdout } = runShell(`${line} ${RUN_JS} ${PLAIN.join(" ")} --json -`);
    expect(code).toBe(130);
    const { capture } = JSON.parse(stdout);
    // A record counts once it was seen what follows it.
    expect(capture).toMatchObject({ packets: 16, damage: [] });
  });

  it("ends where nobody opened the other end", () => {
    const pipe = join(folder, "pipe");
    execFileSync("mkfifo", [pipe]);
    const line = `timeout -s INT -k 3 --preserve-status 1 ${RUN_JS} ${PLAIN.join(" ")} ${pipe}`;
    const { code, stderr } = runShell(line);
    expect(code).toBe(130);
    expect(stderr).toContain("interrupted before its first packet");
  });
});

describe("a named pipe", () => {
  it("is read as standard input is, once", () => {
    const pipe = join(folder, "once");
    execFileSync("mkfifo", [pipe]);
    const flags = PLAIN.join(" ");
    const { code, stdout } = runShell(`cat ${GOOD} >${pipe} & netmem ${flags} --json ${pipe}`);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).capture.packets).toBe(17);
    const twice = runCli([...PLAIN, "--loop", "2", pipe]);
    expect(twice.code).toBe(2);
    expect(twice.stderr).toContain("cannot be replayed more than once");
  });
});

describe("a configuration file without an end", () => {
  it("is refused at 1 MiB", () => {
    const { code, stderr } = runCli([...PLAIN, "--config", "/dev/zero", GOOD]);
    expect(code).toBe(2);
    expect(stderr).toContain("larger than 1 MiB");
  });
});

describe("a signal at any moment", () => {
  it.each([5, 150, 400, 900])(
    "leaves a whole record or none, and no temporary file (%i ms)",
    async (ms) => {
      const target = mkdtempSync(join(folder, "signal-"));
      const file = join(target, "record.json");
      const args = [...PLAIN, "--loop", "1000000", GOOD, "--export", `json=${file}`];
      const { code } = await interruptCli(args, ms);
      // Before the program listens, the signal ends the process as it ends any other.
      expect([130, null]).toContain(code);
      if (existsSync(file)) JSON.parse(readFileSync(file, "utf8"));
      expect(readdirSync(target).filter((name) => name !== "record.json")).toEqual([]);
    },
  );
});

describe("a terminated writer", () => {
  it("never leaves a part of a record under the record's name", () => {
    const file = join(folder, "killed.json");
    const args = [join(ROOT, "bin/run.js"), ...PLAIN, GOOD, "--export", `json=${file}`];
    for (const timeout of [200, 350, 500]) {
      spawnSync(process.execPath, args, { timeout, killSignal: "SIGKILL" });
      if (existsSync(file)) JSON.parse(readFileSync(file, "utf8"));
    }
  });
});

describe("a signal while an export is written", () => {
  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "leaves no draft of it (%s)",
    async (signal) => {
      const target = mkdtempSync(join(folder, "draft-"));
      const file = join(target, "record.json");
      const writer = `
      import { writeWhole } from "${ROOT}/src/replay/record/document-file.ts";
      // More than is written by the time that the signal comes, in parts.
      function* text() {
        for (let i = 0; i < 1e6; i++) {
          if (i === 100) process.kill(process.pid, "${signal}");
          yield "x".repeat(1000);
        }
      }
      await writeWhole("${file}", text());`;
      const args = ["--import", "tsx", "--input-type=module", "-e", writer];
      const child = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8" });
      expect(child.stderr).toBe("");
      expect(child.status).toBe({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signal]);
      expect(readdirSync(target)).toEqual([]);
    },
  );
});

describe("memory that the process may not have", () => {
  it("is not available here, which is no defect", () => {
    const { code, stderr } = runShell(`ulimit -v 5000000; netmem ${PLAIN.join(" ")} ${GOOD}`);
    expect(code).toBe(4);
    expect(stderr).toContain("ulimit -v");
  });
});

describe("a cost table without an end", () => {
  it("is refused at 1 MiB", () => {
    const { code, stderr } = runCli([...PLAIN, "--cost", "/dev/zero", GOOD]);
    expect(code).toBe(2);
    expect(stderr).toContain("larger than 1 MiB");
  });
});

describe("a capture whose name commands a terminal", () => {
  it("is named without doing so, in tables and in errors", () => {
    const path = join(folder, "\u001b]0;mine\u0007.pcap");
    const missing = runCli(["replay", "-p", "page", path]);
    writeFileSync(path, readFileSync(GOOD));
    const found = runCli(["replay", "-p", "page", path]);
    expect([missing.code, found.code]).toEqual([5, 0]);
    for (const shown of [missing.stderr, found.stdout]) {
      expect(shown).toContain("\\x1b]0;mine\\x07.pcap");
      expect(shown).not.toContain("\u001b");
    }
  });
});
