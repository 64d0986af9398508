import type { Finding, FirstRunView, Problem } from '../contract.ts'
import { closesOnEscape, type DrawnWindow, type Page } from './drawn-window.ts'
import { addressField, button, heading, paragraph, problemBox } from './elements.ts'
import { mark, spinner } from './icons.ts'
import { type Child, h, type Tree } from './tree.ts'

const fields = ['site', 'broker'] as const
type Field = (typeof fields)[number]
type Addresses = Record<Field, string>

const pauseMs = 600

/** The addresses a fresh installation needs, checked while they are typed; and how signing in will go. */
export function firstRunWindow(page: Page): DrawnWindow<FirstRunView> {
  const form = new AddressForm(page)
  return {
    draw(view) {
      form.know({ site: view.site.value, broker: view.broker.value })
      const head = [heading(1, view.headline), paragraph(view.text, 'text')]
      return {
        main: [h('div', { class: 'head' }, [mark(), h('div', {}, head)]), form.draw(view)],
        foot: [form.drawSave(view)],
      }
    },
    leave: closesOnEscape(page),
  }
}

class AddressForm {
  readonly #page: Page
  /** What was there already, and what the person typed instead. */
  #known: Addresses = { site: '', broker: '' }
  readonly #typed: Partial<Addresses> = {}
  #findings: Partial<Record<Field, Finding>> = {}
  #wayIn: Problem | undefined
  #failure: Problem | undefined
  readonly #left = new Set<Field>()
  /** The addresses that were last asked about. */
  #asked = ''
  /** Only the answer to the newest question counts. */
  #question = 0
  #checking = false
  #ready = false
  /** Save was pressed before the answer came. */
  #saveWhenReady = false
  #pause: ReturnType<typeof setTimeout> | undefined

  constructor(page: Page) {
    this.#page = page
  }

  /** Takes over what is known already, where nothing was typed. */
  know(known: Addresses): void {
    const before = JSON.stringify(this.#addresses)
    this.#known = known
    if (JSON.stringify(this.#addresses) !== before) this.#checkAfter(0)
  }

  draw(view: FirstRunView): Tree {
    const submit = (event: Event): void => {
      event.preventDefault()
      if (!this.#page.calls.isRunning('save')) this.#submit()
    }
    const failures = [this.#failure, this.#page.calls.failureOf('save')]
    const inside = [
      ...fields.map((field) => this.#entry(view, field)),
      this.#wayIn && problemBox(this.#wayIn),
      ...failures.map((failure) => failure && problemBox(failure)),
    ]
    return h('form', { id: 'addresses', novalidate: true }, inside, { on: { submit } })
  }

  drawSave(view: FirstRunView): Child {
    const busy = this.#page.calls.isRunning('save')
    const state = { kind: 'primary', busy, notYet: !this.#ready, submits: 'addresses', main: true } as const
    const checking = this.#checking ? [spinner(), h('span', {}, [view.checking])] : []
    return h('div', { class: 'buttons end' }, [
      h('p', { class: 'checking', role: 'status' }, checking),
      button(view.save, state, undefined, 'save'),
    ])
  }

  #entry(view: FirstRunView, field: Field): Tree {
    return addressField(view[field], {
      id: field,
      finding: this.#shownFinding(field),
      focused: field === 'site',
      onInput: (text) => this.#type(field, text),
      onBlur: () => {
        this.#left.add(field)
        void this.#check()
      },
    })
  }

  /** Nobody is told that a field is empty before having been in it. */
  #shownFinding(field: Field): Finding | undefined {
    const finding = this.#findings[field]
    if (!finding?.text) return undefined
    return finding.good || this.#addresses[field] !== '' || this.#left.has(field) ? finding : undefined
  }

  get #addresses(): Addresses {
    const of = (field: Field): string => (this.#typed[field] ?? this.#known[field]).trim()
    return { site: of('site'), broker: of('broker') }
  }

  #type(field: Field, text: string): void {
    this.#typed[field] = text
    delete this.#findings[field]
    this.#failure = undefined
    this.#wayIn = undefined
    this.#question += 1
    this.#asked = ''
    this.#ready = this.#checking = this.#saveWhenReady = false
    this.#checkAfter(pauseMs)
    this.#page.redraw()
  }

  #checkAfter(ms: number): void {
    clearTimeout(this.#pause)
    this.#pause = setTimeout(() => void this.#check(), ms)
  }

  async #check(): Promise<void> {
    clearTimeout(this.#pause)
    const addresses = this.#addresses
    const asked = JSON.stringify(addresses)
    if (asked === this.#asked || (addresses.site === '' && addresses.broker === '')) return this.#page.redraw()
    this.#asked = asked
    this.#question += 1
    const question = this.#question
    this.#checking = true
    this.#failure = undefined
    this.#page.redraw()
    const outcome = await this.#page.calls.ask('checkAddresses', addresses)
    if (question !== this.#question) return
    this.#checking = false
    if (outcome.ok) {
      this.#findings = { site: outcome.value.site, broker: outcome.value.broker }
      this.#wayIn = outcome.value.wayIn
      this.#ready = outcome.value.ready
    } else {
      this.#failure = { tone: 'error', sentence: outcome.sentence, advice: outcome.advice }
      this.#asked = ''
    }
    this.#page.redraw()
    if (this.#saveWhenReady) this.#saveOrPoint()
  }

  #submit(): void {
    for (const field of fields) this.#left.add(field)
    void this.#check()
    if (this.#checking) this.#saveWhenReady = true
    else this.#saveOrPoint()
  }

  #saveOrPoint(): void {
    this.#saveWhenReady = false
    // Where both are right and it is not enough, a broker is missing.
    const missing = this.#wayIn ? 'broker' : 'site'
    const wrong = fields.find((field) => this.#findings[field]?.good === false) ?? missing
    if (this.#ready) void this.#page.calls.run('save', 'saveAddresses', this.#addresses)
    else if (!this.#failure) document.getElementById(wrong)?.focus()
  }
}
