// A page in a browser on oidc-client-ts: it asks Alias itself, and has no server of its own.

const { UserManager } = window.oidc
const { issuer, clientId } = document.body.dataset

const manager = new UserManager({
  authority: issuer,
  client_id: clientId,
  redirect_uri: `${location.origin}/callback`,
  post_logout_redirect_uri: `${location.origin}/`,
  scope: 'openid nickname',
  loadUserInfo: true,
})

const show = (id, text) => {
  const shown = document.createElement('pre')
  shown.id = id
  shown.textContent = text
  document.body.append(shown)
}

const link = (id, text) => {
  const shown = document.createElement('a')
  Object.assign(shown, { id, href: `/${id}`, textContent: text })
  document.body.append(shown)
}

const pages = {
  '/sign-in': () => manager.signinRedirect(),
  '/callback': async () => {
    await manager.signinCallback()
    location.replace('/')
  },
  '/sign-out': () => manager.signoutRedirect(),
  // What it takes back is worth nothing: userinfo says so.
  '/revoke': async () => {
    const { access_token } = await manager.getUser()
    await manager.revokeTokens(['access_token'])
    const endpoint = await manager.metadataService.getUserInfoEndpoint()
    const headers = { Authorization: `Bearer ${access_token}` }
    const answer = await fetch(endpoint, { headers })
    show('revoked', `${answer.status} ${answer.headers.get('WWW-Authenticate')}`)
  },
  '/': async () => {
    const user = await manager.getUser()
    if (!user) return link('sign-in', 'Sign in with Alias')
    show('userinfo', JSON.stringify(user.profile))
    link('sign-out', 'Sign out')
    link('revoke', 'Revoke')
  },
}

pages[location.pathname]().catch(error => show('error', error.stack))
