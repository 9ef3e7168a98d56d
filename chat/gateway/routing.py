"""Which models may answer a program's request, in which order, and what is demanded of whoever does."""

import random
from collections.abc import Sequence

from chat.gateway.guard import Caller
from chat.gateway.policy_header import demands_of_header
from chat.kernel.errors import NotFound
from chat.kernel.profile import DemandsOfSite
from chat.providers.catalogue import Catalogue, Model, Route
from chat.providers.demands import Demands, demands_of_site
from chat.providers.passing import spoken_by


def models_for(name: str, caller: Caller, catalogue: Catalogue) -> tuple[Model, ...]:
    """Return the models that the name stands for, the one to ask first before its fallbacks. Raises NotFound."""
    if may_use(caller, name):
        model, route = catalogue.find_model(name), catalogue.find_route(name)
        if model is not None:
            return (model,)
        if route is not None:
            return _drawn(route)
    raise NotFound(
        f"There is no model {name[:80]!r} for this key. GET /v1/models lists those there are.", code="model_not_found"
    )


def may_use(caller: Caller, name: str) -> bool:
    """Whether the key may ask for this model or route."""
    return caller.terms.models is None or name in caller.terms.models


def list_models(caller: Caller, catalogue: Catalogue, demands: Demands) -> list[tuple[str, Sequence[Model]]]:
    """Return each name that the key may ask for, with the models it stands for: what is listed can be asked."""
    known: list[tuple[str, Sequence[Model]]] = [(one.id, (one,)) for one in catalogue.list_models()]
    known += [(one.name, one.models) for one in catalogue.list_routes()]
    return [
        (name, models) for name, models in known if may_use(caller, name) and any(_may_answer(one, demands) for one in models)
    ]


def _may_answer(model: Model, demands: Demands) -> bool:
    return bool(spoken_by(model.kind)) and demands.why_not(model.policy) is None


def demands_of(caller: Caller, site: DemandsOfSite, header: str | None) -> Demands:
    """Return what the site, the account, the key and the request demand together. Raises BadRequest for an unknown word."""
    return demands_of_site(site).and_also(caller.demands).and_also(demands_of_header(header))


def _drawn(route: Route) -> tuple[Model, ...]:
    """Return the route's models, the first drawn by weight and the rest in their order."""
    first = random.choices(range(len(route.models)), route.weights)[0]  # noqa: S311  # spreads load, guards nothing
    return (route.models[first], *route.models[:first], *route.models[first + 1 :])
