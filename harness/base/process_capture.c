#include "harness/base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/process_spawn.h"
#include "harness/base/signal_hold.h"

#include "assay/banned.h"

/* When others hold its pipes open we still look this often whether the child itself has ended. */
#define LOOK_NS 20000000u

struct capture {
    struct assay_process process;
    const char          *input;
    size_t               input_left;
    char                *out;
    size_t               capacity, used;
    char                 said[160]; /* the start of what it wrote to its standard error */
    size_t               n_said;
};

static void close_end(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/* Feeds what fits. A child that does not read its input is no error; its exit status says what it thinks. */
static void feed(struct capture *capture)
{
    while (capture->input_left > 0) {
        ssize_t done = write(capture->process.to, capture->input, capture->input_left);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0 && errno == EAGAIN)
            return;
        if (done <= 0)
            break;
        capture->input += done;
        capture->input_left -= (size_t)done;
    }
    close_end(&capture->process.to);
}

/* Reads what is there; keeps at most capacity-1 bytes and drops the rest, so that the child never has to wait. */
static void drain(int *fd, char *keep, size_t capacity, size_t *used)
{
    char dropped[4096];
    for (int rounds = 0; *fd >= 0 && rounds < 64; rounds++) { /* then the deadline is looked at again */
        size_t  room = capacity - 1 - *used;
        ssize_t got = room ? read(*fd, keep + *used, room) : read(*fd, dropped, sizeof dropped);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0)
            close_end(fd);
        else if (room)
            *used += (size_t)got;
    }
}

static void exchange(struct capture *capture)
{
    struct assay_signal_hold hold;
    if (capture->process.to >= 0) {
        assay_signal_hold_begin(&hold, SIGPIPE);
        feed(capture);
        assay_signal_hold_end(&hold);
    }
    drain(&capture->process.from, capture->out, capture->capacity, &capture->used);
    drain(&capture->process.errors, capture->said, sizeof capture->said, &capture->n_said);
}

static bool has_ended(pid_t pid)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

/* Moves bytes until it has ended. false: the deadline came first. */
static bool run(struct capture *capture, uint64_t deadline, struct assay_process_end *end)
{
    struct assay_process *p = &capture->process;
    for (;;) {
        uint64_t now = assay_clock_now_ns(), left = deadline > now ? deadline - now : 0;
        bool     ended = has_ended(p->pid); /* asked before the last bytes are read, so none are missed */
        exchange(capture);
        if (ended || (p->to < 0 && p->from < 0 && p->errors < 0))
            return assay_process_wait(p, left, end);
        if (left == 0)
            return false;
        struct pollfd   watched[3] = {{p->to, POLLOUT, 0}, {p->from, POLLIN, 0}, {p->errors, POLLIN, 0}};
        struct timespec pause = {0, (long)(left < LOOK_NS ? left : LOOK_NS)};
        (void)ppoll(watched, 3, &pause, NULL);
    }
}

static enum assay_code refuse(const struct capture *capture, const char *name, enum assay_code code, const char *how,
                              struct assay_error *err)
{
    (void)ASSAY_FAIL(err, code, "'%s' %s", name, how);
    return capture->n_said ? assay_error_hint(err, "it said: %.*s", (int)strcspn(capture->said, "\r\n"), capture->said)
                           : code;
}

enum assay_code assay_process_capture(char *const argv[], const char *input, uint64_t timeout_ns, char *out,
                                      size_t capacity, int *status, struct assay_error *err)
{
    struct capture           capture = {.input = input, .out = out, .capacity = capacity};
    struct assay_process_end end;
    uint64_t                 now = assay_clock_now_ns();
    char                     how[80];
    capture.input_left = input ? strlen(input) : 0;
    if (assay_process_spawn(argv, true, &capture.process, err))
        return err->code;
    (void)fcntl(capture.process.to, F_SETFL, O_NONBLOCK);
    (void)fcntl(capture.process.from, F_SETFL, O_NONBLOCK);
    (void)fcntl(capture.process.errors, F_SETFL, O_NONBLOCK);
    bool ended = run(&capture, timeout_ns < UINT64_MAX - now ? now + timeout_ns : UINT64_MAX, &end);
    if (!ended)
        assay_process_kill(&capture.process, &end);
    out[capture.used] = 0;
    capture.said[capture.n_said] = 0;
    if (!ended) {
        (void)snprintf(how, sizeof how, "took longer than %.3g s", (double)timeout_ns / 1e9);
        return refuse(&capture, argv[0], ASSAY_TIMEOUT, how, err);
    }
    if (!end.exited)
        return refuse(&capture, argv[0], ASSAY_IO, end.text, err);
    *status = end.status;
    return ASSAY_OK;
}
