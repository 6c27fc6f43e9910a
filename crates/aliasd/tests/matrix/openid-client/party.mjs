// A relying party on openid-client, as its README and its examples have it.

import express from 'express'
import session from 'express-session'
import * as client from 'openid-client'
import { listen, page } from './page.mjs'

const config = await client.discovery(
  new URL(process.env.ISSUER),
  process.env.CLIENT_ID,
  process.env.CLIENT_SECRET,
)
const redirect_uri = `${process.env.BASE_URL}/callback`
const scope = 'openid nickname offline_access'

const app = express()
app.use(session({ secret: crypto.randomUUID(), resave: false, saveUninitialized: false }))

app.get('/', (req, res) => res.send(page(req.session.visitor)))

app.get('/sign-in', async (req, res) => {
  const code_verifier = client.randomPKCECodeVerifier()
  const code_challenge = await client.calculatePKCECodeChallenge(code_verifier)
  req.session.code_verifier = code_verifier
  const parameters = { redirect_uri, scope, code_challenge, code_challenge_method: 'S256' }
  if (!config.serverMetadata().supportsPKCE()) throw new Error('then state would be needed')
  res.redirect(client.buildAuthorizationUrl(config, parameters).href)
})

app.get('/callback', async (req, res) => {
  const url = new URL(req.originalUrl, process.env.BASE_URL)
  const checks = { pkceCodeVerifier: req.session.code_verifier, idTokenExpected: true }
  const tokens = await client.authorizationCodeGrant(config, url, checks)
  const { sub } = tokens.claims()
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, sub)
  req.session.visitor = { ...tokens, sub, userinfo }
  res.redirect('/')
})

app.get('/refresh', async (req, res) => {
  const { visitor } = req.session
  const tokens = await client.refreshTokenGrant(config, visitor.refresh_token)
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, visitor.sub)
  Object.assign(visitor, tokens, { userinfo })
  res.redirect('/')
})

app.get('/sign-out', (req, res) => {
  const { id_token } = req.session.visitor
  req.session.destroy(() => {
    const logout = client.buildEndSessionUrl(config, {
      id_token_hint: id_token,
      post_logout_redirect_uri: `${process.env.BASE_URL}/`,
    })
    res.redirect(logout.href)
  })
})

listen(app)
