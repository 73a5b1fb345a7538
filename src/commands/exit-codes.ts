import { ERROR_CODES, EXIT_MEANING } from "../replay/error.js";
import { BaseCommand } from "./shared/base-command.js";

const EXIT_TABLE = EXIT_MEANING.map(([code, meaning]) => `${String(code).padEnd(5)}${meaning}`);
const ERROR_TABLE = Object.entries(ERROR_CODES).map(
  ([name, code]) => `${String(code).padEnd(5)}${name}`,
);

/** Prints the exit codes; its help is the same table, so `netmem help exit-codes` works too. */
export default class ExitCodes extends BaseCommand {
  static override summary = "Print the exit codes and the error codes.";
  static override description = `${EXIT_TABLE.join("\n")}

Several at once: 7 before 5 before 3 before 6. The same under --json.

Error codes and the exit codes that go with them:

${ERROR_TABLE.join("\n")}`;
  static override examples = [
    {
      description: "The tables.",
      command: "<%= config.bin %> <%= command.id %>",
    },
    {
      description: "The same for a program.",
      command: "<%= config.bin %> <%= command.id %> --json",
    },
  ];

  async run(): Promise<unknown> {
    await this.parse(ExitCodes);
    this.log(ExitCodes.description);
    return {
      exitCodes: EXIT_MEANING.map(([code, meaning]) => ({ code, meaning })),
      errorCodes: ERROR_CODES,
    };
  }
}
