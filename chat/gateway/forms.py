"""The forms around API keys: shapes only; what a key may be is for `keys`."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    IntegerField,
    RadioField,
    StringField,
    SubmitField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from chat.billing.money import parse_dollars, write_dollars
from chat.gateway.keys import Terms, read_network
from chat.kernel.errors import Problem
from chat.kernel.forms import ChoicesField
from chat.kernel.ids import public_id
from chat.providers.passing import Protocol

_LARGEST = 2**31 - 1
BUDGETS = ("budget_day", "budget_week", "budget_month")


def _amount(label: str) -> StringField:
    attributes = {"inputmode": "decimal", "autocomplete": "off", "maxlength": 20}
    return StringField(label, validators=[Optional(), _check_amount], render_kw=attributes)


def _check_amount(_form: FlaskForm, field: StringField) -> None:
    try:
        parse_dollars(field.data)
    except Problem as problem:
        raise ValidationError(problem.message) from None


def _number(label: str) -> IntegerField:
    return IntegerField(label, validators=[Optional(), NumberRange(1, _LARGEST)], render_kw={"min": 1, "autocomplete": "off"})


class _MakesKey(FlaskForm):
    # Tells a form that was sent again, by a reload of the page that shows its key, from another one.
    attempt = HiddenField(default=public_id)


class KeyForm(_MakesKey):
    name = StringField(
        _l("Name"),
        description=_l("What you will recognise it by, like the program that uses it."),
        validators=[DataRequired(_l("Give the key a name, so that you recognise it later.")), Length(max=80)],
        render_kw={"maxlength": 80, "autocomplete": "off"},
    )
    expires = DateField(
        _l("Works until"),
        description=_l("The last day on which it works, in UTC. Empty: until you end it."),
        validators=[Optional()],
    )
    budget_day = _amount(_l("Dollars a day"))
    budget_week = _amount(_l("Dollars a week"))
    budget_month = _amount(_l("Dollars a month"))
    requests_per_minute = _number(_l("Requests a minute"))
    tokens_per_minute = _number(_l("Tokens a minute"))
    parallel = _number(_l("Requests at the same time"))
    endpoints = ChoicesField(_l("Endpoints"), description=_l("None ticked: all of them."))
    models = ChoicesField(_l("Models"), description=_l("None ticked: all of them, also those that come later."))
    networks = TextAreaField(
        _l("Addresses it may be used from"),
        description=_l("One address or network a line, like 192.0.2.7 or 2001:db8::/32. Empty: from anywhere."),
        validators=[Optional(), Length(max=4000)],
        render_kw={"rows": 3, "spellcheck": "false", "autocomplete": "off"},
    )
    no_training = BooleanField(_l("Only providers that do not train on what they are sent"))
    zero_retention = BooleanField(_l("Only providers that keep nothing"))
    regions = ChoicesField(_l("Only providers in"), description=_l("None ticked: anywhere."))
    submit = SubmitField(_l("Make the key"))

    def __init__(self, *, models: Sequence[str], regions: Sequence[str], today: date, terms: Terms | None = None) -> None:
        told: dict[str, Any] = {} if terms is None else _as_fields(terms)
        super().__init__(data=told)
        self._today, self._kept = today, told.get("expires")
        self.endpoints.choices = [(one.value, f"/v1/{one.value}") for one in Protocol]
        # What the key was limited to stays on its list, also where the site does not offer it at the moment.
        self.models.choices = [(one, one) for one in dict.fromkeys((*models, *told.get("models", ())))]
        self.regions.choices = [(one, one) for one in dict.fromkeys((*regions, *told.get("regions", ())))]

    def validate_networks(self, field: TextAreaField) -> None:
        try:
            for line in _lines(field.data):
                read_network(line)
        except Problem as problem:
            raise ValidationError(problem.message) from None

    def validate_expires(self, field: DateField) -> None:
        if field.data and field.data < self._today and field.data != self._kept:
            raise ValidationError(_("That day is over."))

    @property
    def has_amounts(self) -> bool:
        """Whether there is something to see among the amounts, so that they are not folded away."""
        return self._has(*BUDGETS, "requests_per_minute", "tokens_per_minute", "parallel")

    @property
    def has_places(self) -> bool:
        return self._has("endpoints", "models", "networks")

    @property
    def has_demands(self) -> bool:
        return self._has("no_training", "zero_retention", "regions")

    def _has(self, *names: str) -> bool:
        return any(self[name].data or self[name].errors for name in names)

    @property
    def terms(self) -> Terms:
        """What was filled in. Only of a form that is valid."""
        return Terms(
            expires_at=_end_of(self.expires.data),
            endpoints=tuple(self.endpoints.data) or None,
            models=tuple(self.models.data) or None,
            networks=_lines(self.networks.data) or None,
            budget_day=_amount_in(self.budget_day),
            budget_week=_amount_in(self.budget_week),
            budget_month=_amount_in(self.budget_month),
            requests_per_minute=self.requests_per_minute.data,
            tokens_per_minute=self.tokens_per_minute.data,
            parallel=self.parallel.data,
            no_training=self.no_training.data,
            zero_retention=self.zero_retention.data,
            regions=tuple(self.regions.data) or None,
        )


class RotateForm(_MakesKey):
    overlap = RadioField(_l("The old key"), choices=[], default="24")
    submit = SubmitField(_l("Make the new key"))

    def __init__(self) -> None:
        super().__init__()
        self.overlap.choices = [
            ("0", _("ends now")),
            ("1", _("works for one more hour")),
            ("24", _("works for one more day")),
            ("168", _("works for seven more days")),
            ("720", _("works for thirty more days")),
        ]

    @property
    def hours(self) -> timedelta:
        return timedelta(hours=int(self.overlap.data))


def _as_fields(terms: Terms) -> dict[str, Any]:
    told = {name: getattr(terms, name) for name in Terms.__dataclass_fields__ if name != "expires_at"}
    told |= {name: write_dollars(told[name]) for name in BUDGETS}
    told |= {name: list(told[name] or ()) for name in ("endpoints", "models", "regions")}
    told["networks"] = "\n".join(told["networks"] or ())
    told["expires"] = _day_of(terms.expires_at)
    return told


def _lines(text: str | None) -> tuple[str, ...]:
    return tuple(line.strip() for line in (text or "").splitlines() if line.strip())


def _amount_in(field: StringField) -> int | None:
    return parse_dollars(field.data) if field.data else None


def _end_of(day: date | None) -> datetime | None:
    """Return the first moment after `day`, in UTC."""
    return None if day is None else datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)


def _day_of(end: datetime | None) -> date | None:
    """Return the last day before `end` on which something works, in UTC."""
    return None if end is None else (end - timedelta(microseconds=1)).date()
