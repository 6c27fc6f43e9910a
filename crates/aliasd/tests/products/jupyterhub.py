"""JupyterHub with OAuthenticator, and a spawner that starts nothing."""

EXTRA = """
c.JupyterHub.bind_url = "{url}"
c.JupyterHub.hub_port = {hub}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api}"
c.ConfigurableHTTPProxy.command = ["node", "{proxy}"]
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.default_url = "/hub/home"
"""


def follow(trial):
    import trial as common

    proxy = trial.cache / "npm/node_modules/configurable-http-proxy/bin/configurable-http-proxy"
    config = trial.folder / "jupyterhub_config.py"
    extra = EXTRA.format(
        url=trial.url, hub=common.free_port(), api=common.free_port(), proxy=proxy
    )
    config.write_text(config.read_text() + extra)
    hub = trial.cache / "jupyterhub/bin/python"
    trial.start("jupyterhub", [hub, "-m", "jupyterhub", "-f", config])
    trial.listens("/hub/login?next=")
    trial.browser.goto(f"{trial.url}/hub/oauth_login")
    trial.browser.sign_in()
    trial.browser.awaited("#start, #stop, a[href*='/hub/logout']")
    shown = trial.browser.text()
    if trial.alias_id().lower() not in shown.lower():
        raise SystemExit(f"not {trial.alias_id()}: {shown}")
