// A relying party on passport-openidconnect, as its README has it.

import express from 'express'
import session from 'express-session'
import passport from 'passport'
import OpenIDConnectStrategy from 'passport-openidconnect'
import { listen, page } from './page.mjs'

const issuer = process.env.ISSUER

passport.use(
  new OpenIDConnectStrategy(
    {
      issuer,
      authorizationURL: `${issuer}/oauth2/authorize`,
      tokenURL: `${issuer}/api/oauth2/token`,
      userInfoURL: `${issuer}/api/oauth2/userinfo`,
      clientID: process.env.CLIENT_ID,
      clientSecret: process.env.CLIENT_SECRET,
      callbackURL: `${process.env.BASE_URL}/callback`,
      skipUserProfile: false,
    },
    (issuer, profile, done) => done(null, { sub: profile.id }),
  ),
)
passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser((user, done) => done(null, user))

const app = express()
app.use(session({ secret: crypto.randomUUID(), resave: false, saveUninitialized: false }))
app.use(passport.session())

app.get('/', (req, res) => res.send(page(req.user && { userinfo: req.user })))
app.get('/sign-in', passport.authenticate('openidconnect'))
app.get('/callback', passport.authenticate('openidconnect', { successRedirect: '/' }))
app.get('/sign-out', (req, res, next) =>
  req.logout(fault => (fault ? next(fault) : res.redirect('/'))),
)

listen(app)
