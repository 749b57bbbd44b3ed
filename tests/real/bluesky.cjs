// A PLC directory and a PDS on loopback, with the accounts and passwords the test needs. Prints one line of JSON when
// they answer, and runs until it is ended. Its first argument is a folder that holds node_modules and takes the data.
'use strict'
const path = require('node:path')
const crypto = require('node:crypto')
const fs = require('node:fs')
const { createRequire } = require('node:module')

const dir = path.resolve(process.argv[2])
const need = createRequire(path.join(dir, 'package.json'))
const { PDS, envToCfg, envToSecrets } = need('@atproto/pds')
const plc = need('@did-plc/server')

const free = () =>
  new Promise((resolve, reject) => {
    const server = require('node:net').createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })

// The chat service is nobody's to run. This stands where it would and refuses as it is documented to, so that the way
// there, through the server and with the app password's rights, is the real one.
const chat = (port) =>
  new Promise((resolve) => {
    const did = `did:web:localhost%3A${port}`
    const service = { id: '#bsky_chat', type: 'BskyChatService', serviceEndpoint: `http://localhost:${port}` }
    const refused = {
      error: 'InvalidRequest',
      message: 'recipient requires incoming messages to come from someone they follow',
    }
    const server = require('node:http').createServer((request, response) => {
      const json = (status, body) => {
        response.writeHead(status, { 'content-type': 'application/json' })
        response.end(JSON.stringify(body))
      }
      if (request.url === '/.well-known/did.json') return json(200, { id: did, service: [service] })
      if (!request.headers.authorization) return json(401, { error: 'AuthMissing', message: 'nobody vouches for it' })
      if (request.url.startsWith('/xrpc/chat.bsky.convo.getConvoAvailability')) return json(200, { canChat: false })
      if (request.url.startsWith('/xrpc/chat.bsky.convo.listConvos')) return json(200, { convos: [] })
      return json(400, refused)
    })
    server.listen(port, 'localhost', () => resolve(`${did}#bsky_chat`))
  })

async function main() {
  const [plcPort, port, chatPort] = [await free(), await free(), await free()]
  const chatService = await chat(chatPort)
  await plc.PlcServer.create({ db: new plc.MockDatabase(), port: plcPort }).start()
  const data = fs.mkdtempSync(path.join(dir, 'data-'))
  const jwtSecret = crypto.randomBytes(16).toString('hex')
  const env = {
    port,
    hostname: 'localhost',
    devMode: true,
    dataDirectory: data,
    blobstoreDiskLocation: path.join(data, 'blobs'),
    didPlcUrl: `http://127.0.0.1:${plcPort}`,
    serviceHandleDomains: ['.test'],
    inviteRequired: false,
    enableDidDocWithSession: true,
    disableSsrfProtection: true,
    rateLimitsEnabled: true,
    // Nobody answers there: the directory of a network that is down.
    bskyAppViewUrl: 'http://127.0.0.1:9',
    bskyAppViewDid: 'did:web:api.bsky.app',
    jwtSecret,
    adminPassword: crypto.randomBytes(16).toString('hex'),
    plcRotationKeyK256PrivateKeyHex: crypto.randomBytes(32).toString('hex'),
  }
  const pds = await PDS.create(envToCfg(env), envToSecrets(env))
  await pds.start()
  const url = `http://127.0.0.1:${port}`

  const ask = async (name, body, token) => {
    const headers = { 'content-type': 'application/json', 'user-agent': 'replydeck-test' }
    if (token) headers.authorization = `Bearer ${token}`
    const answer = await fetch(`${url}/xrpc/${name}`, { method: 'POST', headers, body: JSON.stringify(body) })
    const said = await answer.json()
    if (!answer.ok) throw new Error(`${name}: ${JSON.stringify(said)}`)
    return said
  }
  const account = (name) =>
    ask('com.atproto.server.createAccount', {
      handle: `${name}.test`,
      email: `${name}@mail.test`,
      password: crypto.randomBytes(12).toString('hex'),
    })
  const [brand, customer] = [await account('acmehelp'), await account('customer')]
  const password = async (name, privileged) =>
    (await ask('com.atproto.server.createAppPassword', { name, privileged }, brand.accessJwt)).password
  const post = (text, reply) =>
    ask(
      'com.atproto.repo.createRecord',
      {
        repo: customer.did,
        collection: 'app.bsky.feed.post',
        record: { $type: 'app.bsky.feed.post', text, createdAt: new Date().toISOString(), ...(reply && { reply }) },
      },
      customer.accessJwt,
    )
  const root = await post('acme is so slow today')
  const link = { uri: root.uri, cid: root.cid }
  const answer = await post('still slow', { root: link, parent: link })
  console.log(
    JSON.stringify({
      url,
      jwtSecret,
      did: brand.did,
      handle: 'acmehelp.test',
      customer: customer.did,
      chat: chatService,
      appPassword: await password('with messages', true),
      plainAppPassword: await password('without', false),
      root,
      answer,
      version: need('@atproto/pds/package.json').version,
    }),
  )
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
