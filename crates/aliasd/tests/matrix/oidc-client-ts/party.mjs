// Gives a browser the page and the package. Everything else the page does by itself.

import express from 'express'
import { listen } from './page.mjs'

const { ISSUER, CLIENT_ID } = process.env
const page = `<!doctype html>
<title>Notes</title>
<body data-issuer="${ISSUER}" data-client-id="${CLIENT_ID}">
<script src="/oidc-client-ts.js"></script>
<script type="module" src="/app.mjs"></script>
`

const app = express()
const root = import.meta.dirname
const dist = `${root}/node_modules/oidc-client-ts/dist/browser`
app.get('/app.mjs', (req, res) => res.sendFile('app.mjs', { root }))
app.get('/oidc-client-ts.js', (req, res) => {
  res.sendFile('oidc-client-ts.min.js', { root: dist })
})
app.get(/.*/, (req, res) => res.send(page))
listen(app)
