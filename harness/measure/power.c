#include "harness/measure/power.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/strings.h"
#include "harness/measure/power_external.h"
#include "harness/measure/power_rapl.h"
#include "assay/banned.h"

struct assay_meter {
    struct assay_external *external; /* NULL: RAPL */
    struct assay_rapl      rapl;
    char                   provider[8], source[128];
    char                   why[128]; /* RAPL is not there, or a reading of it failed */
    uint64_t               started_ns, measured_ns;
    bool                   running;
};

static enum assay_code open_external(struct assay_meter *m, const char *how, struct assay_error *err)
{
    bool        is_command = !strncmp(how, "cmd=", 4);
    const char *text = how + (is_command ? 4 : 5);
    if (!is_command && strncmp(how, "file=", 5) != 0) {
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "no meter '%.80s'", how);
        return assay_error_hint(err, "cmd=COMMAND that prints watts, or file=PATH of watts");
    }
    if (!*text)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "'%s' names no %s", how, is_command ? "command" : "file");
    (void)assay_string_copy(m->provider, sizeof m->provider, is_command ? "cmd" : "file");
    (void)snprintf(m->source, sizeof m->source, "%s %.80s (external, scope as the user says)", m->provider, text);
    return assay_external_open(is_command, text, &m->external, err);
}

enum assay_code assay_meter_open(const char *how, struct assay_meter **out, struct assay_error *err)
{
    struct assay_meter *m = calloc(1, sizeof *m);
    if (!m)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a meter");
    if (how && *how && open_external(m, how, err)) {
        free(m);
        return err->code;
    }
    if (!how || !*how) {
        (void)assay_string_copy(m->provider, sizeof m->provider, "rapl");
        if (assay_rapl_open(&m->rapl, "/sys/class/powercap", m->why, sizeof m->why))
            (void)snprintf(m->source, sizeof m->source, "rapl %s", m->rapl.scope);
        else
            (void)snprintf(m->source, sizeof m->source, "rapl");
    }
    *out = m;
    return ASSAY_OK;
}

void assay_meter_close(struct assay_meter *m)
{
    if (!m)
        return;
    assay_external_close(m->external);
    assay_rapl_close(&m->rapl);
    free(m);
}

void assay_meter_start(struct assay_meter *m)
{
    m->running = true;
    m->started_ns = assay_clock_now_ns();
    if (m->external)
        assay_external_start(m->external, m->started_ns);
    else if (!*m->why && !assay_rapl_start(&m->rapl))
        (void)assay_string_copy(m->why, sizeof m->why, "rapl: a counter could not be read");
}

void assay_meter_stop(struct assay_meter *m)
{
    uint64_t now = assay_clock_now_ns(), elapsed = now - m->started_ns;
    if (!m->running)
        return;
    m->running = false;
    m->measured_ns += elapsed;
    if (m->external)
        assay_external_stop(m->external, now);
    else if (!*m->why && !assay_rapl_stop(&m->rapl, elapsed))
        (void)assay_string_copy(m->why, sizeof m->why, "rapl: a counter could not be read, or may have gone round twice");
}

struct assay_counter assay_meter_read(const struct assay_meter *m, char source[128])
{
    struct assay_counter out = {.status = ASSAY_COUNTER_OK, .enabled_ns = m->measured_ns, .running_ns = m->measured_ns};
    bool                 good = !*m->why;
    (void)assay_string_copy(out.name, sizeof out.name, "energy");
    (void)assay_string_copy(out.provider, sizeof out.provider, m->provider);
    (void)assay_string_copy(out.unit, sizeof out.unit, "joules");
    (void)assay_string_copy(out.why, sizeof out.why, m->why);
    (void)assay_string_copy(source, 128, m->source);
    if (good && !m->measured_ns) {
        good = false;
        (void)assay_string_copy(out.why, sizeof out.why, "nothing was measured");
    } else if (good && m->external) {
        good = assay_external_read(m->external, &out.value, out.why, sizeof out.why);
    } else if (good) {
        out.value = m->rapl.joules;
    }
    if (!good)
        out.status = ASSAY_COUNTER_UNAVAILABLE;
    return out;
}
