"""kubelogin, as kubectl runs it."""

import json
import re

import trial as common

URL = None


def follow(trial):
    lines = (trial.folder / "kubeconfig").read_text()
    options = re.findall(r"^ +- (--.*|get-token)$", lines, re.MULTILINE)
    command = ["kubelogin", *options, "--skip-open-browser"]
    command.append(f"--token-cache-dir={trial.folder / 'tokens'}")
    process = trial.start("kubelogin", command)
    trial.browser.goto(
        common.await_truth(
            "kubelogin says where to go",
            lambda: next(iter(re.findall(r"http://\S+", trial.processes.log("kubelogin"))), None),
        )
    )
    trial.browser.sign_in()
    if process.wait(common.PATIENCE) != 0:
        raise SystemExit("kubelogin failed")
    credential = json.loads(trial.processes.log("kubelogin").splitlines()[-1])
    claims = common.claims(credential["status"]["token"])
    if claims["sub"] != trial.alias_id():
        raise SystemExit(f"another user: {claims}")
