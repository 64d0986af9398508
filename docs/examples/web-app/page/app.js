// @ts-check
// What the person sees: signed out, or their notes.
import { getJson, Problem, postJson, remove } from './server.js'
import { beginSignIn, finishSignIn, isAnswer } from './sign-in.js'

const draftItem = 'draft'

const configuration = await getJson('/api/configuration')
for (const place of document.querySelectorAll('[data-site]')) place.textContent = new URL(configuration.site).host

element('sign-in').addEventListener('click', () => busy(element('sign-in'), signIn))
element('sign-out').addEventListener('click', () => busy(element('sign-out'), signOut))
element('note').addEventListener('submit', (event) => {
  event.preventDefault()
  busy(element('save'), saveNote)
})
await busy(element('sign-in'), arrive)

async function arrive() {
  const answer = new URLSearchParams(location.search)
  // RFC 9700 §4.2.4: the code must not stay in the address bar and the history.
  if (location.search) history.replaceState(null, '', '/')
  if (isAnswer(answer)) await finishSignIn(configuration, answer).catch(show)
  const { person } = await getJson('/api/session')
  if (person) await showNotes(person)
  else showSignedOut()
}

async function signIn() {
  location.assign(await beginSignIn(configuration))
}

async function signOut() {
  await remove('/api/session')
  sessionStorage.removeItem(draftItem)
  formElement('note').reset()
  element('saved').replaceChildren()
  showSignedOut()
}

async function saveNote() {
  const { project, subject, content } = draft()
  const note = await postJson('/api/notes', { projectId: Number(project), subject, content })
  const row = document.createElement('li')
  const title = document.createElement('strong')
  title.textContent = note.subject
  const detail = document.createElement('span')
  detail.textContent = `Note ${note.id} in ${note.project}, created by ${note.createdBy}`
  row.append(title, detail)
  element('saved').prepend(row)
  formElement('note').reset()
  field('project').value = project
  say('Saved.')
}

/** @param {{ name: string, login: string }} person */
async function showNotes({ name }) {
  const { projects } = await getJson('/api/projects')
  element('person').textContent = name
  field('project').replaceChildren(
    ...projects.map((/** @type {{ id: number, name: string }} */ project) => {
      return new Option(project.name, String(project.id))
    }),
  )
  restoreDraft()
  element('signed-out').hidden = true
  for (const id of ['signed-in', 'who']) element(id).hidden = false
  field('subject').focus()
}

function showSignedOut() {
  for (const id of ['signed-in', 'who']) element(id).hidden = true
  element('signed-out').hidden = false
}

/** One thing at a time; what goes wrong is shown. @param {HTMLElement} button @param {() => Promise<void>} work */
async function busy(button, work) {
  const main = element('main')
  if (main.getAttribute('aria-busy') === 'true') return
  main.setAttribute('aria-busy', 'true')
  button.setAttribute('aria-disabled', 'true')
  say('')
  try {
    await work()
  } catch (thrown) {
    show(thrown)
  } finally {
    main.removeAttribute('aria-busy')
    button.removeAttribute('aria-disabled')
  }
}

/** @param {unknown} thrown */
function show(thrown) {
  const problem = thrown instanceof Problem ? thrown : new Problem('page_error', 'Something went wrong in this page.')
  if (problem.code === 'signed_out') {
    // What was typed is there again after the next sign-in.
    sessionStorage.setItem(draftItem, JSON.stringify(draft()))
    showSignedOut()
  }
  say(problem.message, problem.code)
}

/** @param {string} text @param {string} [code] */
function say(text, code) {
  const message = element('message')
  message.textContent = text
  message.hidden = text === ''
  message.dataset['kind'] = code === undefined ? 'good' : 'problem'
  message.dataset['code'] = code ?? ''
}

function draft() {
  return { project: field('project').value, subject: field('subject').value, content: field('content').value }
}

function restoreDraft() {
  const kept = JSON.parse(sessionStorage.getItem(draftItem) ?? '{}')
  sessionStorage.removeItem(draftItem)
  for (const [id, value] of Object.entries(kept)) field(id).value = value
}

/** @param {string} id */
function element(id) {
  const found = document.getElementById(id)
  if (!found) throw new Error(`the page has no "${id}"`)
  return found
}

/** @param {string} id */
function field(id) {
  return /** @type {HTMLSelectElement & HTMLInputElement} */ (element(id))
}

/** @param {string} id */
function formElement(id) {
  return /** @type {HTMLFormElement} */ (element(id))
}
