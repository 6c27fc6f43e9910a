"""Miniflux, on PostgreSQL."""

import os


def follow(trial):
    # .ci/with-postgres names a server.
    server = os.environ["ALIAS_TEST_POSTGRES"]
    server += "&sslmode=disable" if "?" in server else "?sslmode=disable"
    config = trial.folder / "miniflux.conf"
    lines = [f"LISTEN_ADDR=127.0.0.1:{trial.port}", f"DATABASE_URL={server}", "RUN_MIGRATIONS=1"]
    config.write_text(config.read_text() + "\n".join(lines) + "\n")
    program = trial.cache / "go/miniflux.app"
    trial.start("miniflux", [program, "-config-file", config])
    trial.listens("/healthcheck")
    trial.browser.goto(trial.url)
    trial.browser.press("a[href*='/oauth2/oidc/redirect'], form[action*='/oauth2/oidc/redirect'] button")
    trial.browser.sign_in()
    trial.browser.shows("Feeds")
    # It writes usernames in lower case.
    said = trial.processes.log("miniflux")
    if "authentication_successful=true" not in said or "username=fred" not in said:
        raise SystemExit("Miniflux let in nobody whom Alias told it of")
