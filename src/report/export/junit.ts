import { type Check, type CheckGroup, checksOf, countOf } from "./checks.js";
import type { Subject } from "./subject.js";
import { escapeMarkup } from "./xml.js";

/**
 * JUnit's XML as CI servers read it: a suite a gate, comparison or provider's run, a test case a
 * threshold or check. What did not hold is a failure, what nobody could decide is skipped, and a
 * run that is broken in itself is an error.
 */
export function exportJunit(subject: Subject): string {
  const groups = checksOf(subject);
  const all = groups.flatMap(({ checks }) => checks);
  const seconds = groups.reduce((sum, group) => sum + group.seconds, 0);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="netmem" ${countsOf(all)} time="${seconds.toFixed(3)}">`,
    ...groups.map(suite),
    "</testsuites>",
    "",
  ].join("\n");
}

function suite({ name, seconds, properties, checks }: CheckGroup): string {
  const shown = escapeMarkup(name);
  return [
    `  <testsuite name="${shown}" ${countsOf(checks)} time="${seconds.toFixed(3)}">`,
    ...(properties.length === 0 ? [] : ["    <properties>"]),
    ...properties.map(
      ([key, value]) =>
        `      <property name="${escapeMarkup(key)}" value="${escapeMarkup(value)}"/>`,
    ),
    ...(properties.length === 0 ? [] : ["    </properties>"]),
    ...checks.map((check) => testCase(shown, check)),
    "  </testsuite>",
  ].join("\n");
}

function testCase(classname: string, { name, result, message }: Check): string {
  const head = `    <testcase classname="${classname}" name="${escapeMarkup(name)}" time="0.000"`;
  const said = escapeMarkup(message);
  if (result === "pass") {
    return said === "" ? `${head}/>` : `${head}><system-out>${said}</system-out></testcase>`;
  }
  if (result === "skip") return `${head}><skipped message="${said}"/></testcase>`;
  const tag = result === "fail" ? "failure" : "error";
  const kind = result === "fail" ? "threshold" : "invariant";
  return `${head}><${tag} type="${kind}" message="${said}">${said}</${tag}></testcase>`;
}

function countsOf(checks: readonly Check[]): string {
  const failures = countOf(checks, "fail");
  const errors = countOf(checks, "error");
  const skipped = countOf(checks, "skip");
  return `tests="${checks.length}" failures="${failures}" errors="${errors}" skipped="${skipped}"`;
}
