/* Encoder and decoder of SPEC.md, version 1. Each read is behind a check of the length. */
#include "parking_frame.h"

#define FLAG_STATE 0x03u
#define FLAG_PREVIOUS_KNOWN 0x04u
#define FLAG_BATTERY_LOW 0x08u
#define FLAG_CALIBRATING 0x10u

#define DURATION_MINUTES 0x8000u
#define DURATION_MASK 0x7FFFu

#define BATTERY_BASE_MV 2000u
#define BATTERY_STEP_MV 10u
#define BATTERY_TOP 254u
#define BATTERY_BYTE_UNKNOWN 255u

#define ENTRY_OVERHEAD 4u /* device length, delay (2), frame length */

static void put_u16(uint8_t *at, uint16_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)(value & 0xFFu);
}

static void put_u32(uint8_t *at, uint32_t value) {
    put_u16(at, (uint16_t)(value >> 16));
    put_u16(at + 2, (uint16_t)(value & 0xFFFFu));
}

static uint16_t get_u16(const uint8_t *at) {
    return (uint16_t)(((unsigned)at[0] << 8) | at[1]);
}

static uint32_t get_u32(const uint8_t *at) {
    return ((uint32_t)get_u16(at) << 16) | get_u16(at + 2);
}

static void copy(uint8_t *to, const uint8_t *from, size_t size) {
    size_t i;
    for (i = 0; i < size; i++) {
        to[i] = from[i];
    }
}

const char *parking_result_name(enum parking_result result) {
    switch (result) {
    case PARKING_OK: return "ok";
    case PARKING_END: return "end";
    case PARKING_TRUNCATED: return "truncated";
    case PARKING_BAD_VERSION: return "bad_version";
    case PARKING_BAD_TYPE: return "bad_type";
    case PARKING_BAD_TLV: return "bad_tlv";
    case PARKING_TOO_LONG: return "too_long";
    case PARKING_BAD_DEVICE: return "bad_device";
    case PARKING_BAD_VALUE: return "bad_value";
    case PARKING_NO_SPACE: return "no_space";
    case PARKING_FORGED: return "forged";
    case PARKING_REPLAYED: return "replayed";
    case PARKING_USED_UP: return "used_up";
    }
    return "unknown";
}

/* --- values ------------------------------------------------------------------------------------------- */

uint16_t parking_pack_duration(uint32_t seconds) {
    uint32_t minutes = seconds / 60u;
    if (seconds < DURATION_MINUTES) {
        return (uint16_t)seconds;
    }
    if (minutes > DURATION_MASK) {
        minutes = DURATION_MASK;
    }
    return (uint16_t)(DURATION_MINUTES | minutes);
}

uint32_t parking_unpack_duration(uint16_t value) {
    return value < DURATION_MINUTES ? value : (uint32_t)(value & DURATION_MASK) * 60u;
}

static uint8_t pack_battery(uint16_t mv) {
    unsigned steps;
    if (mv == PARKING_BATTERY_UNKNOWN) {
        return BATTERY_BYTE_UNKNOWN;
    }
    if (mv < BATTERY_BASE_MV) {
        return 0;
    }
    steps = (mv - BATTERY_BASE_MV + BATTERY_STEP_MV / 2u) / BATTERY_STEP_MV;
    return (uint8_t)(steps < BATTERY_TOP ? steps : BATTERY_TOP);
}

static uint16_t unpack_battery(uint8_t value) {
    if (value == BATTERY_BYTE_UNKNOWN) {
        return PARKING_BATTERY_UNKNOWN;
    }
    return (uint16_t)(BATTERY_BASE_MV + BATTERY_STEP_MV * value);
}

static int8_t unpack_temperature(uint8_t value) {
    return (int8_t)(value < 128u ? (int)value : (int)value - 256);
}

/* --- optional values ---------------------------------------------------------------------------------- */

enum parking_result parking_tlv_next(struct parking_tlv_reader *reader, struct parking_tlv *tlv) {
    if (reader->left == 0) {
        return PARKING_END;
    }
    if (reader->left < 2 || reader->left - 2 < reader->at[1]) {
        return PARKING_BAD_TLV;
    }
    tlv->type = reader->at[0];
    tlv->size = reader->at[1];
    tlv->value = reader->at + 2;
    reader->at += 2u + tlv->size;
    reader->left -= 2u + tlv->size;
    return PARKING_OK;
}

bool parking_tlv_number(const struct parking_tlv *tlv, uint32_t *number) {
    uint32_t value = 0;
    uint8_t i;
    if (tlv->size != 1 && tlv->size != 2 && tlv->size != 4) {
        return false;
    }
    for (i = 0; i < tlv->size; i++) {
        value = (value << 8) | tlv->value[i];
    }
    *number = value;
    return true;
}

enum parking_result parking_tlv_append(uint8_t *tlvs, size_t capacity, size_t *size, uint8_t type,
                                       const uint8_t *value, size_t value_size) {
    if (value_size > 255) {
        return PARKING_TOO_LONG;
    }
    if (*size > capacity || capacity - *size < 2 + value_size) {
        return PARKING_NO_SPACE;
    }
    tlvs[*size] = type;
    tlvs[*size + 1] = (uint8_t)value_size;
    copy(tlvs + *size + 2, value, value_size);
    *size += 2 + value_size;
    return PARKING_OK;
}

enum parking_result parking_tlv_append_number(uint8_t *tlvs, size_t capacity, size_t *size, uint8_t type,
                                              uint32_t number, size_t width) {
    uint8_t bytes[4];
    bytes[0] = (uint8_t)(number >> 24);
    bytes[1] = (uint8_t)((number >> 16) & 0xFFu);
    bytes[2] = (uint8_t)((number >> 8) & 0xFFu);
    bytes[3] = (uint8_t)(number & 0xFFu);
    if (width != 1 && width != 2 && width != 4) {
        return PARKING_BAD_VALUE;
    }
    return parking_tlv_append(tlvs, capacity, size, type, bytes + 4 - width, width);
}

enum parking_result parking_tlv_check(const uint8_t *tlvs, size_t size) {
    struct parking_tlv_reader reader;
    struct parking_tlv tlv;
    enum parking_result result;
    reader.at = tlvs;
    reader.left = size;
    do {
        result = parking_tlv_next(&reader, &tlv);
    } while (result == PARKING_OK);
    return result == PARKING_END ? PARKING_OK : result;
}

/* --- frames ------------------------------------------------------------------------------------------- */

static bool is_state(uint8_t type) {
    return type == PARKING_EVENT || type == PARKING_HEARTBEAT || type == PARKING_BOOT;
}

/* Bytes of a type's fixed part; 0 if a device sends no such frame by itself. */
static size_t fixed_size(uint8_t type) {
    if (is_state(type)) {
        return PARKING_STATE_SIZE;
    }
    return type == PARKING_HEALTH ? PARKING_HEALTH_SIZE : type == PARKING_ACK ? PARKING_ACK_SIZE : 0;
}

static enum parking_result check_head(const uint8_t *data, size_t size) {
    uint8_t type;
    if (size == 0) {
        return PARKING_TRUNCATED;
    }
    if (data[0] >> 4 != PARKING_VERSION) {
        return PARKING_BAD_VERSION;
    }
    type = data[0] & 0x0Fu;
    return fixed_size(type) > 0 || type == PARKING_BUNDLE ? PARKING_OK : PARKING_BAD_TYPE;
}

static void read_state(const uint8_t *data, struct parking_frame *frame) {
    frame->state = data[1] & FLAG_STATE;
    frame->seq = get_u16(data + 3);
    frame->age_s = parking_unpack_duration(get_u16(data + 5));
    frame->previous_known = (data[1] & FLAG_PREVIOUS_KNOWN) != 0;
    if (frame->previous_known) {
        frame->previous_s = parking_unpack_duration(get_u16(data + 7));
    }
}

static void read_fixed(const uint8_t *data, size_t fixed, struct parking_frame *frame) {
    frame->boot = data[2];
    if (frame->type == PARKING_ACK) {
        frame->command = get_u32(data + 3);
        frame->outcome = data[7];
        return;
    }
    if (is_state(frame->type)) {
        read_state(data, frame);
    }
    frame->battery_low = (data[1] & FLAG_BATTERY_LOW) != 0;
    frame->calibrating = (data[1] & FLAG_CALIBRATING) != 0;
    frame->battery_mv = unpack_battery(data[fixed - 2]);
    frame->temperature_c = unpack_temperature(data[fixed - 1]);
}

enum parking_result parking_frame_decode(const uint8_t *data, size_t size, struct parking_frame *frame) {
    static const struct parking_frame empty;
    size_t fixed;
    enum parking_result result = check_head(data, size);
    if (result != PARKING_OK) {
        return result;
    }
    *frame = empty;
    frame->type = data[0] & 0x0Fu;
    fixed = fixed_size(frame->type);
    if (fixed == 0) {
        return PARKING_BAD_TYPE;
    }
    if (size > PARKING_MAX_FRAME_SIZE) {
        return PARKING_TOO_LONG;
    }
    if (size < fixed) {
        return PARKING_TRUNCATED;
    }
    read_fixed(data, fixed, frame);
    frame->tlvs_size = size - fixed;
    frame->tlvs = frame->tlvs_size > 0 ? data + fixed : NULL;
    return parking_tlv_check(frame->tlvs, frame->tlvs_size);
}

static enum parking_result check_frame(const struct parking_frame *frame, size_t fixed, size_t capacity) {
    enum parking_result result;
    if (fixed == 0) {
        return PARKING_BAD_TYPE;
    }
    if (is_state(frame->type) && frame->state > PARKING_FAULT) {
        return PARKING_BAD_VALUE;
    }
    if (frame->tlvs_size > PARKING_MAX_FRAME_SIZE - fixed) {
        return PARKING_TOO_LONG;
    }
    result = parking_tlv_check(frame->tlvs, frame->tlvs_size);
    if (result != PARKING_OK) {
        return result;
    }
    return capacity < fixed + frame->tlvs_size ? PARKING_NO_SPACE : PARKING_OK;
}

static void write_fixed(const struct parking_frame *frame, size_t fixed, uint8_t *out) {
    out[0] = (uint8_t)(PARKING_VERSION << 4 | frame->type);
    out[1] = 0;
    out[2] = frame->boot;
    if (frame->type == PARKING_ACK) {
        put_u32(out + 3, frame->command);
        out[7] = frame->outcome;
        return;
    }
    out[1] = (uint8_t)((frame->battery_low ? FLAG_BATTERY_LOW : 0u) |
                       (frame->calibrating ? FLAG_CALIBRATING : 0u));
    if (is_state(frame->type)) {
        out[1] = (uint8_t)(out[1] | frame->state | (frame->previous_known ? FLAG_PREVIOUS_KNOWN : 0u));
        put_u16(out + 3, frame->seq);
        put_u16(out + 5, parking_pack_duration(frame->age_s));
        put_u16(out + 7, frame->previous_known ? parking_pack_duration(frame->previous_s) : 0);
    }
    out[fixed - 2] = pack_battery(frame->battery_mv);
    out[fixed - 1] = (uint8_t)(frame->temperature_c & 0xFF);
}

enum parking_result parking_frame_encode(const struct parking_frame *frame, uint8_t *out, size_t capacity,
                                         size_t *size) {
    size_t fixed = fixed_size(frame->type);
    enum parking_result result = check_frame(frame, fixed, capacity);
    if (result != PARKING_OK) {
        return result;
    }
    write_fixed(frame, fixed, out);
    copy(out + fixed, frame->tlvs, frame->tlvs_size);
    *size = fixed + frame->tlvs_size;
    return PARKING_OK;
}

/* --- bundles ------------------------------------------------------------------------------------------ */

static bool is_device(const char *device, size_t size) {
    size_t i;
    if (size == 0 || size > PARKING_MAX_DEVICE_SIZE) {
        return false;
    }
    for (i = 0; i < size; i++) {
        unsigned char c = (unsigned char)device[i];
        /* By number: the character set of the wire is ASCII, whatever the compiler's may be. */
        bool letter = c >= 0x61 && c <= 0x7A;
        bool digit = c >= 0x30 && c <= 0x39;
        if (!letter && !digit && c != 0x2E && c != 0x5F && c != 0x2D) {
            return false;
        }
    }
    return true;
}

enum parking_result parking_bundle_begin(struct parking_bundle_writer *writer, uint8_t *out, size_t capacity) {
    if (capacity < PARKING_BUNDLE_HEADER_SIZE) {
        return PARKING_NO_SPACE;
    }
    writer->out = out;
    writer->capacity = capacity < PARKING_MAX_BUNDLE_SIZE ? capacity : PARKING_MAX_BUNDLE_SIZE;
    writer->size = PARKING_BUNDLE_HEADER_SIZE;
    writer->count = 0;
    writer->closed = false;
    out[0] = PARKING_VERSION << 4 | PARKING_BUNDLE;
    out[1] = 0;
    put_u16(out + 2, 0);
    return PARKING_OK;
}

enum parking_result parking_bundle_add(struct parking_bundle_writer *writer, const char *device,
                                       size_t device_size, uint32_t delay_s, const uint8_t *frame,
                                       size_t frame_size) {
    uint8_t *at = writer->out + writer->size;
    if (!is_device(device, device_size)) {
        return PARKING_BAD_DEVICE;
    }
    if (frame_size > PARKING_MAX_FRAME_SIZE) {
        return PARKING_TOO_LONG;
    }
    if (writer->closed) {
        return PARKING_BAD_VALUE;
    }
    if (writer->capacity - writer->size < ENTRY_OVERHEAD + device_size + frame_size) {
        return PARKING_NO_SPACE;
    }
    at[0] = (uint8_t)device_size;
    copy(at + 1, (const uint8_t *)device, device_size);
    put_u16(at + 1 + device_size, parking_pack_duration(delay_s));
    at[3 + device_size] = (uint8_t)frame_size;
    copy(at + 4 + device_size, frame, frame_size);
    writer->size += ENTRY_OVERHEAD + device_size + frame_size;
    writer->count++; /* cannot wrap: 65535 bytes hold fewer entries */
    put_u16(writer->out + 2, writer->count);
    return PARKING_OK;
}

enum parking_result parking_bundle_add_tlv(struct parking_bundle_writer *writer, uint8_t type,
                                           const uint8_t *value, size_t value_size) {
    enum parking_result result =
        parking_tlv_append(writer->out, writer->capacity, &writer->size, type, value, value_size);
    if (result == PARKING_OK) {
        writer->closed = true;
    }
    return result;
}

enum parking_result parking_bundle_open(struct parking_bundle_reader *reader, const uint8_t *data,
                                        size_t size) {
    enum parking_result result = check_head(data, size);
    if (result != PARKING_OK) {
        return result;
    }
    if ((data[0] & 0x0Fu) != PARKING_BUNDLE) {
        return PARKING_BAD_TYPE;
    }
    if (size > PARKING_MAX_BUNDLE_SIZE) {
        return PARKING_TOO_LONG;
    }
    if (size < PARKING_BUNDLE_HEADER_SIZE) {
        return PARKING_TRUNCATED;
    }
    reader->data = data;
    reader->size = size;
    reader->at = PARKING_BUNDLE_HEADER_SIZE;
    reader->left = get_u16(data + 2);
    return PARKING_OK;
}

enum parking_result parking_bundle_next(struct parking_bundle_reader *reader,
                                        struct parking_bundle_entry *entry) {
    const uint8_t *at = reader->data + reader->at;
    size_t left = reader->size - reader->at;
    if (reader->left == 0) {
        return PARKING_END;
    }
    if (left < 1 || left < ENTRY_OVERHEAD + at[0] || left - ENTRY_OVERHEAD - at[0] < at[3u + at[0]]) {
        return PARKING_TRUNCATED;
    }
    entry->device = (const char *)(at + 1);
    entry->device_size = at[0];
    entry->delay_s = parking_unpack_duration(get_u16(at + 1 + entry->device_size));
    entry->raw_size = at[3 + entry->device_size];
    entry->raw = at + ENTRY_OVERHEAD + entry->device_size;
    entry->result = is_device(entry->device, entry->device_size)
                        ? parking_frame_decode(entry->raw, entry->raw_size, &entry->frame)
                        : PARKING_BAD_DEVICE;
    reader->at += ENTRY_OVERHEAD + entry->device_size + entry->raw_size;
    reader->left--;
    return PARKING_OK;
}

enum parking_result parking_bundle_tlvs(const struct parking_bundle_reader *reader, const uint8_t **tlvs,
                                        size_t *tlvs_size) {
    *tlvs = reader->data + reader->at;
    *tlvs_size = reader->size - reader->at;
    return parking_tlv_check(*tlvs, *tlvs_size);
}
