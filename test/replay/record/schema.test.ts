import { describe, expect, it } from "vitest";
import { jsonNumber } from "../../../src/replay/record/json-number.js";
import { jsonSchema } from "../../../src/replay/record/json-schema.js";
import { recordSchema, suiteSchema } from "../../../src/replay/record/schema.js";
import { recordOf, runOf, streamOf, suiteOf } from "../../report/sample-record.js";

describe("the record's schema", () => {
  it("takes a whole record and a suite of them, unchanged by a round trip through JSON", () => {
    const record = recordOf({ runs: [runOf("page", { streams: [streamOf()] })] });
    const read: unknown = JSON.parse(JSON.stringify(record));
    expect(recordSchema.parse(read)).toEqual(record);
    expect(suiteSchema.parse(suiteOf(record))).toEqual(suiteOf(record));
  });

  it("takes a guest's record, which has no host clock", () => {
    const { host: _, ...guest } = runOf("kernel", { clock: "kernel", headerPool: null });
    expect(recordSchema.safeParse(recordOf({ runs: [guest] })).success).toBe(true);
  });

  it.each<[string, object]>([
    ["an unknown name", { extra: 1 }],
    ["a fraction where a count belongs", { packets: 1.5 }],
    ["a negative count", { bytes: -1 }],
    ["a number beyond 2^53", { bytes: 2 ** 53 }],
    ["an unknown clock", { clock: "wall" }],
    ["a stream end that is none", { streams: [{ ...streamOf(), end: "gone" }] }],
  ])("refuses %s", (_, changes) => {
    const runs = [{ ...runOf("page"), ...changes }];
    expect(recordSchema.safeParse({ ...recordOf(), runs }).success).toBe(false);
  });

  it("is published as JSON Schema that says when a number is a string", () => {
    const schema = jsonSchema("record") as { properties: Record<string, unknown>; title: string };
    expect(schema.title).toBe("netmem.record/1");
    const capture = schema.properties.capture as { properties: { bytes: unknown } };
    expect(capture.properties.bytes).toMatchObject({
      anyOf: [{ type: "integer", maximum: Number.MAX_SAFE_INTEGER }, { type: "string" }],
    });
    expect(jsonSchema("suite").title).toBe("netmem.suite/1");
  });
});

describe("numbers in a record", () => {
  it("are JSON numbers below 2^53 and decimal strings from there", () => {
    expect(jsonNumber(2n ** 53n - 1n)).toBe(Number.MAX_SAFE_INTEGER);
    expect(jsonNumber(2n ** 53n)).toBe("9007199254740992");
    expect(jsonNumber(2 ** 60)).toBe("1152921504606846976");
    expect(jsonNumber(0)).toBe(0);
    expect(Object.is(jsonNumber(-0), 0)).toBe(true);
  });

  it("are whole", () => {
    for (const value of [0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => jsonNumber(value)).toThrow(RangeError);
    }
  });
});
