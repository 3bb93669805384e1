#include "harness/measure/power_external.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/process.h"
#include "harness/base/strings.h"
#include "assay/banned.h"

#define POLL_MS 100
#define SILENCE_NS (10 * ASSAY_NS_PER_S) /* a value older than this says nothing about now */
#define MOST_WATTS 1e9
#define LINE 256

struct assay_external {
    bool                 is_command, listening;
    char                 path[4096];
    struct assay_process process;
    int                  quit; /* eventfd */
    pthread_t            thread;
    /* what the command has said so far of a line, and of what is wrong: the thread's own */
    char   line[LINE], complaint[LINE];
    size_t line_length, complaint_length;

    pthread_mutex_t lock; /* of all below */
    bool            running, has_value;
    double          watts, joules;
    uint64_t        heard_ns;  /* when the value was true */
    uint64_t        mark_ns;   /* energy is counted up to here while running */
    uint64_t        waited_ns; /* measured time before the first value came */
    char            why[128];  /* what went wrong; then nothing is believed any more */
};

/* ---- energy ---- */

/* Under the lock. */
static void count_until(struct assay_external *x, uint64_t now)
{
    if (!x->running || now <= x->mark_ns)
        return;
    if (x->has_value)
        x->joules += x->watts * (double)(now - x->mark_ns) / 1e9;
    else
        x->waited_ns += now - x->mark_ns;
    x->mark_ns = now;
}

static void hear(struct assay_external *x, double watts, uint64_t when)
{
    (void)pthread_mutex_lock(&x->lock);
    count_until(x, when);
    if (!x->has_value)
        x->joules += watts * (double)x->waited_ns / 1e9;
    x->has_value = true;
    x->watts = watts;
    x->heard_ns = when;
    (void)pthread_mutex_unlock(&x->lock);
}

ASSAY_PRINTF(2, 3)
static void fail(struct assay_external *x, const char *fmt, ...)
{
    va_list args;
    (void)pthread_mutex_lock(&x->lock);
    va_start(args, fmt);
    if (!*x->why)
        (void)vsnprintf(x->why, sizeof x->why, fmt, args);
    va_end(args);
    (void)pthread_mutex_unlock(&x->lock);
}

/* ---- words ---- */

/* One or two finite numbers and nothing else; returns how many. */
static int numbers_of(const char *line, double out[2])
{
    int n = 0;
    for (; n < 3; n++) {
        char  *end;
        double value = strtod(line, &end);
        if (end == line || (*end && !isspace((unsigned char)*end)))
            break;
        if (n == 2 || !isfinite(value))
            return 0;
        out[n] = value;
        line = end;
    }
    while (isspace((unsigned char)*line))
        line++;
    return *line ? 0 : n;
}

/* `written_ns`: when a line without a time of its own was written. */
static void hear_line(struct assay_external *x, const char *line, uint64_t written_ns)
{
    double   number[2] = {0};
    int      n = numbers_of(line, number);
    double   watts = n == 2 ? number[1] : number[0];
    uint64_t now = assay_clock_now_ns(), when = written_ns;
    if (n < 1 || (n == 2 && x->is_command) || watts < 0 || watts > MOST_WATTS) {
        fail(x, "'%.60s' is not a number of watts", line);
        return;
    }
    if (n == 2) {
        double age_s = (double)assay_clock_utc_ns() / 1e9 - number[0];
        double age_ns = fmin(fmax(age_s, 0) * 1e9, (double)now);
        when = now - (uint64_t)age_ns;
    }
    hear(x, watts, when);
}

/* ---- a command ---- */

static bool take(int fd, char *buffer, size_t capacity, size_t *held)
{
    ssize_t got = read(fd, buffer + *held, capacity - 1 - *held);
    if (got <= 0)
        return got < 0 && (errno == EINTR || errno == EAGAIN);
    *held += (size_t)got;
    buffer[*held] = 0;
    return true;
}

static bool take_output(struct assay_external *x)
{
    bool  open = take(x->process.from, x->line, LINE, &x->line_length);
    char *end, *line = x->line;
    while ((end = memchr(line, '\n', x->line_length - (size_t)(line - x->line))) != NULL) {
        *end = 0;
        hear_line(x, line, assay_clock_now_ns());
        line = end + 1;
    }
    x->line_length -= (size_t)(line - x->line);
    memmove(x->line, line, x->line_length);
    if (x->line_length == LINE - 1) {
        fail(x, "a line of %d characters is not a number of watts", LINE);
        x->line_length = 0;
    }
    return open;
}

/* Its beginning is kept for the reason, the rest is read and forgotten, so that the command never waits for us. */
static bool take_complaint(struct assay_external *x)
{
    char   rest[LINE];
    size_t none = 0;
    if (x->complaint_length < LINE - 1)
        return take(x->process.errors, x->complaint, LINE, &x->complaint_length);
    return take(x->process.errors, rest, sizeof rest, &none);
}

static void listen_to_command(struct assay_external *x)
{
    struct pollfd watched[3] = {{x->quit, POLLIN, 0}, {x->process.from, POLLIN, 0}, {x->process.errors, POLLIN, 0}};
    while (watched[1].fd >= 0) {
        if (poll(watched, 3, -1) < 0 && errno != EINTR)
            break;
        if (watched[0].revents)
            return;
        if (watched[2].revents && !take_complaint(x))
            watched[2].fd = -1;
        if (watched[1].revents && !take_output(x))
            watched[1].fd = -1;
    }
    struct assay_process_end end;
    if (!assay_process_wait(&x->process, ASSAY_NS_PER_S, &end))
        (void)snprintf(end.text, sizeof end.text, "closed its output");
    x->complaint[strcspn(x->complaint, "\n")] = 0;
    fail(x, "the command ended: %s%s%.60s", end.text, *x->complaint ? ": " : "", x->complaint);
}

/* ---- a file ---- */

static void look_at_file(struct assay_external *x)
{
    char        text[2 * LINE];
    struct stat about;
    int         fd = open(x->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        fail(x, "file %.60s: %s", x->path, fd < 0 ? strerror(errno) : "not a regular file");
        if (fd >= 0)
            (void)close(fd);
        return;
    }
    off_t   from = about.st_size > (off_t)sizeof text - 1 ? about.st_size - ((off_t)sizeof text - 1) : 0;
    ssize_t got = pread(fd, text, sizeof text - 1, from);
    (void)close(fd);
    if (got <= 0)
        return; /* empty: the writer may be about to write */
    text[got] = 0;
    /* A last line without its end may be half written; only when it is alone it is taken as it is. */
    char *last = strrchr(text, '\n');
    if (last)
        *last = 0;
    char    *begin = strrchr(text, '\n');
    uint64_t utc = assay_clock_utc_ns(), now = assay_clock_now_ns();
    uint64_t written = (uint64_t)about.st_mtim.tv_sec * ASSAY_NS_PER_S + (uint64_t)about.st_mtim.tv_nsec;
    uint64_t age = utc > written ? utc - written : 0;
    hear_line(x, begin ? begin + 1 : text, now > age ? now - age : 0);
}

static void listen_to_file(struct assay_external *x)
{
    struct pollfd watched = {x->quit, POLLIN, 0};
    do
        look_at_file(x);
    while (poll(&watched, 1, POLL_MS) == 0 || !watched.revents);
}

static void *listen_to(void *self)
{
    struct assay_external *x = self;
    if (x->is_command)
        listen_to_command(x);
    else
        listen_to_file(x);
    return NULL;
}

/* ---- the owner ---- */

enum assay_code assay_external_open(bool is_command, const char *text, struct assay_external **out,
                                    struct assay_error *err)
{
    char *const            argv[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, (char *)(uintptr_t)text, NULL};
    struct assay_external *x = calloc(1, sizeof *x);
    if (!x)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a meter");
    (void)pthread_mutex_init(&x->lock, NULL);
    x->is_command = is_command;
    x->process = (struct assay_process){0, -1, -1, -1};
    x->quit = eventfd(0, EFD_CLOEXEC);
    enum assay_code code = ASSAY_OK;
    if (x->quit < 0)
        code = ASSAY_FAIL_ERRNO(err, ASSAY_IO, "no descriptor for a meter");
    else if (!is_command && !assay_string_copy(x->path, sizeof x->path, text))
        code = ASSAY_FAIL(err, ASSAY_CONFIG, "the path of the meter's file is longer than %zu", sizeof x->path);
    else if (is_command)
        code = assay_process_start(argv, &x->process, err);
    if (!code) {
        errno = pthread_create(&x->thread, NULL, listen_to, x);
        x->listening = !errno;
        code = errno ? ASSAY_FAIL_ERRNO(err, ASSAY_UNAVAILABLE, "no thread for a meter") : ASSAY_OK;
    }
    if (code) {
        assay_external_close(x);
        return code;
    }
    *out = x;
    return ASSAY_OK;
}

void assay_external_close(struct assay_external *x)
{
    struct assay_process_end end;
    uint64_t                 one = 1;
    if (!x)
        return;
    if (x->listening) {
        while (write(x->quit, &one, sizeof one) < 0 && errno == EINTR)
            ;
        (void)pthread_join(x->thread, NULL);
    }
    if (x->process.pid)
        assay_process_kill(&x->process, &end);
    if (x->quit >= 0)
        (void)close(x->quit);
    (void)pthread_mutex_destroy(&x->lock);
    free(x);
}

void assay_external_start(struct assay_external *x, uint64_t now_ns)
{
    (void)pthread_mutex_lock(&x->lock);
    x->running = true;
    x->mark_ns = now_ns;
    (void)pthread_mutex_unlock(&x->lock);
}

void assay_external_stop(struct assay_external *x, uint64_t now_ns)
{
    (void)pthread_mutex_lock(&x->lock);
    count_until(x, now_ns);
    if (x->running && x->has_value && now_ns > x->heard_ns + SILENCE_NS && !*x->why)
        (void)snprintf(x->why, sizeof x->why, "the last value was %.0f s old", (double)(now_ns - x->heard_ns) / 1e9);
    x->running = false;
    (void)pthread_mutex_unlock(&x->lock);
}

bool assay_external_read(struct assay_external *x, double *joules, char *why, size_t capacity)
{
    (void)pthread_mutex_lock(&x->lock);
    bool good = !*x->why && x->has_value;
    if (good)
        *joules = x->joules;
    else
        (void)assay_string_copy(why, capacity, *x->why ? x->why : "it has not given a value yet");
    (void)pthread_mutex_unlock(&x->lock);
    return good;
}
