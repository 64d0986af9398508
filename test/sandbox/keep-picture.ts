import { setTimeout as pause } from 'node:timers/promises'
import type { Page } from 'playwright-core'

/** Keeps a picture of the page as that file. Chromium on a machine that is busy with much else sometimes has none to give: it is asked again. */
export async function keepPicture(page: Page, path: string): Promise<void> {
  for (let left = 4; ; left -= 1) {
    try {
      await page.screenshot({ path })
      return
    } catch (error) {
      if (left === 0) throw error
    }
    await pause(500)
  }
}
