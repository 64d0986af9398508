import { launchChromium } from '../chromium.ts'
import type { MenuEntry } from './menu.ts'
import type { TrayItem } from './tray-item.ts'

/** A picture of the icon in a panel with its menu open, drawn from what the program really sends; for documentation. */
export async function drawMenu(item: TrayItem, file: string): Promise<void> {
  const clock = new Intl.DateTimeFormat('en', { timeStyle: 'short' }).format()
  const icon = `data:image/png;base64,${item.iconPng().toString('base64')}`
  const page = `<!doctype html><meta charset="utf-8"><style>${style}</style><div class="screen">
    <div class="panel"><img src="${icon}" alt=""><span>${clock}</span></div>
    <ul>${(await item.menu()).map(line).join('')}</ul></div>`
  const browser = await launchChromium()
  try {
    const tab = await browser.newPage({ viewport: { width: 520, height: 450 }, deviceScaleFactor: 2 })
    await tab.setContent(page)
    await tab.locator('.screen').screenshot({ path: file })
  } finally {
    await browser.close()
  }
}

function line({ label, type, enabled, visible, toggle, children }: MenuEntry): string {
  if (!visible) return ''
  if (type === 'separator') return '<li class="line"></li>'
  const mark = toggle?.on ? '✓' : ''
  const more = children.length > 0 ? '▸' : ''
  return `<li class="${enabled ? '' : 'off'}"><i>${mark}</i><span>${escaped(label)}</span><b>${more}</b></li>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

const style = `
  body { margin: 0; font: 14px/1.3 "DejaVu Sans", sans-serif; }
  .screen { width: 520px; height: 450px; background: linear-gradient(160deg, #34495e, #17212b); position: relative; }
  .panel { background: #f4f4f6; height: 34px; display: flex; justify-content: flex-end; align-items: center; gap: 14px;
    padding: 0 14px; }
  .panel img { width: 22px; height: 22px; }
  ul { position: absolute; top: 38px; right: 40px; margin: 0; padding: 6px 0; list-style: none; background: #fff; border-radius: 8px;
    box-shadow: 0 8px 28px #0007; min-width: 330px; }
  li { display: flex; padding: 5px 12px; color: #1d1f23; }
  li.off { color: #7a7d85; }
  li.line { border-top: 1px solid #e2e3e8; margin: 5px 0; padding: 0; }
  i { width: 20px; font-style: normal; }
  li span { flex: 1; white-space: nowrap; }
  b { font-weight: normal; color: #7a7d85; }
`
