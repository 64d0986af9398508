'use strict'
// `node write-code-cache.cjs BUNDLE CACHE STATUS ARGUMENT…`: runs a bundle as its executable would with these arguments, and writes down what
// V8 has compiled by the end. Fails where the bundle does not end with STATUS.
const { readFileSync, writeFileSync } = require('node:fs')
const { Script } = require('node:vm')

const [bundle, cache, expectedStatus, ...args] = process.argv.splice(2, process.argv.length)
const cachedData = () => ({ filename: 'sg-session', cachedData: readFileSync(cache) })
const source = readFileSync(bundle, 'latin1')
const script = new Script(source, { filename: 'sg-session' })
process.argv.push(...args)
process.on('exit', (status) => {
  writeFileSync(cache, script.createCachedData())
  const isTaken = !new Script(source, cachedData()).cachedDataRejected
  process.exitCode = isTaken && status === Number(expectedStatus) ? 0 : 1
})
script.runInThisContext()(exports, require, module, __filename, __dirname)
