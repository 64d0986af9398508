import type { SignInView } from '../contract.ts'
import { CredentialsForm } from './credentials.ts'
import { closesOnEscape, type DrawnWindow, type Page } from './drawn-window.ts'
import { actionRow, addressField, button, heading, mainAction, paragraph, problemBox } from './elements.ts'
import { icon, spinner } from './icons.ts'
import { type Child, h, type Tree } from './tree.ts'

/**
 * What goes on while the artist is at the browser, with another way back for a browser that cannot come back by itself; or the
 * form for login and passphrase.
 */
export function signInWindow(page: Page): DrawnWindow<SignInView> {
  const credentials = new CredentialsForm(page)
  let pasted = ''
  return {
    draw(view) {
      if (view.credentials) return credentials.draw(view, view.credentials)
      credentials.rest()
      return {
        main: [
          h('div', { class: 'centred' }, [
            stateMark(view.state),
            h('div', { class: 'said', 'aria-live': 'polite' }, [
              heading(1, view.headline),
              paragraph(view.text, 'text'),
            ]),
            view.problem && problemBox(view.problem),
            actionRow(page, view.actions, { said: [view.problem], main: mainAction(view.actions) }),
          ]),
          view.paste &&
            pasteForm(page, view.paste, view, {
              read: () => pasted,
              write: (text) => {
                pasted = text
              },
            }),
        ],
      }
    },
    leave: closesOnEscape(page),
  }
}

function stateMark(state: SignInView['state']): Tree {
  const marks = {
    starting: spinner(),
    waiting: spinner(),
    asking: icon('lock'),
    done: icon('check'),
    failed: icon('cross'),
  }
  return h('span', { class: `stage ${state}` }, [marks[state]])
}

interface Pasted {
  read(): string
  write(text: string): void
}

function pasteForm(page: Page, words: NonNullable<SignInView['paste']>, view: SignInView, pasted: Pasted): Child {
  const { calls } = page
  const busy = calls.isRunning('paste')
  const failure = calls.failureOf('paste')
  const submit = (event: Event): void => {
    event.preventDefault()
    const address = pasted.read().trim()
    if (busy) return
    if (address === '') document.getElementById('paste')?.focus()
    else void calls.run('paste', 'paste', { site: words.site, address })
  }
  const beside = button(words.submit, { kind: 'plain', busy, submits: 'paste-form' })
  const inside = [
    addressField({ label: words.label, hint: words.hint, value: '' }, { id: 'paste', onInput: pasted.write, beside }),
    failure && failure.sentence !== view.problem?.sentence && problemBox(failure),
  ]
  return h('form', { id: 'paste-form', novalidate: true }, inside, { key: words.site, on: { submit } })
}
