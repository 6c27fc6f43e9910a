"""mozilla-django-oidc in a Django site."""

import django_site


def follow(trial):
    django_site.start(
        trial,
        ["mozilla_django_oidc"],
        'urlpatterns = [path("", home), path("oidc/", include("mozilla_django_oidc.urls"))]\n',
        "user.username, user.first_name",
    )
    trial.browser.goto(f"{trial.url}/oidc/authenticate/")
    trial.browser.sign_in()
    trial.browser.shows(f"signed in: ('{trial.alias_id()}', 'Fred')")
