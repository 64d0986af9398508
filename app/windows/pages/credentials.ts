import type { AskedField, CredentialsForm as FormWords, SignInView } from '../contract.ts'
import type { Drawing, Page } from './drawn-window.ts'
import { actionRow, button, heading, paragraph, problemBox } from './elements.ts'
import { mark } from './icons.ts'
import { type Child, h, type Tree } from './tree.ts'

const fields = ['login', 'passphrase', 'code'] as const
type Field = (typeof fields)[number]

/**
 * Asks for login, passphrase and, where the site wants one, the code. What is typed lives in the fields alone: passphrase and
 * code leave them for the main process once, and are gone from the page.
 */
export class CredentialsForm {
  readonly #page: Page
  /** What is being asked for; focus comes to it once. */
  #asked = ''

  constructor(page: Page) {
    this.#page = page
  }

  draw(view: SignInView, words: FormWords): Drawing {
    this.#focusWhenNew(words)
    const { calls } = this.#page
    const busy = calls.isRunning('credentials')
    const failure = calls.failureOf('credentials')
    const said = view.problem?.sentence
    const submit = (event: Event): void => {
      event.preventDefault()
      if (!busy) void this.#submit(words)
    }
    const inside = fields.map((field) => words[field] && entry(field, words[field], busy))
    return {
      main: [
        h('div', { class: 'head' }, [
          mark(),
          h('div', {}, [heading(1, view.headline, { id: 'asking' }), paragraph(view.text, 'text')]),
        ]),
        view.problem && !busy && problemBox(view.problem),
        view.help && !busy && actionRow(this.#page, view.help),
        failure && failure.sentence !== said && problemBox(failure),
        h('form', { id: 'credentials', novalidate: true, 'aria-labelledby': 'asking' }, inside, {
          key: words.site,
          on: { submit },
        }),
      ],
      foot: [
        h('div', { class: 'buttons end' }, [
          actionRow(this.#page, view.actions),
          button(words.submit, { kind: 'primary', busy, submits: 'credentials', main: true }),
        ]),
      ],
    }
  }

  /** Nothing is asked for any more. */
  rest(): void {
    this.#asked = ''
  }

  async #submit(words: FormWords): Promise<void> {
    const empty = firstEmpty()
    if (empty) return empty.focus()
    const { login, passphrase, code } = { login: take('login'), passphrase: take('passphrase'), code: take('code') }
    const args = { site: words.site, login, passphrase, ...(words.code ? { code } : {}) }
    const { ok } = await this.#page.calls.run('credentials', 'submitCredentials', args)
    if (!ok) firstEmpty()?.focus()
  }

  #focusWhenNew({ site, code }: FormWords): void {
    const asked = `${site} ${code ? 'code' : ''}`
    if (asked === this.#asked) return
    this.#asked = asked
    // After the page is drawn.
    queueMicrotask(() => firstEmpty()?.focus())
  }
}

function inputOf(field: Field): HTMLInputElement | undefined {
  const found = document.getElementById(field)
  return found instanceof HTMLInputElement ? found : undefined
}

function firstEmpty(): HTMLInputElement | undefined {
  return fields.map(inputOf).find((input) => input?.value.trim() === '')
}

/** What was typed; only the login stays for the next try. */
function take(field: Field): string {
  const input = inputOf(field)
  if (!input) return ''
  const text = input.value
  if (field !== 'login') input.value = ''
  return field === 'passphrase' ? text : text.trim()
}

function entry(field: Field, { label, hint }: AskedField, busy: boolean): Tree {
  const attributes = {
    id: field,
    class: 'field',
    type: field === 'passphrase' ? 'password' : 'text',
    autocomplete: 'off',
    autocapitalize: 'none',
    spellcheck: 'false',
    dir: 'ltr',
    readonly: busy,
    'aria-required': 'true',
    'aria-describedby': hint === '' ? undefined : `${field}-hint`,
  }
  const words: Child = hint !== '' && h('p', { class: 'hint', id: `${field}-hint` }, [hint])
  return h('div', { class: 'entry' }, [h('label', { for: field }, [label]), words, h('input', attributes)], {
    key: field,
  })
}
