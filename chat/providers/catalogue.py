"""Which models this site offers: those of the profile whose data policy is complete and whose provider can be asked.

What providers need costs time and memory to import, so each is made when it is first asked for something.
"""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dotenv import dotenv_values

from chat.kernel.profile import ModelOfProvider, Profile, ProviderOfSite, RouteOfSite
from chat.kernel.settings import Settings, secure_url
from chat.providers.base import Provider
from chat.providers.cooling import Cooling
from chat.providers.data_policy import THIS_MACHINE, DataPolicy, read_policy
from chat.providers.demands import demands_of_site
from chat.providers.letterhead import Letterhead, Letterheads, Sdk
from chat.providers.weights import EmbeddedModel, find_embedded_model, reads_tools

if TYPE_CHECKING:
    from chat.providers.base import Cancel
    from chat.providers.passing import Endpoint
    from chat.providers.transport import Transport

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Model:
    """A model that people may choose, and all they should know before they do. `upstream` is the provider's name for it."""

    id: str
    name: str
    provider_id: str
    provider_name: str
    kind: str
    upstream: str
    sees_images: bool
    reasons: bool
    context: int
    longest_answer: int
    policy: DataPolicy
    host: str
    # Whether it can be told of tools: others leave that to their provider.
    takes_tools: bool = True
    price: tuple[int, int, int | None] | None = None  # the operator's own, in millionths of a dollar for a million tokens


@dataclass(frozen=True, slots=True)
class Route:
    """A name that stands for several models, in order; `weights` says how often each is asked first."""

    name: str
    models: tuple[Model, ...]
    weights: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NotOffered:
    """A model of the profile that nobody can choose, and why."""

    id: str
    provider_name: str
    why: str


class Catalogue:
    """The models of one site, in the order of its profile; the first is the default."""

    def __init__(self, profile: Profile, settings: Settings, environment: Mapping[str, str | None] | None = None) -> None:
        # A profile may name any variable, and `.env` may hold it without the server having loaded that file.
        self._environment = {**dotenv_values(".env"), **os.environ} if environment is None else environment
        self._settings = settings
        self._embedded = find_embedded_model(settings)
        self._sees_images = self._embedded is not None and self._embedded.sees_images
        self._models: dict[str, Model] = {}
        self._not_offered: list[NotOffered] = []
        self._connections = {provider.id: provider for provider in profile.providers}
        self._providers: dict[str, Provider] = {}
        self.letterheads = Letterheads(settings.chat_instance)
        # Who trains is listed, so that people see it; it is refused when it is to be asked.
        self._demands = replace(demands_of_site(profile.demands), no_training=False)
        self._making = threading.Lock()
        self._shared_transport: Transport | None = None
        for provider in profile.providers:
            self._add(provider)
        self._routes = {route.name: route for one in profile.routes if (route := self._route(one))}
        self.cooling = Cooling()

    def list_models(self) -> tuple[Model, ...]:
        return tuple(self._models.values())

    def list_not_offered(self) -> tuple[NotOffered, ...]:
        return tuple(self._not_offered)

    def find_model(self, model_id: str) -> Model | None:
        return self._models.get(model_id)

    def list_routes(self) -> tuple[Route, ...]:
        return tuple(self._routes.values())

    def find_route(self, name: str) -> Route | None:
        return self._routes.get(name)

    def find_default(self) -> Model | None:
        return next(iter(self._models.values()), None)

    @property
    def embedded(self) -> EmbeddedModel | None:
        """The model that runs on this machine, if the site offers one."""
        return self._embedded if any(model.kind == "embedded" for model in self._models.values()) else None

    def provider_for(self, model: Model) -> Provider:
        """Return the one provider of `model`, made now if this is the first time."""
        with self._making:
            if model.provider_id not in self._providers:
                self._providers[model.provider_id] = self._make(self._connections[model.provider_id])
            return self._providers[model.provider_id]

    def endpoint_for(self, model: Model, cancel: "Cancel") -> "Endpoint":
        """Return where `model` is asked by a request that is passed on as it came. Raises ProviderProblem.

        Only for models that speak one of the protocols themselves (`passing.spoken_by`).
        """
        from chat.providers.passing import Endpoint  # noqa: PLC0415  # see the top of this file

        connection = self._connections[model.provider_id]
        if model.kind == "embedded":
            provider = self.provider_for(model)
            made: Endpoint = provider.endpoint(cancel)  # type: ignore[attr-defined]  # the embedded kind has it
            return made
        key, address = self._key(connection), self._address(connection)
        if model.kind == "anthropic":
            headers = {"anthropic-version": "2023-06-01"} | ({"x-api-key": key} if key else {})
            return Endpoint(f"{address.removesuffix('/v1')}/v1", headers)
        return Endpoint(address, {"authorization": f"Bearer {key}"} if key else {})

    @property
    def transport(self) -> "Transport":
        """The one way out of this process."""
        with self._making:
            return self._transport()

    def prepare_default(self) -> None:
        """Make the default model's provider now, before anybody waits for it."""
        default = self.find_default()
        if default is not None:
            self.provider_for(default)

    def _add(self, provider: ProviderOfSite) -> None:
        policy = read_policy(provider)
        why = self._why_not(provider, policy)
        for model in provider.models:
            if why or policy is None:
                self._not_offered.append(NotOffered(model.id, provider.name, why))
            else:
                self._models[model.id] = self._described(provider, model, policy)

    def _route(self, route: RouteOfSite) -> Route | None:
        """Return the route through those of its models that are offered, or None where none is."""
        found = [
            (self._models[one.id], weight)
            for one, weight in zip(route.models, route.weights, strict=True)
            if one.id in self._models
        ]
        if not found:
            return None
        models, weights = zip(*found, strict=True)
        return Route(route.name, models, weights if any(weights) else (1, *weights[1:]))

    def _why_not(self, provider: ProviderOfSite, policy: DataPolicy | None) -> str:
        """Return the reason why `provider` is not offered, or nothing."""
        if policy is None:
            return "its data policy is not complete: region, retention_days, trains, checked and an https url"
        # What never leaves this machine has no policy of its own in the profile, and satisfies every site's.
        if provider.policy is not None and (why := self._demands.why_not(policy)):
            return f"the profile forbids it: {why}"
        match provider.kind:
            case "echo":
                return ""
            case "embedded":
                return self._why_not_embedded()
            case "openai" | "anthropic":
                return self._why_not_connected(provider, policy)

    def _why_not_embedded(self) -> str:
        if self._embedded is None:
            return "CHAT_EMBEDDED_MODEL is off"
        if not self._embedded.is_default and not self._embedded.path.is_file():
            return "CHAT_EMBEDDED_MODEL names a file that does not exist"
        return ""

    def _why_not_connected(self, provider: ProviderOfSite, policy: DataPolicy) -> str:
        try:
            address = self._address(provider)
        except ValueError as error:
            return f"its address {error}"
        is_here = urlsplit(address).hostname in _LOOPBACK
        if not address:
            return f"it has no address: set {provider.base_url_env or 'base_url in the profile'}"
        if policy.stays_here and not is_here:
            return "its data policy says that it runs on this machine, and its address is elsewhere"
        if provider.key_env is None:
            return "" if is_here else "it has no key_env, and only servers on this machine are asked without a key"
        return "" if self._key(provider) else f"{provider.key_env} is not set"

    def _described(self, provider: ProviderOfSite, model: ModelOfProvider, policy: DataPolicy) -> Model:
        own = self._embedded if provider.kind == "embedded" and self._embedded and not self._embedded.is_default else None
        return Model(
            id=model.id,
            name=own.name if own else model.name,
            provider_id=provider.id,
            provider_name=provider.name,
            kind=provider.kind,
            upstream=model.upstream,
            # What the file in use can do, and not what a profile says of it.
            sees_images=self._sees_images if provider.kind == "embedded" else model.images,
            reasons=model.reasoning,
            context=model.context,
            longest_answer=model.longest_answer,
            policy=policy,
            # The default's template has none, and its file may not be there yet.
            takes_tools=provider.kind != "embedded" or (own is not None and reads_tools(own.path)),
            price=None if model.price is None else (model.price.input, model.price.output, model.price.cached_input),
            host=THIS_MACHINE if provider.kind in ("embedded", "echo") else urlsplit(self._address(provider)).hostname or "",
        )

    def _address(self, provider: ProviderOfSite) -> str:
        """Return where the provider is asked. Raises ValueError unless that is https, or http on loopback."""
        from_environment = self._environment.get(provider.base_url_env or "")
        return secure_url(from_environment) if from_environment else provider.base_url or ""

    def _make(self, provider: ProviderOfSite) -> Provider:
        match provider.kind:
            case "echo":
                from chat.providers.echo import EchoProvider  # noqa: PLC0415  # see the top of this file

                return EchoProvider()
            case "embedded":
                assert self._embedded is not None
                from chat.providers.embedded import EmbeddedProvider  # noqa: PLC0415

                longest = max(model.context for model in provider.models)
                return EmbeddedProvider(
                    self._settings.chat_instance, self._embedded, context=longest, transport=self._transport()
                )
            case "openai":
                from chat.providers.openai import OpenAIProvider  # noqa: PLC0415

                return OpenAIProvider(self._letterhead("openai", provider), self._transport())
            case "anthropic":
                from chat.providers.anthropic import AnthropicProvider  # noqa: PLC0415

                return AnthropicProvider(self._letterhead("anthropic", provider), self._transport())

    def _letterhead(self, sdk: Sdk, provider: ProviderOfSite) -> Letterhead:
        return self.letterheads.write(sdk, self._address(provider), self._key(provider))

    def _transport(self) -> "Transport":
        if self._shared_transport is None:
            from chat.providers.transport import Deadlines, Transport  # noqa: PLC0415

            self._shared_transport = Transport(Deadlines(first_byte=self._settings.chat_first_byte_seconds))
        return self._shared_transport

    def _key(self, provider: ProviderOfSite) -> str | None:
        return self._environment.get(provider.key_env) if provider.key_env else None
