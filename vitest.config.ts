import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // oclif writes through console; vitest would swallow it and every captured stdout would be empty.
    disableConsoleIntercept: true,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Real kernels, signals and host clocks are under test too, on shared machines: what fails has
    // one more try, and is named where it needed it. The model's tests fail twice alike.
    retry: 1,
  },
});
