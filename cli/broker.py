"""One connection to the broker, to see whether it takes us."""

import ssl
import threading
from typing import Any
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from parking.errors import BrokerUnavailable
from parking.settings import Settings

PATIENCE_S = 5.0
VERSIONS = (MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311)


def greet(settings: Settings) -> str:
    """Connect by MQTT 5 or 3.1.1 and leave. Raises BrokerUnavailable that says why not."""
    url = urlsplit(settings.require_mqtt_url())
    where = f"{url.hostname}:{url.port or (8883 if url.scheme == 'mqtts' else 1883)}"
    answers = []
    for version in VERSIONS:
        answer = _try(settings, version)
        if answer is None:
            return f"{where} takes connections by {'MQTT 5' if version is VERSIONS[0] else 'MQTT 3.1.1'}"
        answers.append(answer)
    raise BrokerUnavailable(
        f"{where} does not take the connection: {answers[-1]}",
        hint="Check PARKING_MQTT_URL (address, user, password) and that the broker runs.",
    )


def _try(settings: Settings, version: MQTTProtocolVersion) -> str | None:
    """None if the broker accepts the connection, else its reason."""
    url = urlsplit(settings.require_mqtt_url())
    reasons: list[str | None] = []
    answered = threading.Event()
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=version, reconnect_on_failure=False)

    def on_connect(_client: Any, _user: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        reasons.append(str(reason) if reason.is_failure else None)
        answered.set()

    def on_disconnect(_client: Any, _user: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        reasons.append(str(reason))
        answered.set()

    client.on_connect, client.on_disconnect = on_connect, on_disconnect
    if url.username is not None:
        client.username_pw_set(unquote(url.username), unquote(url.password or ""))
    try:
        if url.scheme == "mqtts":
            client.tls_set_context(ssl.create_default_context(cafile=settings.mqtt_ca_file))
        client.connect(str(url.hostname), url.port or (8883 if url.scheme == "mqtts" else 1883))
        client.loop_start()
        answered.wait(PATIENCE_S)
    except (OSError, ValueError) as error:
        return str(error)
    finally:
        client.disconnect()
        client.loop_stop()
    return reasons[0] if reasons else "it does not answer"
