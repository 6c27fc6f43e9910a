"""A relying party on Authlib's integration for Flask, as its documentation has it."""

import os
import uuid

from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, session
from page import listen, page

BASE_URL = os.environ["BASE_URL"]

app = Flask(__name__)
app.secret_key = os.urandom(32)
visitors = {}


def save_token(token, refresh_token=None, access_token=None):
    """Called by the package after it has refreshed."""
    visitors[session["visitor"]]["token"].update(token)


oauth = OAuth(app)
oauth.register(
    name="alias",
    server_metadata_url=os.environ["ISSUER"] + "/.well-known/openid-configuration",
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
    update_token=save_token,
)
SCOPE = "openid nickname offline_access"


@app.get("/")
def home():
    visitor = visitors.get(session.get("visitor"))
    if visitor is None:
        return page()
    return page({**visitor, "access_token": visitor["token"]["access_token"]})


@app.get("/sign-in")
def sign_in():
    return oauth.alias.authorize_redirect(f"{BASE_URL}/callback", scope=SCOPE)


@app.get("/callback")
def callback():
    token = oauth.alias.authorize_access_token()
    session["visitor"] = uuid.uuid4().hex
    userinfo = oauth.alias.userinfo(token=token)
    visitors[session["visitor"]] = {"token": token, "userinfo": userinfo}
    return redirect("/")


@app.get("/refresh")
def refresh():
    visitor = visitors[session["visitor"]]
    # As if it had expired: the package refreshes when it next uses the token.
    visitor["token"]["expires_at"] = 0
    visitor["userinfo"] = oauth.alias.userinfo(token=visitor["token"])
    return redirect("/")


@app.get("/sign-out")
def sign_out():
    visitor = visitors.pop(session.pop("visitor"))
    return oauth.alias.logout_redirect(
        post_logout_redirect_uri=f"{BASE_URL}/signed-out",
        id_token_hint=visitor["token"]["id_token"],
    )


@app.get("/signed-out")
def signed_out():
    oauth.alias.validate_logout_response()
    return redirect("/")


listen(app)
