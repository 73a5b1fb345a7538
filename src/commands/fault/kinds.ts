import { faultKinds } from "../../replay/fault/catalogue.js";
import type { FaultKindEntry } from "../../replay/record/fault-schema.js";
import { faultKindTable } from "../../report/table/fault-table.js";
import { styleFor } from "../../report/table/style.js";
import { BaseCommand } from "../shared/base-command.js";

/** Lists the kinds of faults that a replay can be given. */
export default class FaultKinds extends BaseCommand {
  static override summary = "List what --fault KIND@WHEN[,arg=..] of replay can make go wrong.";
  static override description =
    "WHEN is a packet number (1000), a model time (5ms), a byte of a stream (2:64KiB: once 64 " +
    "KiB of stream 2 were read) or random (drawn by --seed from the first within=1000 packets). " +
    "Wire faults take random,rate=1% too: each packet with that chance.";
  static override examples = [
    { description: "The kinds.", command: "<%= config.bin %> <%= command.id %>" },
    {
      description: "One at work: the application dies before packet 40.",
      command: "<%= config.bin %> replay capture.pcap --fault app-crash@40",
    },
  ];

  async run(): Promise<{ kinds: FaultKindEntry[] }> {
    await this.parse(FaultKinds);
    const kinds = faultKinds();
    this.log(faultKindTable(kinds, styleFor(process.stdout, process.env)));
    return { kinds };
  }
}
