"""Streamlit with `st.login`."""

APP = """
import streamlit as st

if not st.user.is_logged_in:
    if st.button("Sign in"):
        st.login()
    st.stop()
st.write(f"signed in: {st.user.sub} {st.user.get('name')}")
"""


def follow(trial):
    secrets = trial.folder / ".streamlit"
    secrets.mkdir()
    (trial.folder / "secrets.toml").rename(secrets / "secrets.toml")
    (trial.folder / "app.py").write_text(APP)
    python = trial.cache / "streamlit/bin/python"
    options = ["--server.headless=true", f"--server.port={trial.port}"]
    options.append("--browser.gatherUsageStats=false")
    trial.start("streamlit", [python, "-m", "streamlit", "run", "app.py", *options])
    trial.listens()
    trial.browser.goto(trial.url)
    trial.browser.press_text("Sign in")
    trial.browser.sign_in()
    trial.browser.shows(f"signed in: {trial.alias_id()} Fred")
