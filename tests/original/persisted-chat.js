// SPDX-License-Identifier: ISC
// The original program, put together from its modules: the other peer of
// scenario 05.  `node persisted-chat.js NAME [PEER...]`, database NAME.node.db.
//
// Each line of stdin becomes an entry.  Entries are shown as "PEER> ENTRY", with
// the first 8 characters of the peer's id: the original has no names.
'use strict'

// Its look-up of names is older than this and can not answer it.
const net = require('net')
if (net.setDefaultAutoSelectFamily) net.setDefaultAutoSelectFamily(false)

require('lookup-multicast-dns/global')
const level = require('level')
const readline = require('readline')
const register = require('register-multicast-dns')
const scuttleup = require('scuttleup')
const toPort = require('hash-to-port')
const topology = require('fully-connected-topology')

const [name, ...peers] = process.argv.slice(2)
const addressOf = (who) => `${who}.local:${toPort(who)}`
const logs = scuttleup(level(`${name}.node.db`))

register(name)
topology(addressOf(name), peers.map(addressOf)).on('connection', (socket) => {
  socket.pipe(logs.createReplicationStream({ live: true })).pipe(socket)
})
logs.createReadStream({ live: true }).on('data', ({ peer, entry }) => {
  console.log(`${peer.slice(0, 8)}> ${entry}`)
})
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  logs.append(line)
})
