"""Better Auth in a server on Node.js."""

import shutil
from pathlib import Path

ROOM = Path(__file__).parent / "better-auth"
IMPORT = 'import { genericOAuth } from "better-auth/plugins";\n'


def follow(trial):
    lines = trial.folder / "auth.mjs"
    lines.write_text(IMPORT + lines.read_text())
    shutil.copy(ROOM / "server.mjs", trial.folder)
    (trial.folder / "node_modules").symlink_to(trial.cache / "npm/node_modules")
    environment = {"PORT": str(trial.port), "URL": trial.url}
    trial.start("server", ["node", "server.mjs"], environment)
    trial.listens()
    trial.browser.goto(trial.url)
    trial.browser.press("#sign-in")
    trial.browser.sign_in()
    trial.browser.shows(f"signed in: {trial.alias_id()} Fred false")
