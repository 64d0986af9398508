import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { launchChromium } from '../chromium.ts'

/** The pictures that the demo takes, in the order of the morning, and what is written under them. */
const panels = [
  ['tray-sign-in.png', 'One click in the tray'],
  ['sign-in.png', 'Autodesk’s own page, in the browser (of the sandbox)'],
  ['signed-in.png', 'And back: the tab can go'],
] as const

/**
 * The morning on one picture, `morning.png` in `folder`: the three that lie there already, and a terminal with `typed`, what
 * Python really printed.
 */
export async function drawMorning(folder: string, typed: string): Promise<void> {
  const shots = await Promise.all(
    panels.map(async ([name, caption], index) => {
      const image = (await readFile(join(folder, name))).toString('base64')
      return panel(index + 1, caption, `<img src="data:image/png;base64,${image}" alt="">`)
    }),
  )
  const terminal = panel(
    4,
    'Every tool has the session: nothing to type',
    `<pre>${typed.split('\n').map(drawLine).join('\n')}</pre>`,
  )
  const page = `<!doctype html><meta charset="utf-8"><style>${style}</style><main>${shots.join('')}${terminal}</main>`
  const browser = await launchChromium()
  try {
    const tab = await browser.newPage({ viewport: { width: 1180, height: 860 }, deviceScaleFactor: 1.5 })
    await tab.setContent(page)
    await tab.locator('main').screenshot({ path: join(folder, 'morning.png') })
  } finally {
    await browser.close()
  }
}

function panel(number: number, caption: string, content: string): string {
  return `<figure><div>${content}</div><figcaption><b>${number}</b>${escaped(caption)}</figcaption></figure>`
}

function drawLine(line: string): string {
  return line.startsWith('>>> ') ? `<i>&gt;&gt;&gt;</i> ${escaped(line.slice(4))}` : `<u>${escaped(line)}</u>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

const style = `
  body { margin: 0; }
  main { width: 1180px; box-sizing: border-box; padding: 20px; display: grid; grid-template-columns: 1fr 1fr; gap: 20px; background: #eef0f4;
    font: 17px/1.4 "DejaVu Sans", sans-serif; color: #1d1f23; }
  figure { margin: 0; background: #fff; border: 1px solid #d5d9e0; border-radius: 10px; overflow: hidden; }
  figure > div { height: 340px; overflow: hidden; background: #17212b; }
  img { width: 100%; height: 100%; object-fit: cover; object-position: 50% 50%; display: block; }
  figure:first-child img { object-position: 100% 0; }
  figcaption { display: flex; align-items: center; gap: 10px; padding: 10px 14px; border-top: 1px solid #d5d9e0; }
  b { background: #2456c8; color: #fff; border-radius: 50%; width: 26px; height: 26px; display: grid; place-items: center; font-size: 14px; }
  pre { margin: 0; padding: 18px; font: 14px/1.55 "DejaVu Sans Mono", monospace; color: #e8edf2; white-space: pre-wrap; overflow-wrap: anywhere; }
  i { font-style: normal; color: #6fb3ff; }
  u { text-decoration: none; color: #9fd8a8; }
`
