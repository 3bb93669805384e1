#include "harness/base/process_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assay/banned.h"

extern char **environ;

/* Pipes 0..2 are the standard streams; 3 tells the parent the errno of a failed exec, or nothing. */
enum { STDIN, STDOUT, STDERR, EXEC, N_PIPES };
struct pipes {
    int read_end[N_PIPES], write_end[N_PIPES];
};

static void close_one(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static void close_all(struct pipes *pipes)
{
    for (int i = 0; i < N_PIPES; i++) {
        close_one(&pipes->read_end[i]);
        close_one(&pipes->write_end[i]);
    }
}

/* Above the standard streams, so that moving one there never hits another. */
static int lift(int fd)
{
    if (fd > 2)
        return fd;
    int higher = fcntl(fd, F_DUPFD_CLOEXEC, 3), saved = errno;
    (void)close(fd);
    errno = saved;
    return higher;
}

static int open_all(struct pipes *pipes)
{
    for (int i = 0; i < N_PIPES; i++)
        pipes->read_end[i] = pipes->write_end[i] = -1;
    for (int i = 0; i < N_PIPES; i++) {
        int ends[2], failed = 0;
        if (pipe2(ends, O_CLOEXEC) == 0) { /* both are lifted, else what is wrong with one would leave the other open */
            pipes->read_end[i] = lift(ends[0]);
            failed = pipes->read_end[i] < 0 ? errno : 0;
            pipes->write_end[i] = lift(ends[1]);
        }
        if (pipes->read_end[i] < 0 || pipes->write_end[i] < 0) {
            failed = failed ? failed : errno;
            close_all(pipes);
            return failed;
        }
    }
    return 0;
}

/* ---- the child, where only async-signal-safe calls are allowed --------------------------------------------- */

struct linux_dirent {
    uint64_t      inode;
    int64_t       offset;
    uint16_t      length;
    unsigned char type;
    char          name[];
};

/* What close_range does, by reading /proc/self/fd without allocating; without /proc, every number up to the limit. */
static void close_on_exec_slowly(void)
{
    union {
        char                bytes[4096];
        struct linux_dirent first;
    } buffer;
    int  dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    long got = 0;
    for (long fd = 3, end = sysconf(_SC_OPEN_MAX); dir < 0 && fd < end; fd++)
        (void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    while (dir >= 0 && (got = syscall(SYS_getdents64, dir, buffer.bytes, sizeof buffer.bytes)) > 0) {
        for (long at = 0; at < got;) {
            uint16_t    length;
            const char *name = buffer.bytes + at + offsetof(struct linux_dirent, name);
            int         fd = 0;
            memcpy(&length, buffer.bytes + at + offsetof(struct linux_dirent, length), sizeof length);
            for (; *name >= '0' && *name <= '9'; name++)
                fd = fd * 10 + (*name - '0');
            if (fd > 2)
                (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
            at += length;
        }
    }
}

static void reset_signals(void)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t         none;
    for (int number = 1; number < NSIG; number++)
        (void)sigaction(number, &standard, NULL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn static void become(char *const argv[], bool search_path, pid_t parent, const struct pipes *pipes)
{
    int     failed;
    ssize_t told;
    if (setpgid(0, 0) || prctl(PR_SET_PDEATHSIG, SIGKILL))
        goto fail;
    if (getppid() != parent) /* it died before we asked to be told */
        _exit(127);
    if (dup2(pipes->read_end[STDIN], 0) < 0 || dup2(pipes->write_end[STDOUT], 1) < 0 ||
        dup2(pipes->write_end[STDERR], 2) < 0)
        goto fail;
    if (syscall(SYS_close_range, 3u, ~0u, 4u)) /* 4: CLOSE_RANGE_CLOEXEC, Linux 5.11 */
        close_on_exec_slowly();
    reset_signals();
    if (search_path)
        (void)execvp(argv[0], argv);
    else
        (void)execve(argv[0], argv, environ);
fail:
    failed = errno;
    do
        told = write(pipes->write_end[EXEC], &failed, sizeof failed);
    while (told < 0 && errno == EINTR);
    _exit(127);
}

/* ---- the parent ------------------------------------------------------------------------------------------- */

/* 0 when the exec went well: then the pipe was closed by it. */
static int exec_failure(int fd)
{
    int     failed = 0;
    ssize_t got;
    while ((got = read(fd, &failed, sizeof failed)) < 0 && errno == EINTR)
        ;
    return got == (ssize_t)sizeof failed ? failed : 0;
}

enum assay_code assay_process_spawn(char *const argv[], bool search_path, struct assay_process *out,
                                    struct assay_error *err)
{
    struct pipes pipes;
    sigset_t     all, before;
    pid_t        parent = getpid(), pid;
    int          failed = open_all(&pipes);
    if (failed)
        return assay_error_sys(err, ASSAY_IO, ASSAY_HERE, failed, "cannot open pipes for '%s'", argv[0]);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* no handler of ours may run in the child */
    pid = fork();
    failed = errno;
    if (pid == 0)
        become(argv, search_path, parent, &pipes);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pid < 0) {
        close_all(&pipes);
        return assay_error_sys(err, failed == ENOMEM ? ASSAY_MEMORY : ASSAY_IO, ASSAY_HERE, failed,
                               "cannot start a process for '%s'", argv[0]);
    }
    close_one(&pipes.write_end[EXEC]);
    failed = exec_failure(pipes.read_end[EXEC]);
    if (failed) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
        close_all(&pipes);
        return assay_error_sys(err, failed == ENOENT ? ASSAY_UNAVAILABLE : ASSAY_IO, ASSAY_HERE, failed,
                               "cannot run '%s'", argv[0]);
    }
    *out = (struct assay_process){pid, pipes.write_end[STDIN], pipes.read_end[STDOUT], pipes.read_end[STDERR]};
    pipes.write_end[STDIN] = pipes.read_end[STDOUT] = pipes.read_end[STDERR] = -1;
    close_all(&pipes);
    return ASSAY_OK;
}
