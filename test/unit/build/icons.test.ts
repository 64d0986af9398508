import { Resvg } from '@resvg/resvg-js'
import { describe, expect, test } from 'vitest'
import { renderIcons, traySizes, trayStates, trayThemes } from '../../../build/icons/render.ts'

const icons = new Map(renderIcons().map(({ name, png }) => [name, Buffer.from(png)]))

describe('the icons of the tray', () => {
  for (const state of trayStates) {
    test(`${state} has one for each panel, in both sizes`, () => {
      for (const theme of trayThemes) {
        for (const { suffix, pixels } of traySizes) {
          const icon = icons.get(`tray-${state}-${theme}${suffix}.png`)
          expect(sizeOf(icon)).toEqual([pixels, pixels])
        }
      }
    })
  }

  test('are all different', () => {
    expect(icons.size).toBe(trayStates.length * trayThemes.length * traySizes.length + 1)
    expect(new Set([...icons.values()].map((png) => png.toString('base64'))).size).toBe(icons.size)
  })

  test('are told apart by shape alone, as by somebody who sees no colours', () => {
    const shapes = trayStates.map((state) => shapeOf(icons.get(`tray-${state}-dark.png`)))
    for (const [at, shape] of shapes.entries()) {
      expect(shape.filter((alpha) => alpha > 128).length).toBeGreaterThan(60)
      for (const other of shapes.slice(at + 1)) {
        const differing = shape.filter((alpha, pixel) => Math.abs(alpha - (other[pixel] ?? 0)) > 96)
        expect(differing.length).toBeGreaterThan(30)
      }
    }
  })
})

test('the app has an icon that installers accept', () => {
  expect(sizeOf(icons.get('app.png'))).toEqual([512, 512])
})

/** Width and height as the IHDR chunk says (PNG §11.2.1). */
function sizeOf(png: Buffer | undefined): [number, number] {
  expect(png?.subarray(1, 4).toString('latin1')).toBe('PNG')
  return [png?.readUInt32BE(16) ?? 0, png?.readUInt32BE(20) ?? 0]
}

/** How opaque each pixel is. */
function shapeOf(png: Buffer | undefined): number[] {
  const [width, height] = sizeOf(png)
  const image = `<image width="${width}" height="${height}" href="data:image/png;base64,${png?.toString('base64')}"/>`
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${image}</svg>`
  return [...new Resvg(svg).render().pixels].filter((_, at) => at % 4 === 3)
}
