import { defineConfig } from 'vitest/config'

/** The packages in a clean Debian: installed, used, brought up to date, removed. `npm run test:packages` makes them first. */
export default defineConfig({
  test: {
    name: 'packages',
    reporters: ['default', './test/counting-reporter.ts'],
    include: ['test/packages/**/*.test.ts'],
    root: '.',
    globalSetup: './test/packages/setup.ts',
    // Each has a Debian of its own to install into: one at a time, for the disk's sake.
    fileParallelism: false,
    // The first of a file may download and set up a hundred packages of Debian's.
    testTimeout: 900_000,
    hookTimeout: 180_000,
  },
})
