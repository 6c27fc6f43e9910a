"""A Django site that a trial adds the lines of its page to."""

COMMON = """
SECRET_KEY = "only for a trial"
DEBUG = True
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = "notes.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "notes.db"}}
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
LOGIN_REDIRECT_URL = "/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "notes",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
"""

URLS = """
from django.http import HttpResponse
from django.urls import include, path


def home(request):
    if not request.user.is_authenticated:
        return HttpResponse("nobody")
    return HttpResponse(f"signed in: {of(request.user)}")


"""


def start(trial, apps, urls, shown, settings="", middleware=()):
    """`shown` is the text of an expression for what the site knows of `user`."""
    site = trial.folder / "notes"
    site.mkdir()
    lines = (trial.folder / "settings.py").read_text()
    added = f"INSTALLED_APPS += {apps!r}\nMIDDLEWARE += {list(middleware)!r}\n"
    (site / "__init__.py").write_text("")
    (site / "settings.py").write_text(COMMON + added + settings + lines)
    (site / "urls.py").write_text(f"{URLS}\ndef of(user):\n    return {shown}\n\n\n{urls}")
    backends = trial.folder / "backends.py"
    if backends.exists():
        backends.rename(site / "backends.py")
    environment = {"DJANGO_SETTINGS_MODULE": "notes.settings", "PYTHONPATH": str(trial.folder)}
    django = [trial.cache / "django/bin/python", "-m", "django"]
    migrated = trial.start("migrate", [*django, "migrate"], environment)
    if migrated.wait() != 0:
        raise SystemExit(f"no migration: {trial.processes.log('migrate')}")
    listen = ["runserver", "--noreload", str(trial.port)]
    trial.start("site", [*django, *listen], environment)
    trial.listens()
