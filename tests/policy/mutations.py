"""Ways to break a rule of the code, each with the promise that must turn red. A new check brings at least one.

`edits` are (file, what stands there exactly once, what stands there instead). `profile` names one under which the rule matters.
"""

from dataclasses import dataclass

Edit = tuple[str, str, str]


@dataclass(frozen=True)
class Mutation:
    name: str
    promise: str
    edits: tuple[Edit, ...]
    profile: str = "default"


def _one(name: str, promise: str, file: str, before: str, after: str, profile: str = "default") -> Mutation:
    return Mutation(name, promise, ((file, before, after),), profile)


MUTATIONS = (
    _one(
        "a log line with the prompt", "store-default", "chat/inference/run.py",
        "def _settle(call: Call, answer: Answer, keep: Keep | None, measure: Measure) -> None:\n",
        "def _settle(call: Call, answer: Answer, keep: Keep | None, measure: Measure) -> None:\n"
        "    log.info(str([getattr(part, 'text', '') for one in call.request.messages for part in one.parts]))\n",
    ),
    _one(
        "uploads that spool to the disk", "store-default", "chat/kernel/pages.py",
        "        return BytesIO()",
        "        return super()._get_file_stream(total_content_length, content_type, filename, content_length)",
    ),
    Mutation(
        "consent that is taken for given", "store-optin",
        (
            (
                "chat/consent/ledger.py",
                "    return state(account, purpose) is State.GIVEN and not is_frozen(account.id)", "    return True",
            ),
            (
                "chat/consent/ledger.py",
                "    return not is_frozen and state(account, purpose) is State.GIVEN", "    return True",
            ),
        ),
    ),
    Mutation(
        "content stored as it is", "sec-rest",
        (
            ("chat/consent/gate.py", "Sealed(crypto.encrypt(permit.key, content, place.bound_to(permit.account)))",
             "Sealed(content)"),
            ("chat/consent/gate.py", "self._opener.open(sealed.blob, place.bound_to(self._account))", "sealed.blob"),
        ),
    ),
    _one(
        "a provider that trains is asked", "no-training", "chat/inference/permission.py", "if policy.trains:", "if False:",
    ),
    _one(
        "a provider of which nothing is known is offered", "share-providers", "chat/providers/data_policy.py",
        "    if stated is None or not stated.region.strip():\n        return None",
        "    if stated is None:\n        return DataPolicy('somewhere', 0, False, '', date.today())",
    ),
    _one(
        "a request with the name of who asks", "share-minimal", "chat/providers/openai.py",
        '            "stream": True,\n            "stream_options"',
        '            "stream": True,\n            "user": "7",\n            "stream_options"',
    ),
    _one(
        "two records for one request", "collect-usage", "chat/metering/ledger.py",
        "        connection.execute(_INSERT_USAGE, rows)", "        connection.execute(_INSERT_USAGE, [*rows, *rows])",
    ),
    _one(
        "an address written down in spite of the profile", "collect-technical", "chat/kernel/network.py",
        "if keep is Address.NONE or not address:", "if not address:",
    ),
    _one(
        "an address that is not truncated", "collect-technical", "chat/kernel/network.py",
        "    if keep is Address.FULL:", "    if keep:", profile="lumio",
    ),
    Mutation(
        "a country written down in spite of the profile", "collect-technical",
        (
            ("chat/kernel/network.py", "    header = site.settings.chat_country_header\n", '    header = "CF-IPCountry"\n'),
            ("chat/kernel/network.py", "if header is None or not site.profile.collect.country:", "if header is None:"),
        ),
    ),
    _one(
        "a form that asks for more", "collect-account", "templates/security/register_user.html",
        "  {{ field(form.display_name) }}", '  {{ field(form.display_name) }}<input name="phone" aria-label="Phone">',
    ),
    _one(
        "a message sent twice", "collect-content", "chat/inference/run.py",
        "    events = provider.stream(call.request, cancel)\n",
        "    list(provider.stream(call.request, cancel))\n    events = provider.stream(call.request, cancel)\n",
    ),
    _one(
        "no notice where people write", "collect-warn", "templates/conversations/_composer.html",
        "{% if chat.sensitive_data %}", "{% if false %}",
    ),
    _one(
        "age taken for granted", "age-minimum", "chat/accounts/forms.py",
        'validators=[DataRequired(_l("This site is not for younger people."))]', "",
    ),
    _one(
        "a session cookie that outlives the browser", "cookie-session", "chat/accounts/security.py",
        'session.permanent = "keep_signed_in" in request.form', "session.permanent = True",
    ),
    _one(
        "a session that survives signing out", "cookie-session", "chat/accounts/security.py",
        "        devices.forget(device)", "        pass",
    ),
    _one(
        "a cookie for every visitor", "cookie-essential", "chat/kernel/headers.py",
        "    headers = response.headers\n", "    headers = response.headers\n    response.set_cookie('visitor', '1')\n",
    ),
    _one(
        "a font from elsewhere", "cookie-essential", "templates/layouts/base.html",
        "</head>", '<link rel="stylesheet" href="https://fonts.example.com/a.css"></head>',
    ),
    _one(
        "limits that let everybody through", "sec-abuse", "chat/kernel/limits.py",
        "not allowed:\n            raise _too_many(rate, limiter", "False:\n            raise _too_many(rate, limiter",
    ),
    _one(
        "passwords hashed cheaply", "sec-passwords", "chat/accounts/configuration.py",
        '"argon2__memory_cost": 19456', '"argon2__memory_cost": 64',
    ),
    _one(
        "providers asked in the clear", "sec-transit", "chat/kernel/settings.py",
        'raise ValueError("must start with https:// unless the host is on loopback: prompts travel over it")', "pass",
    ),
    _one(
        "a policy that does not name the authority", "right-complain", "templates/policy/_who.html",
        ", (_(\"Authority you may complain to\"), profile.law.authority)", "", profile="lumio",
    ),
    _one(
        "a service provider that is left out", "share-list", "templates/policy/_sharing.html",
        "{% if profile.subprocessors %}", "{% if false %}", profile="lumio",
    ),
    _one(
        "a job that forgets accounts", "keep-account", "chat/retention/jobs.py",
        "def purge() -> int:\n",
        "def purge() -> int:\n    from chat.accounts.models import Account\n"
        "    db.session.query(Account).delete(); db.session.commit(); return 1\n\n\ndef _purge() -> int:\n",
    ),
    Mutation(
        "an address that shows the last message", "sec-internal",
        (
            ("chat/inference/run.py", "    events = provider.stream(call.request, cancel)\n",
             "    events = provider.stream(call.request, cancel); import sys; sys.s=call.request.messages[-1].parts[0].text\n"),
            ("chat/kernel/health.py", '    return Response("ok\\n", mimetype="text/plain")',
             "    import sys; return Response(getattr(sys, 's', 'ok'), mimetype='text/plain')"),
        ),
    ),
    Mutation(
        "a page of the settings that shows the last message", "sec-internal",
        (
            ("chat/inference/run.py", "    events = provider.stream(call.request, cancel)\n",
             "    events = provider.stream(call.request, cancel); import sys; sys.s=call.request.messages[-1].parts[0].text\n"),
            ("chat/consent/views_receipts.py", '    return _file(document, "consents.json")',
             "    import sys; return _file({'shown': getattr(sys, 's', '')}, 'consents.json')"),
        ),
    ),
    _one(
        "a verification that leaves no report", "sec-review", "chat/policy/cli.py", "        db.session.commit()\n", "",
    ),
    _one(
        "a model that does not answer", "cap-chat", "chat/inference/run.py",
        "for event in _within_bounds(events):", "for event in _within_bounds(iter(())):",
    ),
    _one(
        "rights for some places only", "right-everywhere", "chat/kernel/headers.py",
        "def _add(response: Response) -> Response:\n",
        "def _add(response: Response) -> Response:\n"
        "    if request.headers.get('CF-IPCountry') == 'US' and request.path.startswith('/settings'):\n"
        "        response.status_code = 403\n",
    ),
    _one(
        "any password will do", "cap-signin", "chat/accounts/hashing.py",
        "        fits: bool = beside(self._context.verify, *args, **kwargs)\n        return fits", "        return True",
    ),
    _one(
        "a conversation that outlives its day", "keep-history", "chat/kernel/lifetimes.py",
        "<= limit.moment(now) for limit", "<= limit.moment(now) - timedelta(days=5) for limit",
    ),
    _one(
        "requests remembered for too long", "keep-logs", "chat/metering/personal_data.py",
        "timedelta(days=profile.retention.request_logs)", "timedelta(days=profile.retention.request_logs + 30)",
    ),
    Mutation(
        "an export of everybody's history", "improve-optin",
        (
            ("chat/improvement/eligible.py", "NEEDED = (Purpose.HISTORY, Purpose.IMPROVEMENT)", "NEEDED = (Purpose.HISTORY,)"),
            ("chat/improvement/eligible.py", "== Purpose.IMPROVEMENT", "== 'history'"),
            ("chat/improvement/eligible.py", "in latest[Purpose.IMPROVEMENT]:", "in latest[Purpose.HISTORY]:"),
        ),
        profile="lumees",
    ),
    Mutation(
        "conversations taken after the consent was withdrawn", "improve-optin",
        (
            ("chat/improvement/eligible.py", "if not all(ledger.holds(account, purpose) for purpose in NEEDED):", "if False:"),
            (
                "chat/improvement/eligible.py",
                "since = (since or entry.at) if entry.given else None", "since = since or entry.at",
            ),
            ("chat/consent/gate.py", "if not all(holds(account, purpose) for purpose in purposes):", "if False:"),
        ),
        "lumees",
    ),
    _one(
        "an export that says whose conversations it holds", "improve-optin", "chat/improvement/records.py",
        'return self._name.sub("[name]", text) if self._name else text', "return text", "lumees",
    ),
    _one(
        "copies of failed answers that nobody agreed to", "debug-optin", "chat/diagnostics/failures.py",
        "if account is None or not keep_for or not ledger.allows(account, Purpose.DIAGNOSTICS):\n        return False\n"
        "    try:\n        permit = gate.issue(account, Purpose.DIAGNOSTICS, keyring)",
        "if account is None:\n        return False\n    try:\n        permit = gate.accept(account, 'request', keyring)",
        "lumees",
    ),
    _one(
        "copies of failed answers that outlive their time", "debug-optin", "chat/diagnostics/failures.py",
        "expires_at=now + keep_for,", "expires_at=now + 9 * keep_for,", "lumees",
    ),
    _one(
        "a request read without a trace", "collect-support", "chat/requests/answering.py",
        '    audit.record(READ, reason=f"{row.public_id} ({row.kind})", now=now, about=account)\n', "", "flowapi",
    ),
    _one(
        "an answer that reaches nobody", "cap-support", "chat/requests/letters.py",
        'return "" if row.answer is None else', 'return "" if row.answer else', "flowapi",
    ),
    _one(
        "requests that the operator does not see", "right-complain", "chat/requests/answering.py",
        "    query = sa.select(PersonRequest)\n", "    query = sa.select(PersonRequest).where(sa.false())\n",
    ),
    _one(
        "a report of a child's account that is dropped", "age-minimum", "chat/requests/views.py",
        "        _tell_operator(sent)\n        db.session.commit()\n        return render_template",
        "        return render_template",
    ),
    _one(
        "a table that deleting forgets", "right-delete", "chat/datarights/removal.py",
        "    owned = [store for store in stores if store.owner is not None or store.also_names]\n",
        "    owned = [store for store in stores if (store.owner is not None or store.also_names) and store.title != 'Usage']\n",
    ),
    _one(
        "a certificate that says more than was signed", "right-delete", "chat/datarights/erase.py",
        "    return keys.sign(erasure.document)\n", "    return {**keys.sign(erasure.document), 'asked_by': 'nobody'}\n",
    ),
    Mutation(
        "a key that outlives its account", "keep-deleted",
        (
            ("chat/datarights/erase.py", "            ground.keyring.bury(erasure.account, now.date())\n", ""),
            ("chat/datarights/erase.py", "    if ground.keyring.holds(erasure.account):", "    if False:"),
        ),
    ),
    _one(
        "a grace that never ends", "keep-deleted", "chat/datarights/jobs.py",
        "in closing.list_due(clock.now()):", "in closing.list_due(clock.now())[:0]:",
    ),
    _one(
        "a closing account that is used like any other", "keep-deleted", "chat/datarights/views_erase.py",
        "    if account is None or account.closing_at is None:", "    if True:",
    ),
    _one(
        "an account handed over without a trace", "share-law", "chat/datarights/authority.py",
        "    audit.record(ACT, reason=reason, now=now, about=account, withheld=withheld)\n", "",
    ),
    _one(
        "an account handed over for no reason", "share-law", "chat/datarights/authority.py",
        "    if len(said) < _SHORTEST or len(set(said.lower().split())) < _FEWEST_WORDS:", "    if False:",
    ),
    _one(
        "a change that is in force before its notice is over", "change-notice", "chat/policy/versions.py",
        "in_force_at = now + notice if is_material else now", "in_force_at = now",
    ),
    _one(
        "a change of which nobody is told by mail", "change-notice", "chat/policy/publishing.py",
        "if not is_material or site.settings.mail_url is None:", "if is_material or site.settings.mail_url is None:",
    ),
    _one(
        "a notice that no page shows", "business-transfer", "chat/announcements/feature.py",
        "    add_banners(app, notices.banners)\n", "",
    ),
    _one(
        "news to who did not ask for any", "right-optout-mail", "chat/announcements/updates.py",
        "return usable and ledger.allows(account, Purpose.PRODUCT_UPDATES)", "return usable", "lumio",
    ),
    _one(
        "news that end when a mail scanner looks at the link", "right-optout-mail", "chat/announcements/views.py",
        'is_done = request.method == "POST"', "is_done = True", "lumio",
    ),
    _one(
        "a detail that cannot be emptied", "right-correct", "chat/accounts/details.py",
        "        if value == known.get(field, \"\"):\n", "        if not value or value == known.get(field):\n", "lumio",
    ),
    _one(
        "an entry without the words that were shown", "consent-record", "chat/consent/ledger.py",
        "wording_hash=wording.hash,", 'wording_hash="0" * 64,',
    ),
    _one(
        "a withdrawal written over the consent", "consent-record", "chat/consent/ledger.py",
        "    return _append(account, purpose, given=False, source=source, now=now)",
        "    latest.given = False\n    return latest",
    ),
    _one(
        "a withdrawal that leaves what was stored", "consent-withdraw", "chat/consent/views.py",
        "gone = sum(delete_owned(store, account.id) for store in current_stores() if stands_on(store, subject))", "gone = 0",
    ),
    _one(
        "one switch that moves another", "consent-separate", "chat/consent/views.py",
        "    ledger.give(account, chosen, Source.SETTINGS, clock.now())\n",
        "    ledger.give(account, chosen, Source.SETTINGS, clock.now())\n"
        "    ledger.give(account, Purpose.HISTORY, Source.SETTINGS, clock.now())\n",
        "lumees",
    ),
    _one(
        "boxes that are ticked already", "consent-separate", "templates/consent/cookies.html",
        '{{ " checked" if purpose in chosen }}', " checked", "lumees",
    ),
    _one(
        "statistics of people who object", "right-object", "chat/analytics/statistics.py",
        ".where(Usage.at >= since, _not_left_out(Usage.account_id))", ".where(Usage.at >= since)",
    ),
    _one(
        "a signal that nobody hears", "right-gpc", "chat/kernel/signals.py",
        'return request.headers.get("Sec-GPC") == "1"', "return False and bool(request)",
    ),
    _one(
        "a signal that ends nothing", "right-gpc", "chat/consent/views_cookies.py",
        "    app.before_request(_hear_the_signal)\n", "", "lumees",
    ),
    Mutation(
        "an optional cookie for those who refuse", "cookie-choice",
        (
            (
                "chat/consent/views_cookies.py",
                "    if Purpose.PREFERENCE_COOKIES in wanted:\n", "    if wanted is not None:\n",
            ),
            ("chat/consent/views_cookies.py", "    app.after_request(_take_away)\n", ""),
        ),
        "lumees",
    ),
    _one(
        "a file for reports that has expired", "sec-report", "chat/kernel/well_known.py",
        "(clock.now() + _GOOD_FOR)", "(clock.now() - _GOOD_FOR)",
    ),
    _one(
        "a table forgotten on the page of one's data", "right-access", "chat/datarights/holdings.py",
        "if store.owner is not None]", 'if store.owner is not None and store.title != "Usage"]',
    ),
    _one(
        "everybody's rows counted as one's own", "right-access", "chat/datarights/holdings.py",
        ".where(store.owner == owner_id)", ".where(store.owner.is_not(None))",
    ),
    _one(
        "everybody's rows in a copy", "right-export", "chat/datarights/holdings.py",
        ".where(store.owner == owner_id)", ".where(store.owner.is_not(None))",
    ),
    _one(
        "a copy that is left on the disk", "right-export", "chat/datarights/zipping.py",
        "        self._waiting += len(data)\n",
        "        self._waiting += len(data)\n"
        "        with __import__('pathlib').Path(__import__('tempfile').gettempdir(), 'copy.zip').open('ab') as spool:\n"
        "            spool.write(data)\n",
    ),
    _one(
        "a copy without what was written", "right-export", "chat/datarights/rows.py",
        "found[name] = None if opened is None else", "found[name] = None if opened is not None else",
    ),
    _one(
        "a door that is open to frozen accounts", "right-restrict", "chat/inference/run.py",
        "        check_in_use(caller.account_id)\n", "",
    ),
    _one(
        "a freeze that forbids no act", "right-restrict", "chat/accounts/views.py",
        "        check_in_use(account.id)\n", "        pass\n",
    ),
    _one(
        "a correction that is dropped", "right-correct", "chat/accounts/views.py",
        "        account.display_name = ", "        _dropped = ",
    ),
    _one(
        "a program's call that nobody counts", "cap-api", "chat/inference/relay.py",
        "        self.clerk.post_together(", "        (lambda *_entry: None)(",
    ),
    _one(
        "a key that goes on after its end", "cap-api", "chat/gateway/guard.py",
        "            ApiKey.disabled_at.is_(None),\n", "",
    ),
    _one(
        "a key that is kept as it is", "sec-keys", "chat/gateway/keys.py",
        "        name=words,\n", "        name=key,\n",
    ),
    _one(
        "a key that an address may carry", "sec-keys", "chat/gateway/guard.py",
        '    given = headers.get("x-api-key") or ""\n',
        '    given = headers.get("x-api-key") or request.args.get("api_key", "")\n',
    ),
    _one(
        "a key's limit that stops nobody", "sec-abuse", "chat/gateway/keys.py",
        "    return Terms(**values)\n", "    return Terms(**values | {'requests_per_minute': None})\n",
    ),
    _one(
        "a copy of what a program sent", "store-default", "chat/gateway/api.py",
        "    posted = read_request(protocol, body)\n",
        "    posted = read_request(protocol, body)\n    (site.settings.chat_instance / 'last').write_bytes(body)\n",
    ),
    _one(
        "a program that asks a provider that trains", "no-training", "chat/providers/demands.py",
        "        if self.no_training and policy.trains:", "        if False:",
    ),
    _one(
        "a region that was left out, asked from the chat", "transfer-regions", "chat/inference/run.py",
        "        check_account(caller.account_id, call.model)\n", "",
    ),
    _one(
        "a region that was left out, asked by a program", "transfer-regions", "chat/gateway/guard.py",
        "demands_in(demanded).and_also(terms.demands)", "terms.demands",
    ),
)  # fmt: skip
