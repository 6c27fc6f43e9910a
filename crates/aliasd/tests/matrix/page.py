"""What the relying parties in Python have in common: their page, and how they listen."""

import json
import os
from html import escape

from werkzeug.serving import make_server


def page(visitor=None):
    """The page of a visitor, who has signed in if there is one."""
    title = "<!doctype html><title>Notes</title>"
    if visitor is None:
        return title + '<a id="sign-in" href="/sign-in">Sign in with Alias</a>'
    return f"""{title}
<pre id="userinfo">{escape(json.dumps(visitor["userinfo"]))}</pre>
<pre id="access-token">{escape(visitor["access_token"])}</pre>
<a id="refresh" href="/refresh">Refresh</a>
<a id="sign-out" href="/sign-out">Sign out</a>"""


def listen(app):
    """Listens where the test says, and tells it."""
    server = make_server("127.0.0.1", int(os.environ["PORT"]), app, threaded=True)
    print("listening", flush=True)
    server.serve_forever()
