// A relying party on oauth4webapi, as its examples have it.

import express from 'express'
import session from 'express-session'
import * as oauth from 'oauth4webapi'
import { listen, page } from './page.mjs'

const issuer = new URL(process.env.ISSUER)
const as = await oauth
  .discoveryRequest(issuer)
  .then(response => oauth.processDiscoveryResponse(issuer, response))
const client = { client_id: process.env.CLIENT_ID }
const clientAuth = oauth.ClientSecretBasic(process.env.CLIENT_SECRET)
const redirect_uri = `${process.env.BASE_URL}/callback`
const scope = 'openid nickname offline_access'

const app = express()
app.use(session({ secret: crypto.randomUUID(), resave: false, saveUninitialized: false }))

app.get('/', (req, res) => res.send(page(req.session.visitor)))

app.get('/sign-in', async (req, res) => {
  const code_verifier = oauth.generateRandomCodeVerifier()
  req.session.code_verifier = code_verifier
  const url = new URL(as.authorization_endpoint)
  url.searchParams.set('client_id', client.client_id)
  url.searchParams.set('redirect_uri', redirect_uri)
  url.searchParams.set('response_type', 'code')
  url.searchParams.set('scope', scope)
  url.searchParams.set('code_challenge', await oauth.calculatePKCECodeChallenge(code_verifier))
  url.searchParams.set('code_challenge_method', 'S256')
  res.redirect(url.href)
})

app.get('/callback', async (req, res) => {
  const url = new URL(req.originalUrl, process.env.BASE_URL)
  const params = oauth.validateAuthResponse(as, client, url)
  const { code_verifier } = req.session
  const response = await oauth.authorizationCodeGrantRequest(
    as, client, clientAuth, params, redirect_uri, code_verifier,
  )
  const expected = { requireIdToken: true }
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, expected)
  const { sub } = oauth.getValidatedIdTokenClaims(tokens)
  req.session.visitor = { ...tokens, sub, userinfo: await userinfo(tokens, sub) }
  res.redirect('/')
})

const userinfo = async ({ access_token }, sub) => {
  const response = await oauth.userInfoRequest(as, client, access_token)
  return oauth.processUserInfoResponse(as, client, sub, response)
}

app.get('/refresh', async (req, res) => {
  const { visitor } = req.session
  const response = await oauth.refreshTokenGrantRequest(
    as, client, clientAuth, visitor.refresh_token,
  )
  const tokens = await oauth.processRefreshTokenResponse(as, client, response)
  Object.assign(visitor, tokens, { userinfo: await userinfo(tokens, visitor.sub) })
  res.redirect('/')
})

app.get('/sign-out', (req, res) => {
  const url = new URL(as.end_session_endpoint)
  url.searchParams.set('id_token_hint', req.session.visitor.id_token)
  url.searchParams.set('post_logout_redirect_uri', `${process.env.BASE_URL}/`)
  req.session.destroy(() => res.redirect(url.href))
})

listen(app)
