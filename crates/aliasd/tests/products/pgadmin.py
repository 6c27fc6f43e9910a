"""pgAdmin on its own server."""

import os
import sqlite3


def follow(trial):
    lines = (trial.folder / "config_local.py").read_text()
    data = trial.folder / "data"
    data.mkdir()
    own = [
        f"DATA_DIR = {str(data)!r}",
        f"LOG_FILE = {str(data / 'log')!r}",
        f"SQLITE_PATH = {str(data / 'pgadmin.db')!r}",
        f"SESSION_DB_PATH = {str(data / 'sessions')!r}",
        f"STORAGE_DIR = {str(data / 'storage')!r}",
        'DEFAULT_SERVER = "127.0.0.1"',
        f"DEFAULT_SERVER_PORT = {trial.port}",
        "SERVER_MODE = True",
        "MASTER_PASSWORD_REQUIRED = False",
        "UPGRADE_CHECK_ENABLED = False",
    ]
    home = trial.cache / "pgadmin/lib"
    (package,) = home.glob("python3*/site-packages/pgadmin4")
    # pgAdmin reads it from beside its program alone.
    (package / "config_local.py").write_text("\n".join(own) + "\n" + lines)
    python = trial.cache / "pgadmin/bin/python"
    setup = {
        "PGADMIN_SETUP_EMAIL": "operator@example.com",
        "PGADMIN_SETUP_PASSWORD": "only for a trial",
        # Authlib takes an issuer without TLS only so.
        "AUTHLIB_INSECURE_TRANSPORT": "1",
    }
    trial.start("pgadmin", [python, package / "pgAdmin4.py"], {**os.environ, **setup})
    trial.listens("/login")
    trial.browser.goto(f"{trial.url}/login")
    trial.browser.press_text("Alias")
    trial.browser.sign_in()
    trial.browser.shows("Object Explorer")
    kept = sqlite3.connect(data / "pgadmin.db")
    query = "SELECT username FROM user WHERE auth_source = 'oauth2'"
    if kept.execute(query).fetchall() != [(trial.alias_id(),)]:
        raise SystemExit("pgAdmin knows another user")
