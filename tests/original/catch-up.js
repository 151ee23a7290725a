// SPDX-License-Identifier: ISC
// How fast the original's log catches up: scuttleup and level alone, in two
// processes, over TCP on loopback.  `node catch-up.js [COUNT]` prints a line:
// name, value, unit.  As in tests/bench/bench_replicate.c, an author's texts of
// 60 bytes are counted from the start of the link until the last was read from
// the receiver's log; but nothing of it is forced to the disk.
'use strict'

const { fork } = require('child_process')
const fs = require('fs')
const level = require('level')
const net = require('net')
const os = require('os')
const path = require('path')
const scuttleup = require('scuttleup')

const replicate = (logs, socket) =>
  socket.pipe(logs.createReplicationStream({ live: true })).pipe(socket)

function receive (dir, count, port) {
  const logs = scuttleup(level(path.join(dir, 'receiver')))
  const start = process.hrtime.bigint()
  replicate(logs, net.connect(port, '127.0.0.1'))
  logs.createReadStream({ live: true }).on('data', () => {
    if (--count === 0) {
      process.send(Number(process.hrtime.bigint() - start) / 1e9)
    }
  })
}

function serve (logs, dir, count) {
  const server = net.createServer((socket) => replicate(logs, socket))
  server.listen(0, '127.0.0.1', () => {
    const receiver = fork(__filename, [count, dir, server.address().port])
    receiver.on('message', (seconds) => {
      const perSecond = Math.round(count / seconds)
      console.log(`original_catchup_records_per_s ${perSecond} 1/s`)
      receiver.kill()
      fs.rmSync(dir, { recursive: true })
      process.exit()
    })
  })
}

const count = Number(process.argv[2] || 20000)
if (process.argv[3]) {
  receive(process.argv[3], count, Number(process.argv[4]))
} else {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'catch-up-'))
  const logs = scuttleup(level(path.join(dir, 'sender')))
  let left = count
  const said = () => { if (--left === 0) serve(logs, dir, count) }
  for (let i = 0; i < count; i++) logs.append('x'.repeat(60), said)
}
