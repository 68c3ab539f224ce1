/* Commands of SPEC.md, section 11. */
#include "parking_command.h"

#define HEAD (PARKING_VERSION << 4 | PARKING_COMMAND)

enum parking_result parking_command_decode(const uint8_t *data, size_t size, struct parking_command *command) {
    if (size == 0) {
        return PARKING_TRUNCATED;
    }
    if (data[0] >> 4 != PARKING_VERSION) {
        return PARKING_BAD_VERSION;
    }
    if (data[0] != HEAD) {
        return PARKING_BAD_TYPE;
    }
    if (size > PARKING_MAX_FRAME_SIZE) {
        return PARKING_TOO_LONG;
    }
    if (size < PARKING_COMMAND_SIZE) {
        return PARKING_TRUNCATED;
    }
    command->id = ((uint32_t)data[2] << 24) | ((uint32_t)data[3] << 16) | ((uint32_t)data[4] << 8) | data[5];
    command->operation = data[6];
    command->tlvs_size = size - PARKING_COMMAND_SIZE;
    command->tlvs = command->tlvs_size > 0 ? data + PARKING_COMMAND_SIZE : NULL;
    return parking_tlv_check(command->tlvs, command->tlvs_size);
}

enum parking_result parking_command_encode(const struct parking_command *command, uint8_t *out,
                                           size_t capacity, size_t *size) {
    size_t i;
    enum parking_result result;
    if (command->tlvs_size > PARKING_MAX_FRAME_SIZE - PARKING_COMMAND_SIZE) {
        return PARKING_TOO_LONG;
    }
    result = parking_tlv_check(command->tlvs, command->tlvs_size);
    if (result != PARKING_OK) {
        return result;
    }
    if (capacity < PARKING_COMMAND_SIZE + command->tlvs_size) {
        return PARKING_NO_SPACE;
    }
    out[0] = HEAD;
    out[1] = 0;
    for (i = 0; i < 4; i++) {
        out[2 + i] = (uint8_t)((command->id >> (24u - 8u * i)) & 0xFFu);
    }
    out[6] = command->operation;
    for (i = 0; i < command->tlvs_size; i++) {
        out[PARKING_COMMAND_SIZE + i] = command->tlvs[i];
    }
    *size = PARKING_COMMAND_SIZE + command->tlvs_size;
    return PARKING_OK;
}

/* Whether this operation takes such an argument at all. */
static bool takes(uint8_t operation, uint8_t type) {
    if (operation == PARKING_CONFIGURE) {
        return type == PARKING_TLV_HEARTBEAT || type == PARKING_TLV_DEBOUNCE;
    }
    return operation == PARKING_SET_TIME && type == PARKING_TLV_TIME;
}

/* Takes one argument over; false if it is of another form, out of range, or there for the second time. */
static bool take(const struct parking_tlv *tlv, bool *seen_first, bool *seen_second,
                 struct parking_arguments *arguments) {
    bool *seen = tlv->type == PARKING_TLV_DEBOUNCE ? seen_second : seen_first;
    uint32_t number = 0;
    if (*seen || tlv->size != (tlv->type == PARKING_TLV_TIME ? 4 : 2) || !parking_tlv_number(tlv, &number)) {
        return false;
    }
    *seen = true;
    if (tlv->type == PARKING_TLV_TIME) {
        arguments->time_s = number;
        return true;
    }
    if (tlv->type == PARKING_TLV_HEARTBEAT) {
        arguments->heartbeat_s = (uint16_t)number;
        return number >= PARKING_LEAST_HEARTBEAT_S;
    }
    arguments->debounce_ms = (uint16_t)number;
    return number >= PARKING_LEAST_DEBOUNCE_MS && number <= PARKING_MOST_DEBOUNCE_MS;
}

enum parking_outcome parking_command_check(const struct parking_command *command,
                                           struct parking_arguments *arguments) {
    static const struct parking_arguments none;
    struct parking_tlv_reader reader;
    struct parking_tlv tlv;
    bool seen_first = false;
    bool seen_second = false;
    bool fits = command->id != 0;
    *arguments = none;
    if (command->operation < PARKING_CONFIGURE || command->operation > PARKING_SET_TIME) {
        return PARKING_UNSUPPORTED;
    }
    reader.at = command->tlvs;
    reader.left = command->tlvs_size;
    while (parking_tlv_next(&reader, &tlv) == PARKING_OK) {
        if (!takes(command->operation, tlv.type)) {
            return PARKING_UNSUPPORTED;
        }
        fits = take(&tlv, &seen_first, &seen_second, arguments) && fits;
    }
    if (command->operation == PARKING_CONFIGURE || command->operation == PARKING_SET_TIME) {
        fits = fits && (seen_first || seen_second);
    }
    return fits ? PARKING_DONE : PARKING_INVALID;
}
