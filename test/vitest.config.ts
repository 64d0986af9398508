import { defineConfig } from 'vitest/config'

/** `unit` touches no socket, file or process; `integration` runs real peers and may take seconds a test. */
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], root: '.' } },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          root: '.',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
