import { Args } from "@oclif/core";
import type { SchemaKind } from "../replay/record/json-schema.js";
import { BaseCommand } from "./shared/base-command.js";

/** Prints the JSON Schema of what netmem writes. */
export default class Schema extends BaseCommand {
  static override summary = "Print the JSON Schema of what netmem writes.";
  static override description =
    "A record is what replay writes for one capture, a suite what it writes for several; " +
    "comparison, gate and baseline are what the commands of these names write, comparison-shard " +
    "what compare --shard writes, and fault what fault run writes.";
  static override examples = [
    {
      description: "The schema of one capture's record.",
      command: "<%= config.bin %> <%= command.id %>",
    },
    {
      description: "The schema of what several captures give.",
      command: "<%= config.bin %> <%= command.id %> suite",
    },
  ];
  static override args = {
    kind: Args.string({
      description: "document",
      options: ["record", "suite", "comparison", "comparison-shard", "gate", "baseline", "fault"],
      default: "record",
      ignoreStdin: true,
    }),
  };

  async run(): Promise<Record<string, unknown>> {
    const { args } = await this.parse(Schema);
    const { jsonSchema } = await import("../replay/record/json-schema.js");
    const schema = jsonSchema(args.kind as SchemaKind);
    this.log(JSON.stringify(schema, null, 2));
    return schema;
  }
}
