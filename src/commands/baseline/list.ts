import { type BaselineEntry, listBaselines } from "../../replay/compare/baseline-store.js";
import { resolveTrials } from "../../replay/plan/trial-plan.js";
import { baselineTable } from "../../report/table/baseline-table.js";
import { styleFor } from "../../report/table/style.js";
import { BaseCommand } from "../shared/base-command.js";
import { baselinesFlag } from "../shared/trial-flags.js";

/** Lists saved baselines. */
export default class BaselineList extends BaseCommand {
  static override summary = "List the saved baselines.";
  static override examples = [
    {
      description: "Those of this folder.",
      command: "<%= config.bin %> <%= command.id %>",
    },
    {
      description: "Those of another, for a program.",
      command: "<%= config.bin %> <%= command.id %> --baselines perf --json",
    },
  ];
  static override flags = baselinesFlag();

  async run(): Promise<{ baselines: BaselineEntry[] }> {
    const { flags } = await this.parse(BaselineList);
    const sources = { flags, environment: process.env, cwd: process.cwd() };
    const { baselines: folder } = await resolveTrials("baseline", sources);
    const baselines = await listBaselines(folder!);
    this.log(
      baselines.length === 0
        ? `no baselines in ${folder}`
        : baselineTable(baselines, styleFor(process.stdout, process.env)),
    );
    return { baselines };
  }
}
