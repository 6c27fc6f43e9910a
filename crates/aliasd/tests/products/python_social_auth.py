"""Python Social Auth in a Django site."""

import django_site


URLS = """
from django.middleware.csrf import get_token


def sign_in(request):
    token = get_token(request)
    field = f'<input type="hidden" name="csrfmiddlewaretoken" value="{token}">'
    button = '<button type="submit">Sign in</button>'
    return HttpResponse(f'<form method="post" action="/login/oidc/">{field}{button}</form>')


urlpatterns = [path("", home), path("sign-in", sign_in), path("", include("social_django.urls"))]
"""


def follow(trial):
    django_site.start(
        trial,
        ["social_django"],
        URLS,
        "user.social_auth.get().uid, user.username",
    )
    # The package begins at a POST.
    trial.browser.goto(f"{trial.url}/sign-in")
    trial.browser.press("form button[type=submit]")
    trial.browser.sign_in()
    trial.browser.shows(f"signed in: ('{trial.alias_id()}', 'Fred')")
