"""Keycloak as a broker, in a realm of its own."""

import json

import trial as common

ADMIN = {"KC_BOOTSTRAP_ADMIN_USERNAME": "admin", "KC_BOOTSTRAP_ADMIN_PASSWORD": "only-for-a-trial"}


def follow(trial):
    (home,) = (trial.cache / "keycloak").glob("keycloak-*/")
    # It was built when it was installed. TLS and a cluster are for others.
    options = [f"--http-port={trial.port}", "--http-host=127.0.0.1", "--http-enabled=true"]
    options += ["--hostname-strict=false", "--cache=local"]
    start = [home / "bin/kc.sh", "start", "--optimized", *options]
    trial.start("keycloak", start, {**ADMIN, "JAVA_OPTS_KC_HEAP": "-Xms64m -Xmx512m"})
    trial.listens("/realms/master")
    token = common.asked(
        f"{trial.url}/realms/master/protocol/openid-connect/token",
        b"grant_type=password&client_id=admin-cli&username=admin&password=only-for-a-trial",
    )
    bearer = {
        "Authorization": f"Bearer {json.loads(token[1])['access_token']}",
        "Content-Type": "application/json",
    }

    def admin(path, body=None):
        data = None if body is None else json.dumps(body).encode()
        status, text = common.asked(f"{trial.url}/admin/realms{path}", data, bearer)
        if status >= 300:
            raise SystemExit(f"{path}: {status} {text}")
        return text

    admin("", {"realm": "notes", "enabled": True})
    lines = json.loads((trial.folder / "alias.json").read_text())
    admin("/notes/identity-provider/instances", lines)
    trial.browser.goto(f"{trial.url}/realms/notes/account")
    trial.browser.press("#social-alias")
    trial.browser.sign_in()
    # The first sign-in asks for what the realm's profile requires.
    trial.browser.awaited("input[name=username][value=Fred], input[name=username][value=fred]")
    trial.browser.fill("input[name=email]", "fred@example.com")
    trial.browser.fill("input[name=firstName]", "Fred")
    trial.browser.fill("input[name=lastName]", "Fieldnotes")
    trial.browser.press("[type=submit]")

    def linked():
        users = json.loads(admin("/notes/users"))
        links = [json.loads(admin(f"/notes/users/{it['id']}/federated-identity")) for it in users]
        return [link["userId"] for of_one in links for link in of_one]

    common.await_truth("Keycloak links the user", linked)
    if linked() != [trial.alias_id()]:
        raise SystemExit(f"Keycloak knows {linked()}")
