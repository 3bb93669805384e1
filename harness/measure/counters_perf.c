/* <linux/perf_event.h> and libpfm's header declare the same things twice: here only the first one is seen. */
#include "harness/measure/counters_perf.h"

#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "assay/banned.h"

struct assay_perf {
    size_t n_codes, n_threads;
    bool   follows; /* starts and stops with a leader */
    struct part {
        double weight;
        int   *fd; /* one a thread; -1: it ended before we came */
    } *part;
};

/* ---- codes ---- */

#define CACHE(level, op, result)                                                                        \
    (PERF_COUNT_HW_CACHE_##level | (uint64_t)PERF_COUNT_HW_CACHE_OP_##op << 8 |                         \
     (uint64_t)PERF_COUNT_HW_CACHE_RESULT_##result << 16)

/* The kernel's generic cache events are the last level on Intel; on AMD they are level 2 and on Arm level 1. */
static bool generic_is_last_level(void)
{
#if defined(__x86_64__)
    unsigned a, b, c, d;
    return __get_cpuid(0, &a, &b, &c, &d) && b == signature_INTEL_ebx;
#else
    return false;
#endif
}

struct assay_perf_code assay_perf_generic_code(enum assay_perf_generic which)
{
    static const struct assay_perf_code code[] = {
        [ASSAY_PERF_CYCLES] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, 0, 0, 1},
        [ASSAY_PERF_INSTRUCTIONS] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, 0, 0, 1},
        [ASSAY_PERF_BRANCH_MISSES] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES, 0, 0, 1},
        [ASSAY_PERF_L1D_MISSES] = {PERF_TYPE_HW_CACHE, CACHE(L1D, READ, MISS), 0, 0, 1},
        [ASSAY_PERF_LLC_REFERENCES] = {PERF_TYPE_HW_CACHE, CACHE(LL, READ, ACCESS), 0, 0, 1},
        [ASSAY_PERF_LLC_MISSES] = {PERF_TYPE_HW_CACHE, CACHE(LL, READ, MISS), 0, 0, 1},
        [ASSAY_PERF_TASK_CLOCK] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, 0, 0, 1},
        [ASSAY_PERF_PAGE_FAULTS] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, 0, 0, 1},
        [ASSAY_PERF_CONTEXT_SWITCHES] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES, 0, 0, 1},
        [ASSAY_PERF_CPU_MIGRATIONS] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS, 0, 0, 1},
    };
    struct assay_perf_code out = code[which];
    bool                   last = which == ASSAY_PERF_LLC_REFERENCES || which == ASSAY_PERF_LLC_MISSES;
    if (last && generic_is_last_level()) {
        out.type = PERF_TYPE_HARDWARE;
        out.config = which == ASSAY_PERF_LLC_MISSES ? PERF_COUNT_HW_CACHE_MISSES : PERF_COUNT_HW_CACHE_REFERENCES;
    }
    return out;
}

/* ---- threads ---- */

size_t assay_perf_threads(pid_t **out)
{
    size_t         n = 0, room = 0;
    DIR           *d = opendir("/proc/self/task");
    struct dirent *e;
    *out = NULL;
    while (d && (e = readdir(d)) != NULL) {
        long tid = strtol(e->d_name, NULL, 10);
        if (tid <= 0)
            continue;
        if (n == room) {
            room = room ? 2 * room : 64;
            pid_t *more = realloc(*out, room * sizeof *more);
            if (!more)
                break;
            *out = more;
        }
        (*out)[n++] = (pid_t)tid;
    }
    if (d)
        (void)closedir(d);
    return n;
}

/* ---- opening ---- */

static int paranoid(void)
{
    int   level = -9;
    FILE *f = fopen("/proc/sys/kernel/perf_event_paranoid", "re");
    if (f && fscanf(f, "%d", &level) != 1)
        level = -9;
    if (f)
        (void)fclose(f);
    return level;
}

static void because(int error, size_t n_threads, char *why, size_t capacity)
{
    switch (error) {
    case ENOENT:
    case ENODEV:
    case EOPNOTSUPP:
        (void)snprintf(why, capacity, "perf: not on this machine, or hidden from guests");
        break;
    case EACCES:
    case EPERM:
        (void)snprintf(why, capacity, "perf: not permitted (perf_event_paranoid is %d)", paranoid());
        break;
    case EMFILE:
    case ENFILE:
        (void)snprintf(why, capacity, "perf: too few file descriptors for %zu threads", n_threads);
        break;
    default:
        (void)snprintf(why, capacity, "perf: %s", strerror(error));
    }
}

static int open_one(const struct assay_perf_code *code, pid_t thread, bool user_only, int group)
{
    struct perf_event_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.size = sizeof attr;
    attr.type = code->type;
    attr.config = code->config;
    attr.config1 = code->config1;
    attr.config2 = code->config2;
    attr.disabled = group < 0;
    attr.inherit = 1;
    attr.exclude_kernel = user_only;
    attr.exclude_hv = user_only;
    attr.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    attr.inherit_thread = 1; /* not into child processes; kernels before 5.13 know no such difference */
    int fd = (int)syscall(SYS_perf_event_open, &attr, thread, -1, group, PERF_FLAG_FD_CLOEXEC);
    if (fd >= 0 || errno != EINVAL)
        return fd;
    attr.inherit_thread = 0;
    return (int)syscall(SYS_perf_event_open, &attr, thread, -1, group, PERF_FLAG_FD_CLOEXEC);
}

static int open_part(struct part *part, const struct assay_perf_code *code, const pid_t *threads, size_t n,
                     bool user_only, const struct assay_perf *leader)
{
    size_t alive = 0;
    part->weight = code->weight;
    for (size_t t = 0; t < n; t++) {
        part->fd[t] = open_one(code, threads[t], user_only, leader ? leader->part[0].fd[t] : -1);
        if (part->fd[t] < 0 && errno != ESRCH)
            return errno;
        alive += part->fd[t] >= 0;
    }
    return alive ? 0 : ESRCH;
}

static void each(const struct assay_perf *p, unsigned long request)
{
    if (p->follows && request != PERF_EVENT_IOC_RESET)
        return;
    for (size_t i = 0; i < p->n_codes; i++)
        for (size_t t = 0; t < p->n_threads; t++)
            if (p->part[i].fd[t] >= 0)
                (void)ioctl(p->part[i].fd[t], request, 0);
}

static int try_once(const struct assay_perf *p)
{
    struct assay_perf_value value;
    for (size_t i = 0; i < p->n_codes && !p->follows; i++)
        for (size_t t = 0; t < p->n_threads; t++)
            if (p->part[i].fd[t] >= 0 && ioctl(p->part[i].fd[t], PERF_EVENT_IOC_ENABLE, 0) != 0)
                return errno;
    each(p, PERF_EVENT_IOC_DISABLE);
    (void)assay_perf_read(p, &value); /* a trial so short need not have been given a turn */
    each(p, PERF_EVENT_IOC_RESET);
    return 0;
}

static struct assay_perf *allocate(size_t n_codes, size_t n_threads)
{
    struct assay_perf *p = calloc(1, sizeof *p);
    if (!p || !(p->part = calloc(n_codes ? n_codes : 1, sizeof *p->part))) {
        free(p);
        return NULL;
    }
    p->n_codes = n_codes;
    p->n_threads = n_threads;
    for (size_t i = 0; i < n_codes; i++) {
        p->part[i].fd = malloc((n_threads ? n_threads : 1) * sizeof *p->part[i].fd);
        for (size_t t = 0; p->part[i].fd && t < n_threads; t++)
            p->part[i].fd[t] = -1;
        if (!p->part[i].fd) {
            assay_perf_close(p);
            return NULL;
        }
    }
    return p;
}

struct assay_perf *assay_perf_open(const struct assay_perf_code *codes, size_t n_codes, const pid_t *threads,
                                   size_t n_threads, bool user_only, const struct assay_perf *leader, char *why,
                                   size_t capacity)
{
    struct assay_perf *p = allocate(n_codes, n_threads);
    int                error = p ? 0 : ENOMEM;
    for (size_t i = 0; !error && i < n_codes; i++)
        error = open_part(&p->part[i], &codes[i], threads, n_threads, user_only, leader);
    if (!error) {
        p->follows = leader != NULL;
        error = try_once(p);
    }
    if (!error)
        return p;
    assay_perf_close(p);
    because(error, n_threads, why, capacity);
    return NULL;
}

void assay_perf_close(struct assay_perf *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n_codes; i++) {
        for (size_t t = 0; p->part[i].fd && t < p->n_threads; t++)
            if (p->part[i].fd[t] >= 0)
                (void)close(p->part[i].fd[t]);
        free(p->part[i].fd);
    }
    free(p->part);
    free(p);
}

/* ---- counting ---- */

void assay_perf_resume(struct assay_perf *p)
{
    each(p, PERF_EVENT_IOC_ENABLE);
}

void assay_perf_pause(struct assay_perf *p)
{
    each(p, PERF_EVENT_IOC_DISABLE);
}

bool assay_perf_read(const struct assay_perf *p, struct assay_perf_value *out)
{
    *out = (struct assay_perf_value){0};
    for (size_t i = 0; i < p->n_codes; i++) {
        uint64_t sum[3] = {0};
        for (size_t t = 0; t < p->n_threads; t++) {
            uint64_t got[3]; /* value, enabled, running */
            if (p->part[i].fd[t] < 0)
                continue;
            if (read(p->part[i].fd[t], got, sizeof got) != (ssize_t)sizeof got)
                return false;
            for (int k = 0; k < 3; k++)
                sum[k] += got[k];
        }
        if (sum[1] && !sum[2])
            return false;
        double factor = sum[2] ? (double)sum[1] / (double)sum[2] : 1;
        out->value += p->part[i].weight * (double)sum[0] * factor;
        out->scaled = out->scaled || factor > 1.0001;
        out->enabled_ns = sum[1] > out->enabled_ns ? sum[1] : out->enabled_ns;
        out->running_ns = i == 0 || sum[2] < out->running_ns ? sum[2] : out->running_ns;
    }
    return true;
}
