#include <criterion/criterion.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/process.h"

#include "assay/banned.h"

#define MS 1000000ull
#define FOREVER UINT64_MAX

static struct assay_error       err;
static struct assay_process_end end;

TestSuite(process, .timeout = 60);

static enum assay_code shell(char *script, struct assay_process *out)
{
    char *argv[] = {"/bin/sh", "-c", script, NULL};
    return assay_process_start(argv, out, &err);
}

static int open_descriptors(void)
{
    int  n = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir && readdir(dir))
        n++;
    (void)closedir(dir);
    return n;
}

/* What comes until the end of the stream, as a text. */
static void read_all(int fd, char *text, size_t capacity)
{
    size_t  used = 0;
    ssize_t got;
    while (used + 1 < capacity &&
           ((got = read(fd, text + used, capacity - 1 - used)) > 0 || (got < 0 && errno == EINTR)))
        used += got > 0 ? (size_t)got : 0;
    text[used] = 0;
}

static bool no_children(void)
{
    return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
}

/* Gone, or a zombie that its new parent has not looked at yet. */
static bool dead(pid_t pid)
{
    char path[64], text[256] = "";
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return true;
    read_all(fd, text, sizeof text);
    (void)close(fd);
    char *state = strrchr(text, ')');
    return !state || state[2] == 'Z' || state[2] == 'X';
}

static bool dies_soon(pid_t pid)
{
    for (int i = 0; i < 2000 && !dead(pid); i++)
        (void)usleep(5000);
    return dead(pid);
}

Test(process, carries_three_streams_and_the_exit_status)
{
    struct assay_process p;
    char                 text[64];
    int                  descriptors = open_descriptors();
    cr_assert_eq(shell("read x; echo got $x; echo oops >&2; exit 3", &p), ASSAY_OK, "%s", err.message);
    cr_expect(getpgid(p.pid) == p.pid, "a group of its own");
    cr_expect(!assay_process_wait(&p, 0, &end), "it waits for its input");
    cr_expect_eq(write(p.to, "abc\n", 4), 4);
    read_all(p.from, text, sizeof text);
    cr_expect_str_eq(text, "got abc\n");
    read_all(p.errors, text, sizeof text);
    cr_expect_str_eq(text, "oops\n");
    cr_assert(assay_process_wait(&p, FOREVER, &end));
    cr_expect(end.exited && end.status == 3);
    cr_expect_str_eq(end.text, "exit 3");
    cr_expect(p.pid == 0 && p.to == -1 && p.from == -1 && p.errors == -1);
    cr_expect(assay_process_wait(&p, 0, &end), "nothing is left to wait for");
    assay_process_kill(&p, &end);
    cr_expect(no_children());
    cr_expect_eq(open_descriptors(), descriptors);
}

Test(process, says_by_which_signal_it_ended)
{
    struct assay_process p;
    char                 name[32];
    cr_assert_eq(shell("ulimit -c 0; kill -SEGV $$", &p), ASSAY_OK);
    cr_assert(assay_process_wait(&p, FOREVER, &end));
    cr_expect(!end.exited && end.status == SIGSEGV);
    cr_expect_str_eq(end.text, "killed by SIGSEGV (Segmentation fault)");
    cr_assert_eq(shell("kill -40 $$", &p), ASSAY_OK);
    cr_assert(assay_process_wait(&p, FOREVER, &end));
    cr_expect_str_eq(end.text, "killed by signal 40");
    assay_signal_name(SIGSEGV, name);
    cr_expect_str_eq(name, "SIGSEGV");
    assay_signal_name(99, name);
    cr_expect_str_eq(name, "signal 99");
    assay_signal_name(-1, name);
    cr_expect_str_eq(name, "signal -1");
}

/* At each of the pipes in turn; nothing of what was opened before stays open. */
static void descriptors_run_out(int descriptors)
{
    struct assay_process p;
    struct rlimit        limit;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    for (rlim_t most = 3; most < 32; most++) {
        cr_assert_eq(setrlimit(RLIMIT_NOFILE, &(struct rlimit){most, limit.rlim_max}), 0);
        enum assay_code code = shell("exit 0", &p);
        cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        if (code == ASSAY_OK)
            cr_expect(assay_process_wait(&p, FOREVER, &end) && end.exited && end.status == 0);
        else
            cr_expect_eq(err.sys_errno, EMFILE, "%s", err.message);
        cr_expect_eq(open_descriptors(), descriptors, "at most %d descriptors", (int)most);
    }
}

Test(process, says_what_cannot_be_started_and_leaves_nothing)
{
    struct assay_process p = {77, 77, 77, 77};
    char                *none[] = {"/none/such", NULL}, *folder[] = {"/tmp", NULL};
    int                  descriptors = open_descriptors();
    cr_expect_eq(assay_process_start(none, &p, &err), ASSAY_UNAVAILABLE);
    cr_expect_str_eq(err.message, "cannot run '/none/such': No such file or directory");
    cr_expect_eq(assay_process_start(folder, &p, &err), ASSAY_IO);
    cr_expect_str_eq(err.message, "cannot run '/tmp': Permission denied");
    descriptors_run_out(descriptors);
    cr_expect(no_children());
}

Test(process, leaves_nothing_when_a_pipe_takes_the_place_of_a_standard_stream)
{
    cr_assert_eq(close(STDIN_FILENO), 0);
    descriptors_run_out(open_descriptors());
    cr_expect(no_children());
}

static void inherits_nothing(void)
{
    struct assay_process p;
    char                 text[400];
    int                  leak = open("/dev/null", O_RDONLY); /* no CLOEXEC on purpose */
    int                  high = fcntl(leak, F_DUPFD, 300);
    cr_assert(leak >= 0 && high >= 300);
    cr_assert(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    cr_assert_eq(shell("for f in /proc/$$/fd/*; do echo -n ${f##*/}\\ ; done; "
                       "exec grep -E 'Sig(Blk|Ign)' /proc/self/status", &p), ASSAY_OK, "%s", err.message);
    read_all(p.from, text, sizeof text);
    cr_assert(assay_process_wait(&p, FOREVER, &end));
    cr_expect(strncmp(text, "0 1 2 ", 6) == 0 && !strstr(text, "300"), "%s", text);
    /* Signals 32 and 33 are the C library's own: nobody can reset them, and the caller of these tests may ignore them. */
    const char   *ignored = strstr(text, "SigIgn:\t");
    unsigned long mask = ignored ? strtoul(ignored + 8, NULL, 16) & ~0x180000000ul : 1;
    cr_expect(strstr(text, "SigBlk:\t0000000000000000") && mask == 0, "%s", text);
    (void)close(leak);
    (void)close(high);
}

Test(process, gives_the_child_three_descriptors_and_default_signals)
{
    inherits_nothing();
}

/* A kernel from before close_range and pidfd_open: both say ENOSYS from now on. */
static bool forget_new_calls(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

Test(process, does_the_same_on_a_kernel_without_the_newest_calls)
{
    struct assay_process p;
    if (!forget_new_calls())
        cr_skip_test("no seccomp filters here: %s", strerror(errno));
    cr_assert(syscall(SYS_pidfd_open, getpid(), 0) < 0 && errno == ENOSYS);
    inherits_nothing();
    cr_assert_eq(shell("sleep 0.1; exit 4", &p), ASSAY_OK);
    cr_expect(!assay_process_wait(&p, 5 * MS, &end));
    cr_assert(assay_process_wait(&p, FOREVER, &end));
    cr_expect(end.exited && end.status == 4);
    cr_assert_eq(shell("sleep 100", &p), ASSAY_OK);
    assay_process_kill(&p, &end);
    cr_expect_eq(end.status, SIGKILL);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int number)
{
    alarms += number == SIGALRM;
}

static void interrupt_every_ms(bool on)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval every = {{0, on ? 1000 : 0}, {0, on ? 1000 : 0}};
    cr_assert(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &every, NULL) == 0);
}

Test(process, is_not_confused_by_signals_of_the_parent)
{
    struct assay_process p;
    char                *argv[] = {"sh", "-c", "sleep 0.2; cat; exit 2", NULL}, out[32];
    int                  status = -1;
    interrupt_every_ms(true);
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(shell("sleep 0.05; exit 7", &p), ASSAY_OK, "%s", err.message);
        cr_expect(!assay_process_wait(&p, 10 * MS, &end));
        cr_assert(assay_process_wait(&p, FOREVER, &end));
        cr_expect(end.exited && end.status == 7, "%s", end.text);
    }
    cr_expect_eq(assay_process_capture(argv, "hello", 30000 * MS, out, sizeof out, &status, &err), ASSAY_OK, "%s",
                 err.message);
    cr_expect_str_eq(out, "hello");
    cr_expect_eq(status, 2);
    interrupt_every_ms(false);
    cr_expect_gt(alarms, 50, "there were interruptions");
}

/* Starts a shell with a grandchild in the background; the grandchild's id comes on its output. */
static pid_t grandchild(struct assay_process *p, char *script)
{
    char text[32];
    cr_assert_eq(shell(script, p), ASSAY_OK);
    ssize_t got = read(p->from, text, sizeof text - 1);
    cr_assert_gt(got, 0);
    text[got] = 0;
    return (pid_t)strtol(text, NULL, 10);
}

Test(process, ends_its_children_with_it)
{
    struct assay_process p;
    pid_t                below = grandchild(&p, "sleep 1000 & echo $!; trap '' TERM INT; wait");
    cr_expect(!dead(below));
    assay_process_kill(&p, &end);
    cr_expect(!end.exited && end.status == SIGKILL && p.pid == 0);
    cr_expect_str_eq(end.text, "killed by SIGKILL (Killed)");
    cr_expect(dies_soon(below), "killed with its parent");
    below = grandchild(&p, "sleep 1000 & echo $!; exit 0");
    cr_assert(assay_process_wait(&p, FOREVER, &end));
    cr_expect(end.exited && end.status == 0);
    cr_expect(dies_soon(below), "ended with its parent");
    cr_expect(no_children());
}

Test(process, dies_with_the_parent)
{
    int   ends[2];
    pid_t below = 0, parent;
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    parent = fork();
    if (parent == 0) {
        struct assay_process p;
        if (shell("sleep 1000", &p) || write(ends[1], &p.pid, sizeof p.pid) != sizeof p.pid)
            _exit(1);
        (void)pause();
    }
    cr_assert_eq(read(ends[0], &below, sizeof below), sizeof below);
    cr_expect(!dead(below));
    cr_expect(kill(parent, SIGKILL) == 0 && waitpid(parent, NULL, 0) == parent);
    cr_expect(dies_soon(below));
    (void)close(ends[0]);
    (void)close(ends[1]);
}

Test(process, starts_and_reaps_many_without_leaking)
{
    int descriptors = open_descriptors();
    for (int i = 0; i < 100; i++) {
        struct assay_process p;
        char                *argv[] = {"/bin/true", NULL};
        cr_assert_eq(assay_process_start(argv, &p, &err), ASSAY_OK, "%s", err.message);
        if (i % 2)
            assay_process_kill(&p, &end);
        else
            cr_expect(assay_process_wait(&p, FOREVER, &end) && end.exited && end.status == 0);
    }
    cr_expect_eq(open_descriptors(), descriptors);
    cr_expect(no_children());
}

Test(process, works_with_the_standard_streams_closed)
{
    pid_t child = fork();
    int   status;
    if (child == 0) {
        struct assay_process p;
        char                 text[32];
        (void)close(0);
        (void)close(1);
        (void)close(2);
        if (shell("read x; echo $x; exit 5", &p) || p.to < 3 || p.from < 3 || p.errors < 3)
            _exit(1);
        if (write(p.to, "ok\n", 3) != 3)
            _exit(2);
        read_all(p.from, text, sizeof text);
        _exit(assay_process_wait(&p, FOREVER, &end) && end.status == 5 && !strcmp(text, "ok\n") ? 0 : 3);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
}

Test(process, captures_output_far_larger_than_a_pipe_both_ways)
{
    size_t bytes = 4 << 20;
    char  *input = malloc(bytes + 1), *out = malloc(bytes + 1), small[10];
    char  *cat[] = {"cat", NULL}, *noisy[] = {"sh", "-c", "head -c 3000000 /dev/zero >&2; cat; exit 1", NULL};
    char  *deaf[] = {"sh", "-c", "exec 0<&-; echo done", NULL};
    int    status = -1, descriptors = open_descriptors();
    for (size_t i = 0; i < bytes; i++)
        input[i] = (char)('a' + i % 23);
    input[bytes] = 0;
    cr_expect_eq(assay_process_capture(cat, input, 50000 * MS, out, bytes + 1, &status, &err), ASSAY_OK, "%s",
                 err.message);
    cr_expect(status == 0 && strcmp(input, out) == 0);
    memset(small, '#', sizeof small);
    cr_expect_eq(assay_process_capture(noisy, input, 50000 * MS, small, 9, &status, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(status, 1);
    cr_expect(!strncmp(small, input, 8) && small[8] == 0 && small[9] == '#', "cut, and ended");
    cr_expect_eq(assay_process_capture(deaf, input, 50000 * MS, small, sizeof small, &status, &err), ASSAY_OK,
                 "who does not read is not killed, and we are not either: %s", err.message);
    cr_expect_str_eq(small, "done\n");
    cr_expect_eq(assay_process_capture(cat, NULL, 50000 * MS, small, sizeof small, &status, &err), ASSAY_OK);
    cr_expect_str_eq(small, "");
    cr_expect_eq(open_descriptors(), descriptors);
    cr_expect(no_children());
    free(input);
    free(out);
}

Test(process, capture_ends_in_time_and_says_why_it_failed)
{
    char *slow[] = {"sh", "-c", "echo warming up >&2; echo part; sleep 1000", NULL}, *none[] = {"assay-none", NULL};
    char *crash[] = {"sh", "-c", "ulimit -c 0; echo first >&2; kill -ABRT $$", NULL};
    char *left[] = {"sh", "-c", "(while :; do echo x; done) & sleep 0.2; exit 6", NULL};
    char *quiet[] = {"sh", "-c", "sleep 1000 & echo y; exit 8", NULL};
    char  out[16];
    int   status = -1, descriptors = open_descriptors();
    cr_expect_eq(assay_process_capture(slow, NULL, 500 * MS, out, sizeof out, &status, &err), ASSAY_TIMEOUT);
    cr_expect_str_eq(err.message, "'sh' took longer than 0.5 s");
    cr_expect_str_eq(err.hint, "it said: warming up");
    cr_expect_eq(assay_process_capture(none, NULL, 500 * MS, out, sizeof out, &status, &err), ASSAY_UNAVAILABLE);
    cr_expect_str_eq(err.message, "cannot run 'assay-none': No such file or directory");
    cr_expect_eq(assay_process_capture(crash, NULL, 30000 * MS, out, sizeof out, &status, &err), ASSAY_IO);
    cr_expect_str_eq(err.message, "'sh' killed by SIGABRT (Aborted)");
    cr_expect_str_eq(err.hint, "it said: first");
    cr_expect_eq(status, -1, "an output is written on success only");
    cr_expect_eq(assay_process_capture(left, NULL, 30000 * MS, out, sizeof out, &status, &err), ASSAY_OK,
                 "a noisy grandchild keeps nobody: %s", err.message);
    cr_expect_eq(status, 6);
    cr_expect_eq(assay_process_capture(quiet, NULL, 30000 * MS, out, sizeof out, &status, &err), ASSAY_OK);
    cr_expect(status == 8 && !strcmp(out, "y\n"), "nor does a silent one");
    cr_expect_eq(open_descriptors(), descriptors);
    cr_expect(no_children());
}

Test(process, knows_its_own_path)
{
    char path[4096], tiny[4] = "#";
    cr_assert_eq(assay_program_path(path, sizeof path, &err), ASSAY_OK, "%s", err.message);
    cr_expect(path[0] == '/' && access(path, X_OK) == 0, "%s", path);
    cr_expect_str_eq(strrchr(path, '/'), "/test_process");
    cr_expect_eq(assay_program_path(tiny, sizeof tiny, &err), ASSAY_CONFIG);
    cr_expect_str_eq(tiny, "#");
}
