/* A bay sensor's state machine: what the detector sees goes in, frames that are due come out. No I/O, no clock.
 *
 * Theory of operation. You call it with the time of your own millisecond counter, which may wrap. Samples go
 * in with parking_bay_sample. A new state counts once it has held for the debounce time; then an event is due.
 * parking_bay_poll gives the frame that is due now, if any: fill in battery, temperature and values, encode
 * and send it, and tell with parking_bay_sent how that ended. A boot frame or event that nobody acknowledged
 * is due again after a while, with its present age; a heartbeat is not. parking_bay_wait says for how long you
 * may sleep. Call some function of this file at least every 24 days, or the wrapping counter cannot be told.
 */
#ifndef PARKING_BAY_H
#define PARKING_BAY_H

#include "parking_command.h"
#include "parking_frame.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PARKING_BOOT_DELAY_MS 60000u /* most random delay of the boot frame [S-4] */
#define PARKING_RETRY_MS 15000u      /* first delay of a frame sent again; doubled each time */
#define PARKING_MOST_RETRY_MS 960000u

/* Time since the start: whole seconds and the rest in milliseconds. */
struct parking_time {
    uint32_t s;
    uint16_t ms;
};

/* What a device must keep over restarts: its boot counter, its configuration, its last answer. */
struct parking_memory {
    uint8_t boot;         /* +1 at each start, before parking_bay_start */
    uint16_t heartbeat_s; /* as configured; 0 is the default, 3600 */
    uint16_t debounce_ms; /* as configured; 0 and whatever is too short are the default, 2000 */
    uint32_t command;     /* id of the latest command that was answered; 0: none yet [C-3] */
    uint8_t outcome;      /* of that command */
};

/* What a command asks of your firmware, once it has been answered. */
enum parking_action {
    PARKING_NOTHING = 0,
    PARKING_SAVE,           /* keep the memory over restarts; implied by all below */
    PARKING_DO_RECALIBRATE, /* start it; set bay->calibrating while it lasts */
    PARKING_DO_REBOOT,      /* once nothing is due any more and the ack is sent */
    PARKING_DO_SET_TIME     /* to *time_s */
};

/* All that the state machine knows. Read what you like, change only `calibrating`. */
struct parking_bay {
    struct parking_memory memory;
    uint32_t clock_ms; /* the caller's counter at the latest call */
    struct parking_time now;
    struct parking_time since;     /* of the state: the first sample that showed it */
    struct parking_time candidate; /* of a state that has not held long enough yet */
    struct parking_time heartbeat; /* when it is due */
    struct parking_time retry;     /* when what was not acknowledged is due */
    uint32_t previous_s;
    uint32_t random;
    uint32_t sent;
    uint32_t failed;
    uint16_t seq;
    uint8_t state;
    uint8_t candidate_state;
    uint8_t attempts; /* of what was not acknowledged yet */
    uint8_t handed;   /* type of the frame that was handed out last, until its outcome is told */
    uint16_t handed_seq;
    bool found;         /* whether the state that the device found at its start is known */
    bool spoken;        /* whether a boot frame was handed out */
    bool boot_pending;  /* whether one waits to be acknowledged */
    bool event_pending; /* whether the latest transition does */
    bool previous_known;
    bool health_due;
    bool ack_due;
    bool calibrating;
};

/* A device starts. `random` is any number that differs among devices and starts (a serial number, noise). */
void parking_bay_start(struct parking_bay *bay, const struct parking_memory *memory, uint32_t clock_ms,
                       uint32_t random);

/* What the detector sees now, an enum parking_state. It is taken to hold until the next sample. */
enum parking_result parking_bay_sample(struct parking_bay *bay, uint32_t clock_ms, uint8_t state);

/* PARKING_OK: *frame is to be sent now; PARKING_END: nothing is due. Each call hands out another frame, so
 * tell of each by parking_bay_sent before you ask for the next. */
enum parking_result parking_bay_poll(struct parking_bay *bay, uint32_t clock_ms, struct parking_frame *frame);

/* How the frame that was handed out fared: whether the network below acknowledged it (MQTT: PUBACK). */
void parking_bay_sent(struct parking_bay *bay, uint32_t clock_ms, bool acknowledged);

/* For how many milliseconds nothing will be due, unless a sample or a command comes. */
uint32_t parking_bay_wait(struct parking_bay *bay, uint32_t clock_ms);

/* Asks for a health frame, for instance once a day [H-2]. */
void parking_bay_ask_health(struct parking_bay *bay);

/* A payload from the `down` topic (unsealed, where commands are sealed). An answer becomes due; the action is
 * yours. An error: it was no command, ignore it. */
enum parking_result parking_bay_command(struct parking_bay *bay, uint32_t clock_ms, const uint8_t *data,
                                        size_t size, enum parking_action *action, uint32_t *time_s);

/* Your action could not be done: the answer, due but not yet sent, says so [C-10]. */
void parking_bay_fail(struct parking_bay *bay, enum parking_outcome outcome);

/* Appends what a boot (heartbeat, reset cause), health (uptime, counts) or ack (configuration) frame should
 * carry; firmware and other values are yours. */
enum parking_result parking_bay_values(const struct parking_bay *bay, const struct parking_frame *frame,
                                       enum parking_reset cause, uint8_t *tlvs, size_t capacity,
                                       size_t *size);

#ifdef __cplusplus
}
#endif

#endif
