// What the relying parties on Node.js have in common: their page, and how they listen.

const escaped = text => text.replace(/[&<>"]/g, it => `&#${it.charCodeAt(0)};`)

/** The page of a visitor, who has signed in if there is one. */
export const page = visitor => `<!doctype html>
<title>Notes</title>
${visitor ? signedIn(visitor) : '<a id="sign-in" href="/sign-in">Sign in with Alias</a>'}
`

const signedIn = ({ userinfo, access_token }) => `
<pre id="userinfo">${escaped(JSON.stringify(userinfo))}</pre>
<pre id="access-token">${escaped(access_token ?? '')}</pre>
<a id="refresh" href="/refresh">Refresh</a>
<a id="sign-out" href="/sign-out">Sign out</a>`

/** Listens where the test says, and tells it. */
export const listen = app => {
  app.listen(process.env.PORT, '127.0.0.1', () => console.log('listening'))
}
