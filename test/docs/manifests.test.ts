import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

/**
 * The manifests of the docs and the action against the parts of their schemas in `schemas/`. The
 * schemas are kept by hand and know only what is used here; a field that they do not know is wrong
 * until it is looked up and added.
 */
const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const schema = (name: string) => JSON.parse(read(`test/docs/schemas/${name}.json`)) as object;

function problemsOf(document: unknown, name: string, part?: string): unknown {
  const ajv = new Ajv2020({ allErrors: true });
  const whole = schema(name) as { $defs?: object };
  const used = part === undefined ? whole : { $ref: `#/$defs/${part}`, $defs: whole.$defs };
  const check = ajv.compile(used);
  check(document);
  return check.errors ?? [];
}

/** The YAML blocks of a document that begin with a word. */
function blocks(path: string): string[] {
  return [...read(path).matchAll(/^```yaml\n(.*?)^```/gms)].map((match) => match[1]!);
}

const blockWith = (path: string, text: string) =>
  parse(blocks(path).find((block) => block.includes(text))!) as Record<string, unknown>;

describe("the manifests", () => {
  const job = blockWith("docs/scale.md", "kind: Job");

  it("for Kubernetes are an indexed Job", () => {
    expect(problemsOf(job, "kubernetes-job")).toEqual([]);
    const spec = job.spec as {
      completions: number;
      completionMode: string;
      template: {
        spec: {
          volumes: Array<{ name: string }>;
          containers: Array<{ args: string[]; volumeMounts: Array<{ name: string }> }>;
        };
      };
    };
    expect(spec.completionMode).toBe("Indexed");
    const [container] = spec.template.spec.containers;
    expect(container!.args[0]).toContain(`--shard auto/${spec.completions} `);
    const volumes = spec.template.spec.volumes.map(({ name }) => name);
    expect(container!.volumeMounts.map(({ name }) => name)).toEqual(volumes);
  });

  it("for GitHub are workflows", () => {
    for (const [path, text] of [
      ["docs/scale.md", "name: suite"],
      ["docs/ci.md", "name: perf"],
    ] as const) {
      expect(problemsOf(blockWith(path, text), "github", "workflow")).toEqual([]);
    }
    const { jobs } = blockWith("docs/scale.md", "name: suite") as {
      jobs: { replay: { strategy: { matrix: { shard: number[] } } } };
    };
    expect(jobs.replay.strategy.matrix.shard).toEqual([1, 2, 3, 4, 5]);
    expect(read("docs/scale.md")).toContain("NETMEM_SHARD: ${{ matrix.shard }}/5");
  });

  it("for GitLab are jobs", () => {
    expect(problemsOf(blockWith("docs/scale.md", "parallel: 5"), "gitlab")).toEqual([]);
    expect(problemsOf(blockWith("docs/ci.md", "junit: gate.xml"), "gitlab")).toEqual([]);
  });

  it("are held by schemas that find what is wrong", () => {
    const broken = structuredClone(job) as { spec: Record<string, unknown> };
    broken.spec.completionsMode = "Indexed";
    expect(problemsOf(broken, "kubernetes-job")).not.toEqual([]);
    expect(problemsOf({ replay: { scripts: [] } }, "gitlab")).not.toEqual([]);
  });
});

describe("the action", () => {
  const action = parse(read("action.yml")) as {
    runs: { steps: Array<{ run?: string; id?: string }> };
  };

  it("is a composite one", () => {
    expect(problemsOf(action, "github", "action")).toEqual([]);
  });

  it("has scripts that a shell takes", () => {
    for (const { run } of action.runs.steps) {
      if (run === undefined) continue;
      expect(spawnSync("bash", ["-n"], { input: run, encoding: "utf8" }).stderr).toBe("");
    }
  });
});
