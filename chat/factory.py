"""The application, from its settings to its mounted features. Reads top to bottom."""

import sys

import click
from flask import Flask, request, url_for
from flask_babel import Babel
from flask_wtf import CSRFProtect
from jinja2 import StrictUndefined
from werkzeug.local import LocalProxy
from werkzeug.middleware.proxy_fix import ProxyFix

from chat.accounts.sessions import current_account
from chat.features import FEATURES
from chat.kernel import health, well_known
from chat.kernel.access_log import log_requests
from chat.kernel.assets import serve_assets
from chat.kernel.banners import current_banners
from chat.kernel.cli import master_key
from chat.kernel.constant_words import ConstantWords
from chat.kernel.cookies import SESSION
from chat.kernel.db import db, engine_options
from chat.kernel.errors import StartRefused
from chat.kernel.feature import mount_features
from chat.kernel.headers import send_headers
from chat.kernel.lifetimes import hide_what_is_over
from chat.kernel.logs import log_what_nobody_caught, set_up_logs
from chat.kernel.look import share_look
from chat.kernel.migrate import bring_up_to_date, offer_migrations
from chat.kernel.pages import MemoryRequest, share_macros, show_errors
from chat.kernel.personal_data import mount_stores
from chat.kernel.serving import announce, is_serving
from chat.kernel.sessions import CheapSessions
from chat.kernel.settings import ROOT, Settings, load_settings
from chat.kernel.site import Site, current_site, mount_site, open_site

csrf = CSRFProtect()
babel = Babel()


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application. Wrong settings or a wrong profile end the process with one sentence for each fault."""
    try:
        return _build(settings or load_settings())
    except StartRefused as refusal:
        click.secho(f"Candor does not start.\n{refusal}", fg="red", err=True)
        sys.exit(1)


def _build(settings: Settings) -> Flask:
    set_up_logs(settings.chat_log_level)
    site = open_site(settings)
    app = Flask(
        "chat",
        root_path=str(ROOT / "chat"),
        template_folder=str(ROOT / "templates"),
        static_folder=None,
        instance_path=str(settings.chat_instance),
    )
    app.request_class = MemoryRequest
    app.session_interface = CheapSessions()
    # Nothing here is async, and Flask would look into each function, each time that it is called.
    app.ensure_sync = lambda func: func  # type: ignore[method-assign]
    app.config.from_mapping(_config(site))
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["site"] = site.profile.site
    if settings.chat_proxies:
        hops = settings.chat_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    mount_site(app.extensions, site)

    log_requests(app)
    send_headers(app)
    show_errors(app)
    serve_assets(app, ROOT / "static")
    babel.init_app(app)
    if site.profile.site.language == "en":
        # The words in the templates are English already; looking each of them up took a fifth of a page's time.
        app.jinja_env.install_null_translations(newstyle=True)  # type: ignore[attr-defined]  # Jinja's i18n extension adds it
        app.jinja_env.add_extension(ConstantWords)
    share_macros(app)
    share_look(app)
    csrf.init_app(app)
    db.init_app(app)
    if not is_serving():
        offer_migrations(app)
    app.register_blueprint(health.bp)
    app.register_blueprint(well_known.bp)
    app.cli.add_command(master_key)
    _mount_features(app)
    stores = tuple(store for feature in FEATURES for store in feature.stores)
    mount_stores(app, stores)
    hide_what_is_over(app, stores, site.profile)
    mount_features(app, FEATURES)
    app.context_processor(_for_templates)
    bring_up_to_date(app)
    if is_serving():
        log_what_nobody_caught()
        for feature in FEATURES:
            if feature.start:
                feature.start(app)
        announce(site.profile.site.name, settings)
    return app


def _mount_features(app: Flask) -> None:
    for feature in FEATURES:
        for blueprint in feature.blueprints:
            app.register_blueprint(blueprint)
        for blueprint in feature.programs:
            app.register_blueprint(blueprint)
            csrf.exempt(blueprint)
        for commands in feature.commands:
            _mount_commands(app, commands)
        if feature.init:
            feature.init(app)


def _mount_commands(app: Flask, commands: click.Group) -> None:
    known = app.cli.commands.get(commands.name or "")
    if not isinstance(known, click.Group):
        app.cli.add_command(commands)
        return
    # Two features may have commands about one thing: what people type is one group.
    both = click.Group(known.name, {**known.commands, **commands.commands}, help=known.help)
    app.cli.add_command(both)


def _for_templates() -> dict[str, object]:
    """What every page but an error page may use."""
    return {
        # Looked up only by a template that asks: error pages do without the database.
        "account": LocalProxy(current_account),
        "banners": current_banners,
        "registration_open": current_site().profile.sign_in.is_open,
        "menu": _menu() if request.path.startswith("/settings") else [],
    }


def _menu() -> list[dict[str, object]]:
    asked = current_site().profile.consents.offered
    items = [item for feature in FEATURES for item in feature.menu if item.consent is None or item.consent in asked]
    urls = [url_for(item.endpoint) for item in items]
    # The entry that a page lies below: by its address, or where it has another one, by the feature it belongs to.
    above = [url for url in urls if f"{request.path}/".startswith(f"{url}/")] or [
        url for item, url in zip(items, urls, strict=True) if item.endpoint.rpartition(".")[0] == request.blueprint
    ]
    nearest = max(above, key=len, default="")
    current = {nearest: "page" if nearest == request.path else "true"}
    return [{"label": item.label, "url": url, "current": current.get(url, "")} for item, url in zip(items, urls, strict=True)]


def _config(site: Site) -> dict[str, object]:
    settings = site.settings
    url = settings.database_url or f"sqlite:///{settings.chat_instance / 'candor.sqlite'}"
    origin = settings.chat_public_url
    largest = site.profile.limits.upload_megabytes * site.profile.limits.files_per_message * 2**20
    return {
        "SECRET_KEY": site.secret,
        "SQLALCHEMY_DATABASE_URI": url,
        "SQLALCHEMY_ENGINE_OPTIONS": engine_options(url),
        "SESSION_COOKIE_NAME": SESSION.name,
        "SESSION_COOKIE_SECURE": settings.uses_https,
        "SESSION_COOKIE_HTTPONLY": True,
        # Lax, not Strict: a sign-in that returns from another site must find its session.
        "SESSION_COOKIE_SAMESITE": "Lax",
        "TRUSTED_HOSTS": [origin.partition("://")[2], "localhost", "127.0.0.1", "[::1]"] if origin else None,
        # A conversation with its images travels in the form when history is off.
        "MAX_CONTENT_LENGTH": min(largest, 64 * 2**20) + 48 * 2**20,
        "MAX_FORM_MEMORY_SIZE": 48 * 2**20,
        "MAX_FORM_PARTS": 400,
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session: a conversation that is not stored must outlive a lunch break
        "WTF_I18N_ENABLED": False,  # it would parse WTForms' own catalogue anew for each form; our validators bring their words
        "BABEL_DEFAULT_LOCALE": site.profile.site.language,
    }
