/** The bytes of one upload. */
export interface StoredFile {
  readonly name: string
  readonly contentType: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** What one file may weigh: they are kept in memory. */
export const largestFileBytes = 50 * 1024 * 1024

/** What was uploaded, under the id of its Attachment; thumbnails have ids of the same row and no row. */
export class StoredFiles {
  readonly #files = new Map<number, StoredFile>()

  keep(id: number, file: StoredFile): void {
    this.#files.set(id, file)
  }

  get(id: number): StoredFile | undefined {
    return this.#files.get(id)
  }
}
