import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Resvg } from '@resvg/resvg-js'
import { icnsSizes, icoSizes, type Picture, writeIcns, writeIco } from './containers.ts'

/** What the tray can say; each state has a drawing of its own, told apart by shape as well as by colour. */
export const trayStates = ['signed-out', 'signing-in', 'signed-in', 'attention', 'offline', 'locked'] as const

/** The panel an icon is for: the drawings are for a light one. */
export const trayThemes = ['light', 'dark'] as const

/** On Linux a tray icon is 22 points high; panels of dense screens take the second size. */
export const traySizes = [
  { suffix: '', pixels: 22 },
  { suffix: '@2x', pixels: 44 },
] as const

export interface Icon {
  /** `tray-<state>-<theme>.png`, the same with `@2x`, or `app.png`. */
  readonly name: string
  readonly png: Uint8Array
}

const onDark = new Map([
  ['#1f2937', '#f3f4f6'],
  ['#2563eb', '#60a5fa'],
  ['#059669', '#34d399'],
  ['#d97706', '#fbbf24'],
  ['#7c3aed', '#a78bfa'],
  ['#6b7280', '#9ca3af'],
])

/** Every icon the app uses, rendered from the drawings in this folder. */
export function renderIcons(): Icon[] {
  const tray = trayStates.flatMap((state) =>
    trayThemes.flatMap((theme) => {
      const drawing = theme === 'dark' ? recolour(readDrawing(`tray-${state}`)) : readDrawing(`tray-${state}`)
      return traySizes.map(({ suffix, pixels }) => ({
        name: `tray-${state}-${theme}${suffix}.png`,
        png: render(drawing, pixels),
      }))
    }),
  )
  return [...tray, { name: 'app.png', png: renderAppIcon(512) }]
}

/** The app's own drawing, for systems that scale it themselves. */
export const appDrawing = fileURLToPath(new URL('app.svg', import.meta.url))

/** The app's icon, `pixels` wide and high. */
export function renderAppIcon(pixels: number): Uint8Array {
  return render(readDrawing('app'), pixels)
}

/** The program's own icon: `app.ico` for Windows, `app.icns` for macOS, each size drawn for itself. */
export function renderAppIcons(): { readonly name: string; readonly content: Uint8Array }[] {
  const drawing = readDrawing('app')
  return [
    { name: 'app.ico', content: writeIco(icoSizes.map((size) => picture(drawing, size))) },
    { name: 'app.icns', content: writeIcns(icnsSizes.map((size) => picture(drawing, size))) },
  ]
}

function readDrawing(name: string): string {
  return readFileSync(new URL(`${name}.svg`, import.meta.url), 'utf8')
}

/** Throws for a colour that has no counterpart, so that no drawing stays dark on a dark panel. */
function recolour(drawing: string): string {
  return drawing.replaceAll(/#[0-9a-f]{6}\b/g, (colour) => {
    const lighter = onDark.get(colour)
    if (lighter === undefined) throw new Error(`"${colour}" has no counterpart for dark panels`)
    return lighter
  })
}

function render(drawing: string, pixels: number): Uint8Array {
  return draw(drawing, pixels).asPng()
}

function picture(drawing: string, size: number): Picture {
  const drawn = draw(drawing, size)
  return { size, rgba: straighten(drawn.pixels), png: drawn.asPng() }
}

/** resvg's colours are multiplied by their alpha, an icon's are not. */
function straighten(premultiplied: Uint8Array): Uint8Array {
  return Uint8Array.from(premultiplied, (value, index) => {
    const alpha = premultiplied[index | 3] ?? 0
    return index % 4 === 3 || alpha === 0 ? value : Math.min(255, Math.round((value * 255) / alpha))
  })
}

function draw(drawing: string, pixels: number) {
  return new Resvg(drawing, { fitTo: { mode: 'width', value: pixels } }).render()
}
