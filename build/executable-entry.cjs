'use strict'
// What the single executable of the command line runs: the bundle, with the code that V8 compiled while it was made. Node's own code cache
// for executables knows only what is compiled at once; what a command runs was compiled anew at each start.
const { getRawAsset } = require('node:sea')
const { Script } = require('node:vm')

const asset = (name) => Buffer.from(getRawAsset(name))
const script = new Script(asset('bundle').latin1Slice(), { filename: 'sg-session', cachedData: asset('code-cache') })
script.runInThisContext()(exports, require, module, __filename, __dirname)
