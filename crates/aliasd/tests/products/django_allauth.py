"""django-allauth in a Django site."""

import django_site

APPS = ["allauth", "allauth.account", "allauth.socialaccount"]
APPS.append("allauth.socialaccount.providers.openid_connect")
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def follow(trial):
    django_site.start(
        trial,
        APPS,
        'urlpatterns = [path("", home), path("accounts/", include("allauth.urls"))]\n',
        "user.socialaccount_set.get().uid, user.username",
        f"AUTHENTICATION_BACKENDS = [{BACKEND!r}]\n",
        ["allauth.account.middleware.AccountMiddleware"],
    )
    trial.browser.goto(f"{trial.url}/accounts/oidc/alias/login/")
    trial.browser.press("form button[type=submit]")
    trial.browser.sign_in()
    trial.browser.shows(f"signed in: ('{trial.alias_id()}'")
