// @ts-check
// What has to survive the way to Autodesk and back: the key in IndexedDB, which can hold one that cannot be read; the rest in
// this tab's sessionStorage. Both are gone before anything is done with them.

/** @typedef {{ state: string, verifier: string, challenge: string, keys: CryptoKeyPair }} Attempt */

const item = 'sign-in'
const table = 'keys'
/** The broker's challenges live for ten minutes: an older key is of no use. */
const lifeMs = 15 * 60_000

/** @param {Attempt} attempt */
export async function keepAttempt({ keys, ...rest }) {
  await inTable((store) => {
    dropOld(store)
    return store.put({ keys, begunAt: Date.now() }, rest.state)
  })
  sessionStorage.setItem(item, JSON.stringify(rest))
}

/** The attempt of this tab, once; undefined when there is none. @returns {Promise<Attempt | undefined>} */
export async function takeAttempt() {
  const text = sessionStorage.getItem(item)
  sessionStorage.removeItem(item)
  if (text === null) return undefined
  const rest = JSON.parse(text)
  const kept = await inTable((store) => store.get(rest.state))
  await inTable((store) => {
    dropOld(store)
    return store.delete(rest.state)
  })
  return kept && { ...rest, keys: kept.keys }
}

/** Keys of sign-ins that nobody came back from. @param {IDBObjectStore} store */
function dropOld(store) {
  store.openCursor().onsuccess = (event) => {
    const cursor = /** @type {IDBRequest<IDBCursorWithValue | null>} */ (event.target).result
    if (!cursor) return
    if (cursor.value.begunAt < Date.now() - lifeMs) cursor.delete()
    cursor.continue()
  }
}

/**
 * Does one thing in a transaction, and waits until it is on disk.
 * @param {(store: IDBObjectStore) => IDBRequest} work
 * @returns {Promise<any>}
 */
async function inTable(work) {
  const database = await new Promise((resolve, reject) => {
    const opening = indexedDB.open('sign-in', 1)
    opening.onupgradeneeded = () => opening.result.createObjectStore(table)
    opening.onsuccess = () => resolve(opening.result)
    opening.onerror = () => reject(opening.error)
  })
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(table, 'readwrite')
      const request = work(transaction.objectStore(table))
      transaction.oncomplete = () => resolve(request.result)
      transaction.onabort = () => reject(transaction.error)
    })
  } finally {
    database.close()
  }
}
