"""Dex, if it is on this machine, with a client of its own that signs a user in through it."""

import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import trial as common

DEX = """
issuer: {url}
storage: {{type: memory}}
web: {{http: "127.0.0.1:{port}"}}
oauth2: {{skipApprovalScreen: true}}
staticClients:
  - {{id: notes, secret: only-for-a-trial, name: Notes, redirectURIs: ["{callback}"]}}
"""
codes = []


class Callback(BaseHTTPRequestHandler):
    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        codes.extend(query.get("code", []))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"back")

    def log_message(self, *_):
        pass


def follow(trial):
    listener = ThreadingHTTPServer(("127.0.0.1", 0), Callback)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    callback = f"http://127.0.0.1:{listener.server_port}/callback"
    config = trial.folder / "dex.yaml"
    dex = DEX.format(url=trial.url, port=trial.port, callback=callback)
    config.write_text(dex + config.read_text())
    trial.start("dex", ["dex", "serve", config])
    trial.listens("/.well-known/openid-configuration")
    asked = urllib.parse.urlencode(
        {
            "client_id": "notes",
            "redirect_uri": callback,
            "response_type": "code",
            "scope": "openid profile offline_access federated:id",
        }
    )
    trial.browser.goto(f"{trial.url}/auth/alias?{asked}")
    trial.browser.sign_in()
    trial.browser.shows("back")

    def tokens(**form):
        form |= {"client_id": "notes", "client_secret": "only-for-a-trial"}
        data = urllib.parse.urlencode(form).encode()
        status, text = common.asked(f"{trial.url}/token", data)
        if status != 200:
            raise SystemExit(f"{form['grant_type']}: {text}")
        return json.loads(text)

    first = tokens(grant_type="authorization_code", code=codes[0], redirect_uri=callback)
    # Dex refreshes at Alias, which gives no ID token then.
    again = tokens(grant_type="refresh_token", refresh_token=first["refresh_token"])
    claims = common.claims(again["id_token"])
    if claims["federated_claims"]["user_id"] != trial.alias_id() or claims["name"] != "Fred":
        raise SystemExit(f"Dex says {claims}")
