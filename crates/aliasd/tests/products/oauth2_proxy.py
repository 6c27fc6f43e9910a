"""oauth2-proxy before a page that shows what it is told."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Shows(BaseHTTPRequestHandler):
    """What stands behind the proxy."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        user = self.headers.get("X-Forwarded-User")
        self.wfile.write(f"signed in: {user} {self.headers.get('X-Forwarded-Email')}".encode())

    def log_message(self, *_):
        pass


def follow(trial):
    behind = ThreadingHTTPServer(("127.0.0.1", 0), Shows)
    threading.Thread(target=behind.serve_forever, daemon=True).start()
    config = trial.folder / "oauth2-proxy.cfg"
    lines = [
        f'http_address = "127.0.0.1:{trial.port}"',
        f'upstreams = ["http://127.0.0.1:{behind.server_port}/"]',
        "cookie_secure = false",
    ]
    config.write_text(config.read_text() + "\n".join(lines) + "\n")
    trial.start("oauth2-proxy", [trial.cache / "go/oauth2-proxy", f"--config={config}"])
    trial.listens("/ping")
    trial.browser.goto(trial.url)
    trial.browser.press("form button[type=submit]")
    trial.browser.sign_in()
    trial.browser.shows(f"signed in: {trial.alias_id()} {trial.alias_id()}")
