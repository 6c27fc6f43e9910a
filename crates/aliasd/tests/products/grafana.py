"""Grafana, if it is on this machine."""


def follow(trial):
    config = trial.folder / "grafana.ini"
    server = f"[server]\nhttp_addr = 127.0.0.1\nhttp_port = {trial.port}\nroot_url = {trial.url}/\n"
    paths = f"[paths]\ndata = {trial.folder / 'data'}\n"
    config.write_text(server + paths + config.read_text())
    trial.start("grafana", ["grafana", "server", "--config", config])
    trial.listens("/login")
    trial.browser.goto(f"{trial.url}/login/generic_oauth")
    trial.browser.sign_in()
    trial.browser.goto(f"{trial.url}/profile")
    trial.browser.awaited(f"input[name=login][value='{trial.alias_id()}']")
