/* Reads frames, bundles, commands and sealed frames as lines of hex digits and writes each as one line of JSON.
 *
 * With it you compare your own bytes with this library; the project's tests run it under sanitizers.
 * "encoded" is what the encoder makes of the decoded values, null where a device id cannot be written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parking_command.h"
#include "parking_frame.h"
#include "parking_seal.h"

#define MAX_LINE 300000

static const char *const TYPES[] = {"", "event", "heartbeat", "boot", "health", "", "", "", "", "ack"};
static const char *const STATES[] = {"vacant", "occupied", "unknown", "fault"};
static char line[MAX_LINE];

static int nibble(char c) {
    const char *digits = "0123456789abcdef";
    const char *found = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
    return found == NULL ? -1 : (int)(found - digits);
}

static void print_hex(const uint8_t *data, size_t size) {
    size_t i;
    putchar('"');
    for (i = 0; i < size; i++) {
        printf("%02x", data[i]);
    }
    putchar('"');
}

static void print_tlvs(const uint8_t *tlvs, size_t size) {
    struct parking_tlv_reader reader;
    struct parking_tlv tlv;
    const char *separator = "";
    reader.at = tlvs;
    reader.left = size;
    printf("\"tlvs\":[");
    while (parking_tlv_next(&reader, &tlv) == PARKING_OK) {
        printf("%s[%u,", separator, tlv.type);
        print_hex(tlv.value, tlv.size);
        putchar(']');
        separator = ",";
    }
    putchar(']');
}

static void print_frame(const struct parking_frame *frame) {
    printf("{\"type\":\"%s\",\"boot\":%u,", TYPES[frame->type], frame->boot);
    if (frame->type == PARKING_ACK) {
        printf("\"command\":%lu,\"outcome\":%u,", (unsigned long)frame->command, frame->outcome);
        print_tlvs(frame->tlvs, frame->tlvs_size);
        putchar('}');
        return;
    }
    if (frame->type != PARKING_HEALTH) {
        printf("\"state\":\"%s\",\"seq\":%u,\"age_s\":%lu,", STATES[frame->state], frame->seq,
               (unsigned long)frame->age_s);
        if (frame->previous_known) {
            printf("\"previous_s\":%lu,", (unsigned long)frame->previous_s);
        } else {
            printf("\"previous_s\":null,");
        }
    }
    if (frame->battery_mv == PARKING_BATTERY_UNKNOWN) {
        printf("\"battery_mv\":null,");
    } else {
        printf("\"battery_mv\":%u,", frame->battery_mv);
    }
    if (frame->temperature_c == PARKING_TEMPERATURE_UNKNOWN) {
        printf("\"temperature_c\":null,");
    } else {
        printf("\"temperature_c\":%d,", frame->temperature_c);
    }
    printf("\"battery_low\":%s,", frame->battery_low ? "true" : "false");
    printf("\"calibrating\":%s,", frame->calibrating ? "true" : "false");
    print_tlvs(frame->tlvs, frame->tlvs_size);
    putchar('}');
}

static void print_error(enum parking_result result) {
    printf("{\"error\":\"%s\"}\n", parking_result_name(result));
}

/* Into a block of exactly the encoded size, so that a sanitizer sees one byte too many. */
static uint8_t *encode(const struct parking_frame *frame, size_t *size) {
    size_t fixed = frame->type == PARKING_HEALTH ? PARKING_HEALTH_SIZE
                   : frame->type == PARKING_ACK  ? PARKING_ACK_SIZE
                                                 : PARKING_STATE_SIZE;
    size_t expected = fixed + frame->tlvs_size;
    uint8_t *out = malloc(expected);
    if (out == NULL || parking_frame_encode(frame, out, expected - 1, size) != PARKING_NO_SPACE ||
        parking_frame_encode(frame, out, expected, size) != PARKING_OK || *size != expected) {
        fprintf(stderr, "a decoded frame does not encode\n");
        exit(1);
    }
    return out;
}

static void show_frame(const uint8_t *data, size_t size) {
    struct parking_frame frame;
    uint8_t *encoded;
    size_t encoded_size = 0;
    enum parking_result result = parking_frame_decode(data, size, &frame);
    if (result != PARKING_OK) {
        print_error(result);
        return;
    }
    encoded = encode(&frame, &encoded_size);
    printf("{\"frame\":");
    print_frame(&frame);
    printf(",\"encoded\":");
    print_hex(encoded, encoded_size);
    printf("}\n");
    free(encoded);
}

static void show_command(const uint8_t *data, size_t size) {
    struct parking_command command;
    uint8_t *out = malloc(size);
    size_t encoded_size = 0;
    enum parking_result result = parking_command_decode(data, size, &command);
    if (result != PARKING_OK) {
        print_error(result);
    } else if (out == NULL || parking_command_encode(&command, out, size - 1, &encoded_size) != PARKING_NO_SPACE ||
               parking_command_encode(&command, out, size, &encoded_size) != PARKING_OK) {
        fprintf(stderr, "a decoded command does not encode\n");
        exit(1);
    } else {
        struct parking_arguments arguments;
        printf("{\"command\":{\"id\":%lu,\"operation\":%u,", (unsigned long)command.id, command.operation);
        print_tlvs(command.tlvs, command.tlvs_size);
        printf("},\"answer\":%d,\"encoded\":", (int)parking_command_check(&command, &arguments));
        print_hex(out, encoded_size);
        printf("}\n");
    }
    free(out);
}

static void show_sealed(const uint8_t *data, size_t size) {
    struct parking_sealed sealed;
    enum parking_result result = parking_seal_split(data, size, &sealed);
    if (result != PARKING_OK) {
        print_error(result);
        return;
    }
    printf("{\"sealed\":{\"key\":%u,\"counter\":%lu,\"body\":", sealed.key, (unsigned long)sealed.counter);
    print_hex(sealed.body, sealed.body_size);
    printf(",\"mac\":");
    print_hex(sealed.mac, PARKING_MAC_SIZE);
    printf("}}\n");
}

static bool show_entry(const struct parking_bundle_entry *entry, struct parking_bundle_writer *writer) {
    enum parking_result result;
    printf("{\"device\":\"%.*s\",\"delay_s\":%lu,",
           entry->result == PARKING_BAD_DEVICE ? 0 : (int)entry->device_size, entry->device,
           (unsigned long)entry->delay_s);
    if (entry->result == PARKING_OK) {
        size_t size = 0;
        uint8_t *encoded = encode(&entry->frame, &size);
        printf("\"frame\":");
        print_frame(&entry->frame);
        result = parking_bundle_add(writer, entry->device, entry->device_size, entry->delay_s, encoded, size);
        free(encoded);
    } else {
        printf("\"error\":\"%s\"", parking_result_name(entry->result));
        result = parking_bundle_add(writer, entry->device, entry->device_size, entry->delay_s, entry->raw,
                                    entry->raw_size);
    }
    putchar('}');
    return result == PARKING_OK;
}

static bool add_tlvs(struct parking_bundle_writer *writer, const uint8_t *tlvs, size_t size) {
    struct parking_tlv_reader reader;
    struct parking_tlv tlv;
    reader.at = tlvs;
    reader.left = size;
    while (parking_tlv_next(&reader, &tlv) == PARKING_OK) {
        if (parking_bundle_add_tlv(writer, tlv.type, tlv.value, tlv.size) != PARKING_OK) {
            return false;
        }
    }
    return true;
}

static void show_bundle(const uint8_t *data, size_t size) {
    struct parking_bundle_reader reader;
    struct parking_bundle_writer writer;
    struct parking_bundle_entry entry;
    const uint8_t *tlvs = NULL;
    size_t tlvs_size = 0;
    const char *separator = "";
    bool writable = true;
    uint8_t *out = malloc(size + 1);
    enum parking_result result = parking_bundle_open(&reader, data, size);
    if (result != PARKING_OK || parking_bundle_begin(&writer, out, size) != PARKING_OK) {
        print_error(result);
        free(out);
        return;
    }
    printf("{\"bundle\":{\"entries\":[");
    while ((result = parking_bundle_next(&reader, &entry)) == PARKING_OK) {
        printf("%s", separator);
        separator = ",";
        writable = show_entry(&entry, &writer) && writable;
    }
    if (result == PARKING_END) {
        result = parking_bundle_tlvs(&reader, &tlvs, &tlvs_size);
    }
    if (result != PARKING_OK) {
        tlvs_size = 0;
    }
    printf("],");
    print_tlvs(tlvs, tlvs_size);
    printf(result == PARKING_OK ? ",\"error\":null" : ",\"error\":\"%s\"", parking_result_name(result));
    printf("},\"encoded\":");
    if (writable && add_tlvs(&writer, tlvs, tlvs_size)) {
        print_hex(out, writer.size);
    } else {
        printf("null");
    }
    printf("}\n");
    free(out);
}

int main(void) {
    while (fgets(line, sizeof line, stdin) != NULL) {
        size_t digits = strcspn(line, "\r\n");
        size_t i;
        uint8_t *data = malloc(digits / 2 + (digits < 2));
        if (data == NULL || digits + 1 == sizeof line) {
            fprintf(stderr, "a line of more than %d digits, or no memory\n", MAX_LINE - 2);
            return 1;
        }
        for (i = 0; i < digits; i += 2) {
            int high = nibble(line[i]);
            int low = nibble(line[i + 1]); /* behind an odd digit is the end of the line: no digit */
            if (high < 0 || low < 0) {
                fprintf(stderr, "not pairs of hex digits: %s", line);
                return 2;
            }
            data[i / 2] = (uint8_t)(high << 4 | low);
        }
        switch (digits >= 2 ? data[0] : 0) {
        case PARKING_VERSION << 4 | PARKING_BUNDLE: show_bundle(data, digits / 2); break;
        case PARKING_VERSION << 4 | PARKING_COMMAND: show_command(data, digits / 2); break;
        case PARKING_VERSION << 4 | PARKING_SEALED: show_sealed(data, digits / 2); break;
        default: show_frame(data, digits / 2); break;
        }
        free(data);
    }
    return 0;
}
