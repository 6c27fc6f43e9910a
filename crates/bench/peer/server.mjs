// The peer of the benchmark: oidc-provider on PostgreSQL, as a sensible operator has it in production. What
// is not set here has the default of oidc-provider, of pg or of Node.js: nothing is tuned.

import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { Provider } from 'oidc-provider'
import { Adapter, schema } from './adapter.mjs'

// Koa asks for it when the provider is made.
process.env.NODE_ENV = 'production'

const {
  PEER_PORT,
  PEER_DATABASE,
  PEER_KEY,
  PEER_CLIENT_ID,
  PEER_CLIENT_SECRET,
  PEER_REDIRECT_URI,
  PEER_CONNECTIONS = '16',
} = process.env

const accountId = 'somebody'
const scope = 'openid offline_access'

const pool = new pg.Pool({ connectionString: PEER_DATABASE, max: Number(PEER_CONNECTIONS) })
// As its documentation asks: a connection that ends while nobody uses it is no reason to stop.
pool.on('error', fault => console.error(fault))
await pool.query(schema)

const key = JSON.parse(await readFile(PEER_KEY, 'utf8'))

// Who may ask for a token, or end it.
const isOwn = async (ctx, client, token) => token.clientId === client.clientId

const provider = new Provider(`http://127.0.0.1:${PEER_PORT}`, {
  adapter: type => new Adapter(pool, type),
  jwks: key.keys ? key : { keys: [key] },
  // Signed, as its documentation has them. Nobody comes back after the run, so the key need not either.
  cookies: { keys: [randomBytes(32).toString('base64url')] },
  clients: [
    {
      client_id: PEER_CLIENT_ID,
      client_secret: PEER_CLIENT_SECRET,
      redirect_uris: [PEER_REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'RS256',
    },
  ],
  // The implicit and the hybrid flows are on by default, and RFC 9700 advises against them.
  responseTypes: ['code'],
  // A real one would ask its database; this spares the peer the question.
  findAccount: async (ctx, sub) => ({ accountId: sub, claims: async () => ({ sub }) }),
  features: {
    // The sign-in is below.
    devInteractions: { enabled: false },
    introspection: { enabled: true, allowedPolicy: isOwn },
    revocation: { enabled: true, allowedPolicy: isOwn },
    // On by default, and for nobody here: no request is to look for them.
    dPoP: { enabled: false },
    pushedAuthorizationRequests: { enabled: false },
    resourceIndicators: { enabled: false },
  },
  // At each use, as Alias does it. By default, those of a confidential client stay until they have lived
  // most of their life.
  rotateRefreshToken: true,
  // OpenID Connect has offline_access ask for prompt=consent, and oidc-provider takes the scope out of a
  // request without it; so who has consented before would get no refresh token. These two give what the
  // scope would have given: a refresh token, and tokens that don't end with the session, for which the
  // session need not be looked up at each use.
  issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
  expiresWithSession: async () => false,
  // In seconds. The defaults, but named: where they aren't, oidc-provider says so on stdout.
  ttl: {
    AccessToken: 60 * 60,
    AuthorizationCode: 60,
    Grant: 14 * 24 * 60 * 60,
    IdToken: 60 * 60,
    Interaction: 60 * 60,
    RefreshToken: 14 * 24 * 60 * 60,
    Session: 14 * 24 * 60 * 60,
  },
})

// Whoever comes is signed in and consents: what the pages would ask is not what the benchmark measures.
provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) return next()
  const { params } = await provider.interactionDetails(ctx.req, ctx.res)
  const grant = new provider.Grant({ accountId, clientId: params.client_id })
  grant.addOIDCScope(scope)
  const consent = { grantId: await grant.save() }
  await provider.interactionFinished(ctx.req, ctx.res, { login: { accountId }, consent })
})

provider.listen(Number(PEER_PORT), '127.0.0.1', () => console.log('listening'))

process.once('SIGTERM', () => process.exit(0))
