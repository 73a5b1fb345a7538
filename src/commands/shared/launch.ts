/** What bin/run.js starts: out of the bundle, where it and the commands share one oclif. */
export { execute } from "@oclif/core";
