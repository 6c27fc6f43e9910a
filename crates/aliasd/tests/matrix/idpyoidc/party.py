"""A relying party on idpyoidc's RPHandler, as its documentation and its example for Flask have it."""

import os

from flask import Flask, redirect, request, session
from idpyoidc.client.defaults import DEFAULT_OIDC_SERVICES
from idpyoidc.client.oauth2.stand_alone_client import backchannel_logout
from idpyoidc.client.rp_handler import RPHandler
from page import listen, page

BASE_URL = os.environ["BASE_URL"]
ISSUER = os.environ["ISSUER"]

rp_handler = RPHandler(
    base_url=BASE_URL,
    client_configs={
        ISSUER: {
            "issuer": ISSUER,
            "client_type": "oidc",
            "client_id": os.environ["CLIENT_ID"],
            "client_secret": os.environ["CLIENT_SECRET"],
            "client_authn_methods": ["client_secret_basic"],
            "redirect_uris": [f"{BASE_URL}/callback"],
            "post_logout_redirect_uris": [f"{BASE_URL}/"],
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "nickname", "offline_access"],
            "services": {
                **DEFAULT_OIDC_SERVICES,
                "end_session": {"class": "idpyoidc.client.oidc.end_session.EndSession"},
            },
            "add_ons": {
                "pkce": {
                    "function": "idpyoidc.client.oauth2.add_on.pkce.add_support",
                    "kwargs": {"code_challenge_length": 64, "code_challenge_method": "S256"},
                }
            },
        }
    },
)

app = Flask(__name__)
app.secret_key = os.urandom(32)
visitors = {}


@app.get("/")
def home():
    return page(visitors.get(session.get("state")))


@app.get("/sign-in")
def sign_in():
    return redirect(rp_handler.begin(ISSUER))


@app.get("/callback")
def callback():
    result = rp_handler.finalize(ISSUER, request.args.to_dict())
    state = result["state"]
    session["state"] = state
    visitors[state] = {
        "userinfo": result["userinfo"].to_dict(),
        "access_token": result["token"],
    }
    return redirect("/")


@app.get("/refresh")
def refresh():
    state = session["state"]
    token = rp_handler.refresh_access_token(state)
    userinfo = rp_handler.get_user_info(state)
    visitors[state] = {
        "userinfo": userinfo.to_dict(),
        "access_token": token["access_token"],
    }
    return redirect("/")


@app.get("/sign-out")
def sign_out():
    state = session.pop("state")
    del visitors[state]
    return redirect(rp_handler.logout(state)["url"])


@app.post("/back-channel")
def back_channel():
    client = rp_handler.issuer2rp[ISSUER]
    state = backchannel_logout(client, request=request.get_data())
    rp_handler.clear_session(state)
    visitors.pop(state, None)
    return ""


listen(app)
