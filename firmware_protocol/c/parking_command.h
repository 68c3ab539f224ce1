/* Commands to a sensor, SPEC.md section 11. The answer is a parking_frame of type PARKING_ACK.
 *
 * A device that uses parking_bay.h hands what arrives to parking_bay_command, which needs all of this.
 */
#ifndef PARKING_COMMAND_H
#define PARKING_COMMAND_H

#include "parking_frame.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PARKING_COMMAND_SIZE 7
#define PARKING_LEAST_HEARTBEAT_S 10
#define PARKING_LEAST_DEBOUNCE_MS 2000
#define PARKING_MOST_DEBOUNCE_MS 60000u

enum parking_operation {
    PARKING_CONFIGURE = 1,
    PARKING_STATUS = 2,
    PARKING_RECALIBRATE = 3,
    PARKING_REBOOT = 4,
    PARKING_SET_TIME = 5
};

struct parking_command {
    uint32_t id;
    uint8_t operation; /* enum parking_operation, or a later version's */
    const uint8_t *tlvs;
    size_t tlvs_size;
};

/* What the arguments of a command say; 0 where there is none. */
struct parking_arguments {
    uint16_t heartbeat_s;
    uint16_t debounce_ms;
    uint32_t time_s;
};

/* Reads one command. On an error *command is not to be used: ignore the payload [C-11]. */
enum parking_result parking_command_decode(const uint8_t *data, size_t size, struct parking_command *command);

/* Writes one command to out (which tlvs must not overlap) and its length to *size. */
enum parking_result parking_command_encode(const struct parking_command *command, uint8_t *out,
                                           size_t capacity, size_t *size);

/* What to answer before anything is done [C-10]: PARKING_DONE says that *arguments hold and it may go on. */
enum parking_outcome parking_command_check(const struct parking_command *command,
                                           struct parking_arguments *arguments);

#ifdef __cplusplus
}
#endif

#endif
