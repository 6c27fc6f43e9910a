"""What the trials of products have in common: Alias, a browser, and a product that runs.

A trial registers a client by `aliasd client create --for PRODUCT`, puts the lines that this prints
where the page in docs/products says, starts the product, and signs a user in with a real browser.
"""

import base64
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

EMAIL = "fred@example.com"
PASSWORD = "correct horse battery"
# Far longer than anything takes.
PATIENCE = 120
# Keycloak takes a minute and a half to start, on a machine that has other things to do.
START_PATIENCE = 600


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def await_truth(what, question, patience=PATIENCE):
    """Asks until the answer is true, and returns it."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        answer = question()
        if answer:
            return answer
        time.sleep(0.1)
    raise SystemExit(f"in vain: {what}")


def asked(address, body=None, headers=(), method=None):
    """The status and the text that an address answers with."""
    request = urllib.request.Request(address, data=body, headers=dict(headers), method=method)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def answers(address):
    try:
        return asked(address)[0] > 0
    except OSError:
        return False


def claims(token):
    """What an ID token says, whoever signed it."""
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class Processes:
    """What was started, and is stopped at the end."""

    def __init__(self, folder):
        self.folder = folder
        self.running = []

    def start(self, name, command, environment=(), cwd=None):
        log = open(self.folder / f"{name}.log", "wb")
        process = subprocess.Popen(
            [str(it) for it in command],
            cwd=cwd or self.folder,
            env=dict(environment) or None,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        self.running.append((name, process))
        return process

    def log(self, name):
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def stop(self):
        for _, process in reversed(self.running):
            process.terminate()
        for _, process in reversed(self.running):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


class Alias:
    """A service that knows Fred."""

    def __init__(self, processes):
        self.folder = processes.folder / "alias"
        self.folder.mkdir()
        self.issuer = f"http://127.0.0.1:{free_port()}"
        master = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        # What the machine says of Alias is not for this one.
        others = {name: it for name, it in os.environ.items() if not name.startswith("ALIAS_")}
        self.environment = {
            **others,
            "ALIAS_ISSUER": self.issuer,
            "ALIAS_HTTP__LISTEN": self.issuer.removeprefix("http://"),
            "ALIAS_KEYS__MASTER": master,
        }
        self.command("migrate")
        fred = ["user", "create", "--email", EMAIL, "--nickname", "Fred", "--password-stdin"]
        self.command(*fred, stdin=f"{PASSWORD}\n")
        program = os.environ["ALIASD"]
        processes.start("alias", [program, "serve"], self.environment, self.folder)
        await_truth("Alias serves", lambda: answers(f"{self.issuer}/readyz"))

    def command(self, *words, stdin=""):
        ran = subprocess.run(
            [os.environ["ALIASD"], *words, "--json"],
            cwd=self.folder,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
        )
        if ran.returncode != 0:
            raise SystemExit(f"aliasd {' '.join(words)}: {ran.stderr}")
        return json.loads(ran.stdout)

    def register(self, product, *options):
        return self.command("client", "create", "--for", product, *options)

    def alias_id(self, client_id):
        """Fred's ID for a client, by the API for users."""
        body = json.dumps({"email": EMAIL, "password": PASSWORD}).encode()
        session = asked(
            f"{self.issuer}/api/session", body, {"Content-Type": "application/json"}
        )
        token = json.loads(session[1])["access_token"]
        grants = asked(f"{self.issuer}/api/grants", headers={"Authorization": f"Bearer {token}"})
        for grant in json.loads(grants[1])["grants"]:
            if grant["client_id"] == client_id:
                return grant["alias_id"]
        raise SystemExit(f"Fred is not connected to {client_id}")


class Browser:
    """Chromium, driven by the WebDriver protocol."""

    def __init__(self, processes):
        port = free_port()
        processes.start("chromedriver", ["chromedriver", f"--port={port}"])
        self.at = f"http://127.0.0.1:{port}"
        await_truth("chromedriver listens", lambda: answers(f"{self.at}/status"))
        arguments = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage"]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")
        options = {"args": arguments}
        wanted = {"alwaysMatch": {"goog:chromeOptions": options}}
        session = self.driver("POST", "/session", {"capabilities": wanted})
        self.at += f"/session/{session['sessionId']}"

    def driver(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        status, text = asked(
            self.at + path, data, {"Content-Type": "application/json"}, method
        )
        value = json.loads(text)["value"]
        if status != 200:
            raise LookupError(value.get("message", text))
        return value

    def goto(self, address):
        self.driver("POST", "/url", {"url": address})

    def address(self):
        return self.driver("GET", "/url")

    def source(self):
        return self.driver("GET", "/source")

    def found(self, selector, using="css selector"):
        try:
            element = self.driver("POST", "/element", {"using": using, "value": selector})
        except LookupError:
            return None
        return next(iter(element.values()))

    def awaited(self, selector, using="css selector"):
        try:
            return await_truth(selector, lambda: self.found(selector, using))
        except SystemExit:
            raise SystemExit(f"no {selector} at {self.address()}: {self.source()[:3000]}")

    def fill(self, selector, text):
        element = self.awaited(selector)
        self.driver("POST", f"/element/{element}/clear", {})
        self.driver("POST", f"/element/{element}/value", {"text": text})

    def press(self, selector, using="css selector"):
        """Presses what is found, once it can be pressed."""

        def pressed():
            element = self.awaited(selector, using)
            try:
                self.driver("POST", f"/element/{element}/click", {})
                return True
            except LookupError:
                return False

        await_truth(f"pressing {selector}", pressed)

    def press_text(self, text):
        """Presses the link or button that says this."""
        self.press(f"//*[self::a or self::button][contains(., '{text}')]", "xpath")

    def text(self, selector="body"):
        try:
            element = self.awaited(selector)
            return self.driver("GET", f"/element/{element}/text")
        except LookupError:
            return ""

    def shows(self, text):
        def shown():
            return text in self.text()

        try:
            await_truth(f"the page shows {text}", shown)
        except SystemExit:
            raise SystemExit(f"no “{text}” at {self.address()}: {self.text()[:3000]}")

    def sign_in(self, allow="approve_all"):
        """From the sign-in page of Alias on, to where it leads."""
        self.fill("input[name=email]", EMAIL)
        self.fill("input[name=password]", PASSWORD)
        self.press("form button[type=submit]")
        self.press(f"button[name=decision][value={allow}]")


class Trial:
    """One product that is tried."""

    def __init__(self, product, cache, processes, url=None):
        self.processes = processes
        self.folder = processes.folder
        self.cache = cache
        self.alias = Alias(processes)
        self.browser = Browser(processes)
        self.port = free_port()
        # Another site than Alias, to a browser.
        self.url = f"http://localhost:{self.port}"
        options = [] if url is None else ["--url", url.replace("URL", self.url)]
        self.client = self.alias.register(product, *options)
        for file in self.client["configuration"]:
            (self.folder / file["file"]).write_text(file["text"])

    def start(self, name, command, environment=()):
        return self.processes.start(name, command, {**os.environ, **dict(environment)})

    def listens(self, path="/"):
        """Waits until a page of the product is there."""

        def served():
            try:
                return asked(self.url + path)[0] == 200
            except OSError:
                return False

        await_truth("the product listens", served, START_PATIENCE)

    def alias_id(self):
        return self.alias.alias_id(self.client["client_id"])


def run(product, module, cache):
    with tempfile.TemporaryDirectory(prefix=f"{product}-") as folder:
        processes = Processes(Path(folder))
        try:
            trial = Trial(product, cache, processes, getattr(module, "URL", "URL"))
            module.follow(trial)
        except BaseException:
            for name, _ in processes.running:
                if name != "chromedriver":
                    lines = processes.log(name).splitlines()[-40:]
                    print(f"--- {name}", *lines, sep="\n", file=sys.stderr)
            raise
        finally:
            processes.stop()
    print(f"{product}: signed in as its page says", flush=True)
