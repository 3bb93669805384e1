#include "harness/base/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/process_spawn.h"

#include "assay/banned.h"

#define KILL_PATIENCE_NS (10 * ASSAY_NS_PER_S)

enum assay_code assay_process_start(char *const argv[], struct assay_process *out, struct assay_error *err)
{
    return assay_process_spawn(argv, false, out, err);
}

/* ---- words ------------------------------------------------------------------------------------------------ */

void assay_signal_name(int number, char out[32])
{
    const char *name = sigabbrev_np(number);
    if (name)
        (void)snprintf(out, 32, "SIG%s", name);
    else
        (void)snprintf(out, 32, "signal %d", number);
}

static void describe(int status, struct assay_process_end *end)
{
    char        name[32];
    const char *words;
    end->exited = WIFEXITED(status);
    end->status = end->exited ? WEXITSTATUS(status) : WTERMSIG(status);
    if (end->exited) {
        (void)snprintf(end->text, sizeof end->text, "exit %d", end->status);
        return;
    }
    assay_signal_name(end->status, name);
    words = sigdescr_np(end->status);
    (void)snprintf(end->text, sizeof end->text, words ? "killed by %s (%s)" : "killed by %s", name, words);
}

/* ---- the end ---------------------------------------------------------------------------------------------- */

static void close_pipes(struct assay_process *p)
{
    int *const ends[] = {&p->to, &p->from, &p->errors};
    for (size_t i = 0; i < 3; i++) {
        if (*ends[i] >= 0)
            (void)close(*ends[i]);
        *ends[i] = -1;
    }
}

/* Looks without reaping, so that the process id, and with it the group's, stays ours until the group is dead. */
static bool has_ended(const struct assay_process *p)
{
    siginfo_t info = {0};
    while (waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT))
        if (errno != EINTR)
            return true; /* not our child any more: there is nothing to wait for */
    return info.si_pid != 0;
}

/* Called once the leader has ended: ends what it left behind, reaps it, closes the pipes. */
static void reap(struct assay_process *p, struct assay_process_end *end)
{
    siginfo_t info = {0};
    int       status = 0;
    pid_t     got;
    if (waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0) /* else the number may be another's */
        (void)kill(-p->pid, SIGKILL);
    while ((got = waitpid(p->pid, &status, 0)) < 0 && errno == EINTR)
        ;
    if (got == p->pid)
        describe(status, end);
    else
        *end = (struct assay_process_end){.text = "ended; somebody else took its status"};
    close_pipes(p);
    p->pid = 0;
}

static uint64_t deadline_after(uint64_t timeout_ns)
{
    uint64_t now = assay_clock_now_ns();
    return timeout_ns < UINT64_MAX - now ? now + timeout_ns : UINT64_MAX;
}

static struct timespec left_until(uint64_t deadline, uint64_t most_ns)
{
    uint64_t now = assay_clock_now_ns(), left = deadline > now ? deadline - now : 0;
    left = left < most_ns ? left : most_ns;
    return (struct timespec){(time_t)(left / ASSAY_NS_PER_S), (long)(left % ASSAY_NS_PER_S)};
}

/* Until it ends, or the deadline, or a signal arrives here; the caller looks again. Without pidfd_open (Linux before
 * 5.3, some sandboxes) it looks every 2 ms. */
static void sleep_until_end(const struct assay_process *p, uint64_t deadline)
{
    int             fd = (int)syscall(SYS_pidfd_open, p->pid, 0);
    struct pollfd   watched = {.fd = fd, .events = POLLIN};
    struct timespec left = left_until(deadline, fd < 0 ? 2000000 : 3600 * ASSAY_NS_PER_S);
    (void)ppoll(&watched, fd < 0 ? 0 : 1, &left, NULL);
    if (fd >= 0)
        (void)close(fd);
}

bool assay_process_wait(struct assay_process *p, uint64_t timeout_ns, struct assay_process_end *end)
{
    uint64_t deadline = timeout_ns ? deadline_after(timeout_ns) : 0;
    if (p->pid == 0) {
        *end = (struct assay_process_end){.text = "no process"};
        return true;
    }
    while (!has_ended(p)) {
        if (assay_clock_now_ns() >= deadline)
            return false;
        sleep_until_end(p, deadline);
    }
    reap(p, end);
    return true;
}

/* A process in a driver's uninterruptible sleep does not even die of SIGKILL. It costs its case and not the run, so
 * patience has an end; pid then stays set, and waiting for it again is possible. */
void assay_process_kill(struct assay_process *p, struct assay_process_end *end)
{
    if (p->pid != 0) {
        (void)kill(-p->pid, SIGKILL);
        (void)kill(p->pid, SIGKILL);
    }
    if (assay_process_wait(p, KILL_PATIENCE_NS, end))
        return;
    close_pipes(p);
    *end = (struct assay_process_end){.status = SIGKILL, .text = "does not end after SIGKILL (stuck in the kernel)"};
}

enum assay_code assay_program_path(char *out, size_t capacity, struct assay_error *err)
{
    char    path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path);
    if (length < 0)
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot read /proc/self/exe");
    if ((size_t)length >= sizeof path || (size_t)length >= capacity)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "the program's path has %zd bytes, there is room for %zu", length,
                          capacity);
    memcpy(out, path, (size_t)length);
    out[length] = 0;
    return ASSAY_OK;
}
