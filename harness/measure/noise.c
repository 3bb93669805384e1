#include "harness/measure/noise.h"

#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/measure/core_clock.h"
#include "assay/banned.h"

#define CLOCK_PROBE_NS 1000000u
#define MIN_TICKS 10 /* of a core: below, one tick more or less is the whole figure */

/* Above these a figure of the timed phase is not the machine's own. */
#define STEAL_LIMIT 0.01
#define OTHER_LIMIT 0.05
#define CLOCK_LIMIT 0.03
/* Of the whole process. A switch costs some 20 us with the caches it spoils, so this is 1 % of one core; an idle machine with two cores
 * has one to three hundred a second of its own. */
#define SWITCHES_PER_S_LIMIT 500.0

/* What struct assay_noise_probe holds. */
struct moment {
    uint64_t now_ns, own_ns, switches, major_faults;
    uint64_t cores, total, steal, busy; /* of the allowed cores, in ticks of USER_HZ; cores 0: not readable */
    double   clock_hz;
};
_Static_assert(sizeof(struct moment) <= sizeof(struct assay_noise_probe), "a moment fits the probe");

/* ---- /proc/stat ---- */

/* Columns of a "cpuN" line (proc(5)); guest time is contained in user time already. */
enum column { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, COLUMNS };

static void add_line(const char *line, const cpu_set_t *ours, struct moment *m)
{
    char         *at;
    uint64_t      tick[COLUMNS] = {0}, sum = 0;
    unsigned long cpu;
    if (line[3] < '0' || line[3] > '9')
        return;
    cpu = strtoul(line + 3, &at, 10);
    if (ours && (cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, ours)))
        return;
    for (int i = 0; i < COLUMNS; i++) {
        tick[i] = strtoull(at, &at, 10);
        sum += tick[i];
    }
    m->cores++;
    m->total += sum;
    m->steal += tick[STEAL];
    m->busy += sum - tick[STEAL] - tick[IDLE] - tick[IOWAIT];
}

/* The lines of the cores come first; what follows ("intr" may be very long) is left. Nothing is allocated. */
static void read_stat(struct moment *m)
{
    char      buffer[4096];
    size_t    held = 0;
    cpu_set_t set;
    bool      some = sched_getaffinity(0, sizeof set, &set) == 0;
    int       fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
    for (bool more = fd >= 0; more;) {
        ssize_t got = read(fd, buffer + held, sizeof buffer - 1 - held);
        if (got <= 0)
            break;
        held += (size_t)got;
        buffer[held] = 0;
        char *line = buffer, *end;
        while (more && (end = strchr(line, '\n')) != NULL) {
            *end = 0;
            more = !strncmp(line, "cpu", 3);
            if (more)
                add_line(line, some ? &set : NULL, m);
            line = end + 1;
        }
        held -= (size_t)(line - buffer);
        memmove(buffer, line, held);
    }
    if (fd >= 0)
        (void)close(fd);
}

static uint64_t microseconds(struct timeval t)
{
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_usec;
}

static void read_moment(struct moment *m)
{
    struct rusage own;
    m->now_ns = assay_clock_now_ns();
    read_stat(m);
    if (getrusage(RUSAGE_SELF, &own) == 0) {
        m->own_ns = (microseconds(own.ru_utime) + microseconds(own.ru_stime)) * 1000;
        m->switches = (uint64_t)own.ru_nivcsw;
        m->major_faults = (uint64_t)own.ru_majflt;
    }
}

void assay_noise_begin(struct assay_noise_probe *probe)
{
    struct moment m = {.clock_hz = assay_core_clock_hz(CLOCK_PROBE_NS)};
    read_moment(&m);
    memcpy(probe->opaque, &m, sizeof m);
}

void assay_noise_end(const struct assay_noise_probe *probe, uint64_t lent_ns, struct assay_noise *out)
{
    struct moment from, to = {0};
    memcpy(&from, probe->opaque, sizeof from);
    read_moment(&to);
    *out = (struct assay_noise){.steal_share = NAN, .other_share = NAN};
    out->elapsed_ns = to.now_ns - from.now_ns;
    out->involuntary_switches = to.switches - from.switches;
    out->major_faults = to.major_faults - from.major_faults;
    out->clock_hz_begin = from.clock_hz;
    out->clock_hz_end = assay_core_clock_hz(CLOCK_PROBE_NS);

    /* Steal may run backwards on some hypervisors; a difference below zero is none. */
    double total = (double)to.total - (double)from.total;
    if (!from.cores || to.cores != from.cores || total < MIN_TICKS * (double)to.cores)
        return;
    double steal = (double)to.steal - (double)from.steal, busy = (double)to.busy - (double)from.busy;
    double own = (double)(to.own_ns - from.own_ns + lent_ns) * 1e-9 * (double)sysconf(_SC_CLK_TCK);
    out->steal_share = fmin(1, fmax(0, steal / total));
    out->other_share = fmin(1, fmax(0, (busy - own) / total));
}

/* ---- complaint ---- */

const char *assay_noise_complaint(const struct assay_noise *n)
{
    static _Thread_local char text[160];
    double slower = fmin(n->clock_hz_begin, n->clock_hz_end), faster = fmax(n->clock_hz_begin, n->clock_hz_end);
    double change = faster > 0 ? 1 - slower / faster : 0;
    double switches = n->elapsed_ns ? (double)n->involuntary_switches * 1e9 / (double)n->elapsed_ns : 0;

    /* How many times its limit each one is; comparisons with NaN are false, as they should be. */
    const double over[] = {n->steal_share / STEAL_LIMIT, n->other_share / OTHER_LIMIT, change / CLOCK_LIMIT,
                           switches / SWITCHES_PER_S_LIMIT, n->major_faults ? 1.5 : 0};
    int          worst = -1;
    double       most = 1;
    for (int i = 0; i < (int)(sizeof over / sizeof *over); i++) {
        if (over[i] > most) {
            most = over[i];
            worst = i;
        }
    }
    switch (worst) {
    case 0:
        (void)snprintf(text, sizeof text, "the hypervisor gave %.1f %% of our cores' time to others",
                       100 * n->steal_share);
        return text;
    case 1:
        (void)snprintf(text, sizeof text, "other processes had %.1f %% of our cores' time", 100 * n->other_share);
        return text;
    case 2:
        (void)snprintf(text, sizeof text, "the core's clock went from %.2f to %.2f GHz", n->clock_hz_begin / 1e9,
                       n->clock_hz_end / 1e9);
        return text;
    case 3:
        (void)snprintf(text, sizeof text, "threads were taken off their core %.0f times a second", switches);
        return text;
    case 4:
        (void)snprintf(text, sizeof text, "%llu pages had to be read from disk",
                       (unsigned long long)n->major_faults);
        return text;
    default:
        return NULL;
    }
}
