"""What we trust and show on mqtts://."""

import ssl

from parking.errors import SettingsError
from parking.settings import Settings


def tls_context(settings: Settings) -> ssl.SSLContext:
    """The authorities of PARKING_MQTT_CA_FILE or the system, and our own certificate if there is one.

    Raises SettingsError that names the variable.
    """
    try:
        context = ssl.create_default_context(cafile=settings.mqtt_ca_file)
    except OSError as error:
        raise SettingsError(
            f"PARKING_MQTT_CA_FILE: {settings.mqtt_ca_file} holds no certificates: {error}",
            hint="It must be a file of certificates in PEM form.",
        ) from error
    if settings.mqtt_cert_file is None:
        return context
    try:
        # With a password that cannot be asked for, a locked key is an error and not a prompt.
        context.load_cert_chain(settings.mqtt_cert_file, settings.mqtt_key_file, password="")
    except OSError as error:
        raise SettingsError(
            f"PARKING_MQTT_CERT_FILE: {settings.mqtt_cert_file} with PARKING_MQTT_KEY_FILE "
            f"{settings.mqtt_key_file} cannot be used: {error}",
            hint="They must be a certificate and its private key, without a passphrase, in PEM form.",
        ) from error
    return context
