"""oidc-agent, at the command line alone."""

import json
import re

import trial as common

# It is registered with the address that it listens at.
URL = None


def follow(trial):
    kept = trial.folder / "accounts"
    kept.mkdir()
    socket = trial.folder / "socket"
    environment = {
        "OIDC_CONFIG_DIR": str(kept),
        "OIDC_SOCK": str(socket),
        # Its own, for what it keeps.
        "OIDC_ENCRYPTION_PW": "only for a trial",
    }

    def agent(name):
        process = trial.start(name, ["oidc-agent", "--console", f"--socket-path={socket}"], environment)
        common.await_truth("oidc-agent listens", socket.exists)
        return process

    def succeeds(name, command):
        if trial.start(name, command, environment).wait(common.PATIENCE) != 0:
            raise SystemExit(f"{name} failed")
        return trial.processes.log(name).strip()

    first = agent("oidc-agent")
    lines = trial.folder / "alias.json"
    command = ["oidc-gen", f"--file={lines}", "--flow=code", "alias"]
    # What it would ask of a person, and the browser that it would open.
    command += ["--no-url-call", "--pw-env", "--prompt=none"]
    generated = trial.start("oidc-gen", command, environment)
    trial.browser.goto(
        common.await_truth(
            "oidc-gen says where to go",
            lambda: next(iter(re.findall(r"http\S+\n", trial.processes.log("oidc-gen"))), None),
        ).strip()
    )
    trial.browser.sign_in()
    trial.browser.shows("Success")
    if generated.wait(common.PATIENCE) != 0:
        raise SystemExit("oidc-gen failed")
    # Once more after a restart, by what it kept.
    first.terminate()
    first.wait(common.PATIENCE)
    socket.unlink(missing_ok=True)
    lines.unlink()
    agent("oidc-agent again")
    succeeds("oidc-add", ["oidc-add", "--pw-env", "alias"])
    for time in ("once", "twice"):
        token = succeeds(f"oidc-token {time}", ["oidc-token", "--force-new", "alias"])
        bearer = {"Authorization": f"Bearer {token}"}
        status, text = common.asked(f"{trial.alias.issuer}/api/oauth2/userinfo", headers=bearer)
        known = json.loads(text)
        if status != 200 or known != {"sub": trial.alias_id(), "nickname": "Fred"}:
            raise SystemExit(f"{time}: {status} {text}")
