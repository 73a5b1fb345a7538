import { examine } from "../../engine/backend/doctor/examine.js";

/**
 * The process of `netmem doctor`: it probes, answers and ends.
 *
 *      argv: [node, this file, pid of the parent, inode of the host's network namespace]
 */
process.on("disconnect", () => process.exit(0));
process.send!(examine(Number(process.argv[3])), () => process.exit(0));
