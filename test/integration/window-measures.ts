/** These run in the page, alone: what they need stands inside them. */

/** The lowest WCAG 2 contrast between any text and what is behind it, and that text. */
export function lowestContrast(): { readonly contrast: number; readonly text: string } {
  type Colour = readonly [number, number, number, number]
  const parse = (css: string): Colour => {
    const [r = 0, g = 0, b = 0, a = 1] = (css.match(/[\d.]+/g) ?? []).map(Number)
    return [r, g, b, a]
  }
  const over = (front: Colour, back: Colour): Colour => {
    const mix = (index: 0 | 1 | 2): number => front[index] * front[3] + back[index] * (1 - front[3])
    return [mix(0), mix(1), mix(2), 1]
  }
  const luminance = ([r, g, b]: Colour): number => {
    const [x = 0, y = 0, z = 0] = [r, g, b].map((part) =>
      part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4,
    )
    return 0.2126 * x + 0.7152 * y + 0.0722 * z
  }
  const behind = (element: Element | null): Colour => {
    if (!element) return [255, 255, 255, 1]
    const own = parse(getComputedStyle(element).backgroundColor)
    return own[3] === 1 ? own : over(own, behind(element.parentElement))
  }
  const contrastOf = (front: Colour, back: Colour): number => {
    const [a, b] = [luminance(over(front, back)), luminance(back)]
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
  }
  let lowest = { contrast: Number.POSITIVE_INFINITY, text: '' }
  for (const element of document.body.querySelectorAll('*')) {
    if (element.closest('.unseen, :disabled, [aria-disabled="true"], option')) continue
    const own = [...element.childNodes].filter((node) => node instanceof Text).map((node) => node.data)
    const isField = element instanceof HTMLInputElement && element.type === 'text'
    const text = isField ? element.placeholder : own.join('')
    if (text.trim() === '') continue
    const colours = [getComputedStyle(element).color]
    if (isField) colours.push(getComputedStyle(element, '::placeholder').color)
    for (const colour of colours) {
      const contrast = contrastOf(parse(colour), behind(element))
      if (contrast < lowest.contrast) lowest = { contrast, text }
    }
  }
  return lowest
}

/** What one would have to scroll sideways for. */
export function outsideTheWindow(): string[] {
  const found: string[] = []
  for (const element of document.querySelectorAll('html, body, body *')) {
    if (element.closest('.unseen, svg')) continue
    const { left, right } = element.getBoundingClientRect()
    const scrolls = element.scrollWidth > element.clientWidth + 1 && element.matches('html, body, main, footer, dd, h1')
    if (left < -1 || right > innerWidth + 1 || scrolls)
      found.push(`${element.localName}.${element.className}: ${left} to ${right}, ${element.scrollWidth}`)
  }
  return found
}

/** Text that is longer than the place it is given. */
export function clippedText(): string[] {
  return [...document.querySelectorAll('main *')]
    .filter((element) => !element.closest('.unseen, svg, progress') && !(element instanceof HTMLInputElement))
    .filter((element) => getComputedStyle(element).overflowY !== 'visible')
    .filter(({ scrollHeight, clientHeight }) => scrollHeight > clientHeight + 1)
    .map(({ className, textContent }) => `${className}: ${textContent}`)
}

/** Buttons that the system's own colours would leave without a shape. */
export function buttonsWithoutEdge(): string[] {
  return [...document.querySelectorAll('button')]
    .filter((button) => getComputedStyle(button).borderStyle !== 'solid')
    .map(({ textContent }) => textContent)
}
