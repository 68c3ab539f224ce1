/* The state machine of parking_bay.h. Its own time never wraps: it counts up from the start. */
#include "parking_bay.h"

#define DEFAULT_HEARTBEAT_S 3600u
#define DEFAULT_DEBOUNCE_MS 2000u

/* --- time --------------------------------------------------------------------------------------------- */

static struct parking_time later(struct parking_time at, uint32_t ms) {
    at.s += ms / 1000u;
    at.ms = (uint16_t)(at.ms + ms % 1000u);
    if (at.ms >= 1000u) {
        at.ms = (uint16_t)(at.ms - 1000u);
        at.s++;
    }
    return at;
}

static bool is_before(struct parking_time a, struct parking_time b) {
    return a.s < b.s || (a.s == b.s && a.ms < b.ms);
}

/* Whole seconds from a to b, which is not before a. */
static uint32_t seconds_between(struct parking_time a, struct parking_time b) {
    return b.s - a.s - (b.ms < a.ms ? 1u : 0u);
}

/* Milliseconds from the present to `at`; 0 if that has passed. */
static uint32_t until(const struct parking_bay *bay, struct parking_time at) {
    if (!is_before(bay->now, at)) {
        return 0;
    }
    return (at.s - bay->now.s) * 1000u + at.ms - bay->now.ms;
}

/* --- chance (xorshift: no secret, only to let the devices of a street drift apart) ----------------------- */

static uint32_t draw(struct parking_bay *bay, uint32_t below) {
    bay->random ^= bay->random << 13;
    bay->random ^= bay->random >> 17;
    bay->random ^= bay->random << 5;
    return bay->random % below;
}

/* A duration changed by up to a tenth either way; at most 70,000,000 ms go in. */
static uint32_t jittered(struct parking_bay *bay, uint32_t ms) {
    uint32_t tenth = ms / 10u;
    return ms - tenth + draw(bay, 2u * tenth + 1u);
}

/* --- the bay -------------------------------------------------------------------------------------------- */

static uint32_t heartbeat_s(const struct parking_bay *bay) {
    return bay->memory.heartbeat_s > 0 ? bay->memory.heartbeat_s : DEFAULT_HEARTBEAT_S;
}

static uint32_t debounce_ms(const struct parking_bay *bay) {
    return bay->memory.debounce_ms > PARKING_LEAST_DEBOUNCE_MS ? bay->memory.debounce_ms : DEFAULT_DEBOUNCE_MS;
}

static void plan_heartbeat(struct parking_bay *bay) {
    bay->heartbeat = later(bay->now, jittered(bay, heartbeat_s(bay) * 1000u));
}

/* The latest transition is due at once. It takes the place of a boot frame that has been sent in vain. */
static void make_event_pending(struct parking_bay *bay) {
    bay->event_pending = true;
    bay->boot_pending = bay->boot_pending && !bay->spoken;
    bay->attempts = 0;
    bay->retry = bay->now;
}

/* The state as it is now counts: as the one found at the start, or as a transition. */
static void decide(struct parking_bay *bay) {
    bool at_start = !bay->found && !bay->spoken;
    bay->found = true;
    bay->state = bay->candidate_state;
    if (at_start) {
        return;
    }
    bay->previous_s = seconds_between(bay->since, bay->candidate);
    bay->previous_known = true;
    bay->since = bay->candidate;
    bay->seq++;
    make_event_pending(bay);
}

/* Moves time on, and decides what has held long enough by then. */
static void advance(struct parking_bay *bay, uint32_t clock_ms) {
    bay->now = later(bay->now, clock_ms - bay->clock_ms);
    bay->clock_ms = clock_ms;
    if (bay->candidate_state != bay->state && until(bay, later(bay->candidate, debounce_ms(bay))) == 0) {
        decide(bay);
    }
}

void parking_bay_start(struct parking_bay *bay, const struct parking_memory *memory, uint32_t clock_ms,
                       uint32_t random) {
    static const struct parking_bay empty;
    *bay = empty;
    bay->memory = *memory;
    bay->clock_ms = clock_ms;
    bay->random = random != 0 ? random : 1u; /* xorshift never leaves zero */
    bay->state = PARKING_UNKNOWN;
    bay->candidate_state = PARKING_UNKNOWN;
    bay->boot_pending = true;
    bay->retry = later(bay->now, draw(bay, PARKING_BOOT_DELAY_MS));
    plan_heartbeat(bay);
}

enum parking_result parking_bay_sample(struct parking_bay *bay, uint32_t clock_ms, uint8_t state) {
    if (state > PARKING_FAULT) {
        return PARKING_BAD_VALUE;
    }
    advance(bay, clock_ms);
    if (state != bay->candidate_state) {
        bay->candidate_state = state;
        bay->candidate = bay->now;
    }
    return PARKING_OK;
}

/* --- what is due ---------------------------------------------------------------------------------------- */

/* The type of the frame that is due, 0 for none. The boot frame comes before all others [S-4]. */
static uint8_t due(const struct parking_bay *bay) {
    if ((bay->boot_pending || bay->event_pending) && until(bay, bay->retry) == 0) {
        return bay->boot_pending ? PARKING_BOOT : PARKING_EVENT;
    }
    if (!bay->spoken) {
        return bay->ack_due || bay->health_due ? PARKING_BOOT : 0;
    }
    if (bay->health_due) {
        return PARKING_HEALTH;
    }
    if (bay->ack_due) {
        return PARKING_ACK;
    }
    return until(bay, bay->heartbeat) == 0 ? PARKING_HEARTBEAT : 0;
}

static void fill_state(const struct parking_bay *bay, struct parking_frame *frame) {
    frame->state = bay->state;
    frame->seq = bay->seq;
    frame->age_s = seconds_between(bay->since, bay->now);
    frame->previous_known = bay->previous_known;
    frame->previous_s = bay->previous_s;
}

enum parking_result parking_bay_poll(struct parking_bay *bay, uint32_t clock_ms, struct parking_frame *frame) {
    static const struct parking_frame empty;
    advance(bay, clock_ms);
    *frame = empty;
    frame->type = due(bay);
    if (frame->type == 0) {
        return PARKING_END;
    }
    frame->boot = bay->memory.boot;
    frame->battery_mv = PARKING_BATTERY_UNKNOWN;
    frame->temperature_c = PARKING_TEMPERATURE_UNKNOWN;
    frame->calibrating = bay->calibrating;
    if (frame->type <= PARKING_BOOT) {
        fill_state(bay, frame);
        bay->spoken = true;
    } else if (frame->type == PARKING_HEALTH) {
        bay->health_due = false;
    } else {
        frame->calibrating = false;
        frame->command = bay->memory.command;
        frame->outcome = bay->memory.outcome;
        bay->ack_due = false; /* one that is lost is asked for again, by the same command */
    }
    bay->handed = frame->type;
    bay->handed_seq = bay->seq;
    return PARKING_OK;
}

static void plan_retry(struct parking_bay *bay) {
    uint32_t delay = PARKING_RETRY_MS << (bay->attempts < 6 ? bay->attempts : 6);
    if (bay->attempts < 255) {
        bay->attempts++;
    }
    bay->retry = later(bay->now, jittered(bay, delay < PARKING_MOST_RETRY_MS ? delay : PARKING_MOST_RETRY_MS));
}

/* How a boot frame fared. A transition before it still has its event, which then takes its place. */
static void settle_boot(struct parking_bay *bay, bool acknowledged) {
    bay->boot_pending = bay->boot_pending && !acknowledged && !bay->event_pending;
    if (bay->boot_pending) {
        plan_retry(bay);
    }
}

static void settle_event(struct parking_bay *bay, bool acknowledged) {
    if (bay->handed_seq != bay->seq) {
        return; /* another transition has happened meanwhile, and is due */
    }
    bay->event_pending = !acknowledged;
    if (bay->event_pending) {
        plan_retry(bay);
    }
}

void parking_bay_sent(struct parking_bay *bay, uint32_t clock_ms, bool acknowledged) {
    advance(bay, clock_ms);
    if (bay->handed == 0) {
        return;
    }
    bay->sent++;
    bay->failed += acknowledged ? 0u : 1u;
    if (bay->handed == PARKING_BOOT) {
        settle_boot(bay, acknowledged);
    } else if (bay->handed == PARKING_EVENT) {
        settle_event(bay, acknowledged);
    }
    if (bay->handed == PARKING_HEARTBEAT || (bay->handed <= PARKING_BOOT && acknowledged)) {
        plan_heartbeat(bay);
    }
    bay->handed = 0;
}

uint32_t parking_bay_wait(struct parking_bay *bay, uint32_t clock_ms) {
    uint32_t wait;
    advance(bay, clock_ms);
    if (due(bay) != 0) {
        return 0;
    }
    wait = bay->spoken ? until(bay, bay->heartbeat) : until(bay, bay->retry);
    if ((bay->boot_pending || bay->event_pending) && until(bay, bay->retry) < wait) {
        wait = until(bay, bay->retry);
    }
    if (bay->candidate_state != bay->state) {
        uint32_t held = until(bay, later(bay->candidate, debounce_ms(bay)));
        wait = held < wait ? held : wait;
    }
    return wait;
}

void parking_bay_ask_health(struct parking_bay *bay) {
    bay->health_due = true;
}

/* --- commands ------------------------------------------------------------------------------------------- */

static enum parking_action carry_out(struct parking_bay *bay, const struct parking_command *command,
                                     const struct parking_arguments *arguments, uint32_t *time_s) {
    switch (command->operation) {
    case PARKING_CONFIGURE:
        if (arguments->heartbeat_s > 0) {
            bay->memory.heartbeat_s = arguments->heartbeat_s;
            plan_heartbeat(bay);
        }
        if (arguments->debounce_ms > 0) {
            bay->memory.debounce_ms = arguments->debounce_ms;
        }
        return PARKING_SAVE;
    case PARKING_STATUS: bay->health_due = true; return PARKING_SAVE;
    case PARKING_RECALIBRATE: return PARKING_DO_RECALIBRATE;
    case PARKING_REBOOT: return PARKING_DO_REBOOT;
    default: *time_s = arguments->time_s; return PARKING_DO_SET_TIME;
    }
}

enum parking_result parking_bay_command(struct parking_bay *bay, uint32_t clock_ms, const uint8_t *data,
                                        size_t size, enum parking_action *action, uint32_t *time_s) {
    struct parking_command command;
    struct parking_arguments arguments;
    enum parking_outcome outcome;
    enum parking_result result = parking_command_decode(data, size, &command);
    advance(bay, clock_ms);
    *action = PARKING_NOTHING;
    if (result != PARKING_OK) {
        return result;
    }
    bay->ack_due = true;
    if (command.id != 0 && command.id == bay->memory.command) {
        return PARKING_OK;
    }
    outcome = parking_command_check(&command, &arguments);
    bay->memory.command = command.id;
    bay->memory.outcome = (uint8_t)outcome;
    *action = outcome == PARKING_DONE ? carry_out(bay, &command, &arguments, time_s) : PARKING_SAVE;
    return PARKING_OK;
}

void parking_bay_fail(struct parking_bay *bay, enum parking_outcome outcome) {
    bay->memory.outcome = (uint8_t)outcome;
}

enum parking_result parking_bay_values(const struct parking_bay *bay, const struct parking_frame *frame,
                                       enum parking_reset cause, uint8_t *tlvs, size_t capacity,
                                       size_t *size) {
    struct value {
        uint8_t type;
        uint8_t width;
        uint32_t number;
    } values[3];
    size_t count = 0;
    size_t i;
    enum parking_result result = PARKING_OK;
    if (frame->type == PARKING_BOOT || (frame->type == PARKING_ACK && frame->outcome == PARKING_DONE)) {
        values[count++] = (struct value){PARKING_TLV_HEARTBEAT, 2, heartbeat_s(bay)};
        values[count++] = frame->type == PARKING_BOOT
                              ? (struct value){PARKING_TLV_RESET_CAUSE, 1, (uint32_t)cause}
                              : (struct value){PARKING_TLV_DEBOUNCE, 2, debounce_ms(bay)};
    } else if (frame->type == PARKING_HEALTH) {
        values[count++] = (struct value){PARKING_TLV_UPTIME, 4, bay->now.s};
        values[count++] = (struct value){PARKING_TLV_FRAMES_SENT, 4, bay->sent};
        values[count++] = (struct value){PARKING_TLV_FRAMES_FAILED, 4, bay->failed};
    }
    for (i = 0; i < count && result == PARKING_OK; i++) {
        result = parking_tlv_append_number(tlvs, capacity, size, values[i].type, values[i].number,
                                           values[i].width);
    }
    return result;
}
