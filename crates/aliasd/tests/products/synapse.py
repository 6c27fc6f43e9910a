"""A homeserver with SQLite."""

import sqlite3

import trial as common

HOMESERVER = """
server_name: localhost
public_baseurl: {url}/
listeners:
  - port: {port}
    type: http
    bind_addresses: [127.0.0.1]
    resources: [{{names: [client]}}]
database: {{name: sqlite3, args: {{database: homeserver.db}}}}
report_stats: false
macaroon_secret_key: only for a trial
signing_key_path: signing.key
media_store_path: media
trusted_key_servers: []
"""


def follow(trial):
    config = trial.folder / "homeserver.yaml"
    config.write_text(HOMESERVER.format(url=trial.url, port=trial.port) + config.read_text())
    python = trial.cache / "synapse/bin/python"
    command = [python, "-m", "synapse.app.homeserver", "-c", config]
    keys = trial.start("keys", [*command, "--generate-keys"])
    if keys.wait() != 0:
        raise SystemExit(f"no keys: {trial.processes.log('keys')}")
    trial.start("synapse", command)
    trial.listens("/_matrix/client/versions")
    back = "http://localhost/signed-in"
    login = "/_matrix/client/v3/login/sso/redirect/oidc-alias?redirectUrl="
    trial.browser.goto(f"{trial.url}{login}{back}")
    trial.browser.sign_in()
    # Each user chooses a Matrix ID.
    trial.browser.fill("#field-username", "fred")
    # The page asks whether the name is free, and swallows what is pressed before it knows.
    output = "#field-username-output"
    common.await_truth("the name is free", lambda: not trial.browser.text(output))
    trial.browser.press("input[type=submit]")
    trial.browser.shows("@fred:localhost")
    users = trial.folder / "homeserver.db"
    database = sqlite3.connect(users)
    known = database.execute("SELECT external_id, user_id FROM user_external_ids").fetchall()
    if known != [(trial.alias_id(), "@fred:localhost")]:
        raise SystemExit(f"Synapse knows {known}")
