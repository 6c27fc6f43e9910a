// A relying party on @auth/core, which the packages of Auth.js for the frameworks stand on.

import express from 'express'
import { Auth } from '@auth/core'
import { listen, page } from './page.mjs'

// What the package took for the profile of who signed in last: claims of the ID token or of userinfo.
let profile

const config = {
  secret: process.env.AUTH_SECRET ?? crypto.randomUUID(),
  basePath: '/auth',
  trustHost: true,
  providers: [
    {
      id: 'alias',
      name: 'Alias',
      type: 'oidc',
      issuer: process.env.ISSUER,
      clientId: process.env.CLIENT_ID,
      clientSecret: process.env.CLIENT_SECRET,
    },
  ],
  callbacks: {
    jwt({ token, account }) {
      if (account) token.sub = account.providerAccountId
      return token
    },
    session({ session, token }) {
      session.user.id = token.sub
      return session
    },
  },
  events: {
    signIn(event) {
      profile = event.profile
    },
  },
}

// The package's other way, which the test chooses: userinfo is asked, here for a name too.
if (process.env.ID_TOKEN === 'false') {
  Object.assign(config.providers[0], {
    idToken: false,
    authorization: { params: { scope: 'openid nickname' } },
  })
}

const app = express()

// The package speaks Request and Response; this is what its packages for frameworks do.
app.use('/auth', express.raw({ type: () => true }), async (req, res) => {
  const body = req.method === 'POST' ? req.body : undefined
  const url = new URL(req.originalUrl, process.env.BASE_URL)
  const { method, headers } = req
  const response = await Auth(new Request(url, { method, headers, body }), config)
  for (const [name, value] of response.headers) res.append(name, value)
  res.status(response.status).end(Buffer.from(await response.arrayBuffer()))
})

app.get('/', async (req, res) => {
  const url = new URL('/auth/session', process.env.BASE_URL)
  const headers = { cookie: req.headers.cookie ?? '' }
  const session = await (await Auth(new Request(url, { headers }), config)).json()
  res.send(page(session && { userinfo: { ...profile, session: session.user } }))
})

app.get('/sign-in', (_, res) => res.redirect('/auth/signin'))
app.get('/sign-out', (_, res) => res.redirect('/auth/signout'))

listen(app)
