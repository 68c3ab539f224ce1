"""One connection to the broker, to see whether it takes us, or to hand it a few messages."""

import threading
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from parking.errors import BrokerUnavailable
from parking.settings import Settings
from parking.tls import tls_context

PATIENCE_S = 5.0
VERSIONS = (MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311)


Messages = Sequence[tuple[str, bytes]]
"""Topics and payloads."""


def greet(settings: Settings) -> str:
    """Connect by MQTT 5 or 3.1.1 and leave. Raises BrokerUnavailable that says why not."""
    return publish(settings, ())


def publish(settings: Settings, messages: Messages) -> str:
    """Connect by MQTT 5 or 3.1.1, publish these at QoS 1, and leave once the broker has acknowledged them.

    Raises BrokerUnavailable that says why not; then some of them may have been taken.
    """
    url = urlsplit(settings.require_mqtt_url())
    where = f"{url.hostname}:{url.port or (8883 if url.scheme == 'mqtts' else 1883)}"
    answers = []
    for version in VERSIONS:
        answer = _try(settings, version, messages)
        if answer is None:
            return f"{where} takes connections by {'MQTT 5' if version is VERSIONS[0] else 'MQTT 3.1.1'}"
        answers.append(answer)
    raise BrokerUnavailable(
        f"{where} does not take the connection: {answers[-1]}",
        hint="Check PARKING_MQTT_URL (address, user, password) and that the broker runs.",
    )


def _try(settings: Settings, version: MQTTProtocolVersion, messages: Messages) -> str | None:
    """None if the broker accepts the connection and the messages, else its reason."""
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

    def on_publish(_client: Any, _user: Any, _mid: int, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            refused.append(str(reason))

    refused: list[str] = []
    client.on_connect, client.on_disconnect, client.on_publish = on_connect, on_disconnect, on_publish
    if url.username is not None:
        client.username_pw_set(unquote(url.username), unquote(url.password or ""))
    try:
        if url.scheme == "mqtts":
            client.tls_set_context(tls_context(settings))
        client.connect(str(url.hostname), url.port or (8883 if url.scheme == "mqtts" else 1883))
        client.loop_start()
        answered.wait(PATIENCE_S)
        if reasons == [None]:
            waiting = [client.publish(topic, payload, qos=1) for topic, payload in messages]
            for sent in waiting:
                sent.wait_for_publish(PATIENCE_S)
            if not all(sent.is_published() for sent in waiting):
                return "it has not acknowledged every message"
    except (OSError, ValueError, RuntimeError) as error:
        return str(error)
    finally:
        client.disconnect()
        client.loop_stop()
    if refused:
        return f"it refused a message: {refused[0]}"
    return reasons[0] if reasons else "it does not answer"
