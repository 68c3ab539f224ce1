"""The settings, read from environment variables with the prefix PARKING_."""

import json
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, FilePath, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from parking.access_keys import Scope, checked_scopes
from parking.errors import AccessError, SettingsError
from parking.retention import kept_days
from parking.sign_rules import SignRules


def _split(value: SecretStr) -> SplitResult:
    """The parts of a URL whose port is one; the error quotes nothing, since a password may stand anywhere."""
    parts = urlsplit(value.get_secret_value())
    try:
        parts.port  # noqa: B018
    except ValueError:
        raise ValueError(
            "the port must be a number from 0 to 65535; "
            "write @ : / % # ? in a password as %40 %3A %2F %25 %23 %3F"
        ) from None
    return parts


def _database_url(value: SecretStr) -> SecretStr:
    if _split(value).scheme not in ("postgresql", "postgres"):
        raise ValueError("must look like postgresql://user:password@host:5432/database")
    return value


def _mqtt_url(value: SecretStr) -> SecretStr:
    parts = _split(value)
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise ValueError("must look like mqtt://user:password@host:1883 or mqtts://...")
    return value


FAULT_POINTS = ("before-commit", "after-commit", "half-acknowledged", "after-acknowledge")


def _fault_point(value: str) -> str:
    name, _, turn = value.partition(":")
    if name not in FAULT_POINTS or not (turn or "1").isdecimal():
        raise ValueError(f"must be one of {', '.join(FAULT_POINTS)}, with :N for the Nth time")
    return value


def _shard(value: str) -> str:
    number, _, count = value.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count) <= MOST_SHARDS):
        raise ValueError(f"must look like 2/4, the second of four, at most {MOST_SHARDS}")
    return value


def _issuer(value: str) -> str:
    parts = urlsplit(value)
    local = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not (parts.scheme == "https" or local) or not parts.hostname:
        raise ValueError("must be an https URL, exactly as the provider's discovery document says `issuer`")
    return value


def _roles(value: Any) -> Any:
    """Roles from JSON text: {"Parking.Manager": ["reports:read"]}."""
    try:
        roles = json.loads(value) if isinstance(value, str) else value
        return {str(role): checked_scopes(scopes) for role, scopes in roles.items()}
    except AccessError as error:
        raise ValueError(error.message) from None
    except (ValueError, AttributeError, TypeError):
        raise ValueError('must be JSON like {"Parking.Manager": ["reports:read"]}') from None


def _days(value: Any) -> Any:
    """Days by table from JSON text, each a table that is cleared at all and a number that it can be."""
    try:
        days = json.loads(value) if isinstance(value, str) else value
        kept_days(days)
        return days
    except SettingsError as error:
        raise ValueError(error.message) from None
    except (ValueError, AttributeError, TypeError):
        raise ValueError('must be JSON like {"bay_event": 400, "rejected_message": 60}') from None


def _networks(value: Any) -> Any:
    """Networks from a list with commas; an address alone is a network of one."""
    if not isinstance(value, str):
        return value
    try:
        return tuple(ip_network(item.strip()) for item in value.split(",") if item.strip())
    except ValueError as error:
        raise ValueError(f"must be addresses or networks with commas between: {error}") from None


def _web_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address that begins with https://")
    return value


def _public_url(value: str) -> str:
    parts = urlsplit(_web_url(value))
    if parts.path.rstrip("/") or parts.query or parts.fragment:
        raise ValueError("must be scheme, host and perhaps port, without a path")
    return f"{parts.scheme}://{parts.netloc}"


def _names(value: Any) -> Any:
    """Names from a list with commas; empty for none."""
    if not isinstance(value, str):
        return value
    return frozenset(name.strip() for name in value.split(",") if name.strip())


OPEN_GOVERNMENT_LICENCE = "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/"


@dataclass(frozen=True, slots=True)
class Oidc:
    """The identity provider whose tokens are accepted, and what each of its roles allows."""

    issuer: str
    audience: str
    roles_claim: str
    roles: dict[str, frozenset[Scope]]


@dataclass(frozen=True, slots=True)
class OidcLogin:
    """How people sign in to the pages through the identity provider: as which client, asking for what."""

    oidc: Oidc
    client_id: str
    client_secret: SecretStr | None
    scope: str


Network = IPv4Network | IPv6Network

MOST_SHARDS = 64
DAYS_30 = 30 * 86400


def _navigation_url(template: str) -> str:
    if not template.startswith("https://") or "{lat}" not in template or "{lon}" not in template:
        raise ValueError("must begin with https:// and hold {lat} and {lon}")
    try:
        template.format(lat="0", lon="0")
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError("{lat} and {lon} are all that may stand in braces") from error
    return template


class Settings(BaseSettings):
    """Everything that can be set. Each field is an environment variable: `api_port` is PARKING_API_PORT."""

    model_config = SettingsConfigDict(env_prefix="PARKING_", extra="ignore", frozen=True)

    database_url: Annotated[SecretStr, AfterValidator(_database_url)] | None = Field(
        None, description="PostgreSQL or TimescaleDB: postgresql://user:password@host:5432/database"
    )
    mqtt_url: Annotated[SecretStr, AfterValidator(_mqtt_url)] | None = Field(
        None, description="the broker: mqtt://user:password@host:1883, or mqtts:// for TLS"
    )
    mqtt_client_id: str = Field(
        "parking-ingest", min_length=1, description="names the ingestor's session at the broker"
    )
    ingest_shard: Annotated[str, AfterValidator(_shard)] = Field(
        "1/1", description="2/4: this ingestor does the second of four shares of the work"
    )
    mqtt_protocol: Literal["auto", "5", "3.1.1"] = Field(
        "auto", description="MQTT version; auto tries 5 and falls back to 3.1.1"
    )
    mqtt_receive_maximum: int = Field(
        20_000, ge=1, le=65535, description="most messages the broker may have unacknowledged with us"
    )
    mqtt_ca_file: FilePath | None = Field(None, description="certificate authority for mqtts://")
    mqtt_cert_file: FilePath | None = Field(
        None, description="our own certificate, where the broker asks for one; with mqtt_key_file"
    )
    mqtt_key_file: FilePath | None = Field(None, description="the private key of mqtt_cert_file")
    broker_folder: Path | None = Field(
        None, description="folder of the broker's passwords and rules, for `parking credentials`"
    )
    broker_reload: str | None = Field(
        None, description="command that makes the broker read them anew: systemctl reload mosquitto"
    )
    batch_size: int = Field(8000, ge=1, le=100_000, description="most messages in one transaction")
    batch_events: int = Field(
        40_000, ge=1, le=1_000_000, description="about how many events one transaction may have"
    )
    batch_ms: int = Field(20, ge=1, le=10_000, description="longest wait for a batch to fill (milliseconds)")
    fault_point: Annotated[str, AfterValidator(_fault_point)] | None = Field(
        None, description="for tests: NAME[:N] kills the ingestor when it comes to NAME for the Nth time"
    )
    debounce_s: float = Field(
        10.0,
        ge=0,
        le=300,
        description="a state after a shorter one is shown when it has lasted so long",
    )
    late_limit_s: int = Field(
        7 * 86400, ge=60, le=DAYS_30, description="events older than this are quarantined"
    )
    early_limit_s: int = Field(
        120, ge=0, le=86400, description="events further ahead than this are quarantined"
    )
    plate_key_dir: Path | None = Field(None, description="folder of the plate keys, outside the database")
    device_key_file: FilePath | None = Field(
        None, description="keys of the sensors that seal their frames, outside the database"
    )
    pairing_window_s: int = Field(86400, ge=60, le=DAYS_30, description="how long a plate token may live")
    api_host: str = Field("127.0.0.1", description="address the API listens on")
    api_port: int = Field(8000, ge=0, le=65535, description="port the API listens on")
    ingest_host: str = Field("127.0.0.1", description="address of the ingestor's /metrics and /healthz")
    ingest_port: int = Field(9108, ge=0, le=65535, description="port of the ingestor's /metrics; 0 is none")
    camera_http_host: str = Field("127.0.0.1", description="address where cameras can post plate reads")
    camera_http_port: int = Field(
        0, ge=0, le=65535, description="port where cameras can post plate reads; 0 is none"
    )
    oidc_issuer: Annotated[str, AfterValidator(_issuer)] | None = Field(
        None, description="identity provider whose bearer tokens are accepted: https://..."
    )
    oidc_audience: str | None = Field(None, min_length=1, description="what a token's `aud` must be")
    oidc_roles_claim: str = Field(
        "roles", min_length=1, description="claim with the holder's roles: realm_access.roles in Keycloak"
    )
    oidc_roles: Annotated[dict[str, frozenset[Scope]], NoDecode, BeforeValidator(_roles)] = Field(
        default_factory=dict, description='what each role allows: {"Parking.Manager": ["reports:read"]}'
    )
    oidc_client_id: str | None = Field(
        None, min_length=1, description="as which client people sign in to the pages through the provider"
    )
    oidc_client_secret: SecretStr | None = Field(
        None, description="its secret, where the provider wants one besides PKCE"
    )
    oidc_login_scope: str = Field(
        "openid profile email", pattern=r"(^| )openid( |$)", description="what signing in asks for"
    )
    rate_per_s: float = Field(
        200, ge=0, le=1_000_000, description="requests a second that one address may make; 0 is no limit"
    )
    rate_burst: int = Field(2000, ge=1, le=10_000_000, description="requests that it may make at once")
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = Field(
        (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128")),
        description="our proxies, whose X-Forwarded-For is believed: 10.0.0.5,fd00::/8",
    )
    webhook_networks: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = Field(
        (), description="networks of our own that webhooks may go to besides public addresses: 10.20.0.0/16"
    )
    hsts_s: int = Field(
        0,
        ge=0,
        le=63_072_000,
        description="only where all is served over HTTPS: for so long browsers use nothing else",
    )
    stale_after_s: float = Field(
        15, gt=0, le=3600, description="a number unconfirmed for longer is marked stale"
    )
    sign_valid_s: int = Field(60, ge=5, le=3600, description="how long a sign may show one answer")
    sign_poll_s: int = Field(20, ge=1, le=3600, description="when a sign should ask again")
    sign_trust: float = Field(0.75, ge=0, le=1, description="least share of reporting spaces for a number")
    keep_days: Annotated[dict[str, int], NoDecode, BeforeValidator(_days)] = Field(
        default_factory=dict,
        description='days that a table is kept, where not by default: {"bay_event": 400}; 0 for ever',
    )
    forecast: bool = Field(True, description="whether the ingestor makes forecasts, in a process of its own")
    holidays: str = Field(
        "GB-ENG",
        pattern="^([A-Z]{2}(-[A-Z0-9]{1,3})?)?$",
        description="whose public holidays the forecast knows, by ISO 3166: GB-ENG; empty for none",
    )
    places_file: FilePath | None = Field(
        None, description="CSV file (name,lat,lon) of places that people ask for; the sites are known anyway"
    )
    navigation_url: Annotated[str, AfterValidator(_navigation_url)] = Field(
        "https://www.google.com/maps/dir/?api=1&destination={lat},{lon}",
        description="what pages link to for the way to a place; {lat} and {lon} stand for its degrees",
    )
    contact: str = Field(
        "",
        max_length=200,
        description="where people write to about these pages and their accessibility: e-mail or URL",
    )
    publisher: str = Field(
        "Parking authority", min_length=1, max_length=200, description="who publishes the open data"
    )
    licence_url: Annotated[str, AfterValidator(_web_url)] = Field(
        OPEN_GOVERNMENT_LICENCE, description="by which licence the open data may be used"
    )
    licence: str = Field(
        "Open Government Licence v3.0", min_length=1, max_length=200, description="the name of that licence"
    )
    public_url: Annotated[str, AfterValidator(_public_url)] | None = Field(
        None, description="where the API is reached from outside, for links: https://parking.example.gov.uk"
    )
    withheld_categories: Annotated[frozenset[str], NoDecode, BeforeValidator(_names)] = Field(
        frozenset({"disabled", "resident"}),
        description="categories whose bays are not told of one by one: their use could tell of a person",
    )
    tiles_file: FilePath | None = Field(
        None, description="a .pmtiles file (the Protomaps scheme) whose streets lie beneath the map"
    )
    demo_database_port: int = Field(54329, ge=1, le=65535, description="`parking demo`: port of its database")
    demo_mqtt_port: int = Field(1883, ge=1, le=65535, description="`parking demo`: port of its broker")
    log_format: Literal["text", "json"] = Field("text", description="how log lines look")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level logged")

    @property
    def sign_defaults(self) -> SignRules:
        """How a sign decides where the registry does not say."""
        return SignRules(trust=self.sign_trust, valid_s=self.sign_valid_s, poll_s=self.sign_poll_s)

    @property
    def mqtt_session(self) -> str:
        """The ingestor's client id at the broker: each share has a session of its own."""
        number, _, count = self.ingest_shard.partition("/")
        return self.mqtt_client_id if count == "1" else f"{self.mqtt_client_id}-{number}-of-{count}"

    @property
    def kept_days(self) -> dict[str, int]:
        """For how many days each table is kept; 0 is for ever."""
        return kept_days(self.keep_days)

    @property
    def oidc(self) -> Oidc | None:
        """The identity provider, None if there is none. Raises SettingsError when it is set by half."""
        given = {"AUDIENCE": self.oidc_audience, "ROLES": self.oidc_roles}
        if self.oidc_issuer is None:
            for name, value in given.items():
                if value:
                    raise SettingsError(f"PARKING_OIDC_{name} is set, and PARKING_OIDC_ISSUER is not")
            return None
        for name, value in given.items():
            if not value:
                raise SettingsError(
                    f"PARKING_OIDC_ISSUER is set, and PARKING_OIDC_{name} is not",
                    hint="docs/access.md shows a whole set of them.",
                )
        assert self.oidc_audience is not None
        return Oidc(self.oidc_issuer, self.oidc_audience, self.oidc_roles_claim, self.oidc_roles)

    @property
    def oidc_login(self) -> OidcLogin | None:
        """How to sign in through the identity provider, None if not at all. Raises SettingsError."""
        if self.oidc_client_id is None:
            return None
        if (oidc := self.oidc) is None:
            raise SettingsError("PARKING_OIDC_CLIENT_ID is set, and PARKING_OIDC_ISSUER is not")
        return OidcLogin(oidc, self.oidc_client_id, self.oidc_client_secret, self.oidc_login_scope)

    def require_database_url(self) -> str:
        """The database's address, or a SettingsError that says how to set it."""
        if self.database_url is None:
            raise SettingsError(
                "PARKING_DATABASE_URL is not set",
                hint="Set it to postgresql://user:password@host:5432/database, or run `parking demo`.",
            )
        return self.database_url.get_secret_value()

    def require_mqtt_url(self) -> str:
        """The broker's address, or a SettingsError that says how to set it."""
        if self.mqtt_url is None:
            raise SettingsError(
                "PARKING_MQTT_URL is not set",
                hint="Set it to mqtt://user:password@host:1883, or run `parking demo`.",
            )
        return self.mqtt_url.get_secret_value()


def load_settings() -> Settings:
    """Read the environment. Raises SettingsError that names each variable, its value's fault and the rule."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [_told(str(e["loc"][0]), e["msg"], e["input"]) for e in error.errors()]
        raise SettingsError("A setting cannot be used:\n  " + "\n  ".join(lines)) from error


def _told(field: str, rule: str, value: object) -> str:
    """The variable, the rule and, unless it is secret, the value."""
    found = "" if field in ("database_url", "mqtt_url", "oidc_client_secret") else f" (found {value!r:.80})"
    return f"PARKING_{field.upper()}: {rule.removeprefix('Value error, ')}{found}"
