import pRetry from 'p-retry'
import type { Page } from 'playwright-core'

/** Keeps a picture of the page as that file. Chromium on a machine that is busy with much else sometimes has none to give: it is asked again. */
export async function keepPicture(page: Page, path: string): Promise<void> {
  await pRetry(() => page.screenshot({ path }), { retries: 4, minTimeout: 250 })
}
