#include <criterion/criterion.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/file.h"

#include "assay/banned.h"

static struct assay_error err;
static char               folder[64];

/* ---- the system calls that a file's life depends on, failing on demand --------------------------------------- */

static int fault_at, fault_errno, calls; /* the fault_at-th call from now fails; 0 = none */
static int short_writes;

static bool faulty(void)
{
    calls++;
    if (fault_at == 0 || --fault_at > 0)
        return false;
    errno = fault_errno;
    return true;
}

ssize_t write(int fd, const void *data, size_t length)
{
    if (faulty())
        return -1;
    return syscall(SYS_write, fd, data, short_writes && length > 3 ? (size_t)3 : length);
}

int fsync(int fd)
{
    return faulty() ? -1 : (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
    return faulty() ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static bool truncate_fails;

int ftruncate(int fd, off_t bytes)
{
    errno = EIO;
    return truncate_fails ? -1 : (int)syscall(SYS_ftruncate, fd, bytes);
}

/* ---- a folder of its own for every test ----------------------------------------------------------------------- */

static void set_up(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/assay-file-XXXXXX");
    cr_assert(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
}

static void tear_down(void)
{
    char command[96];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_expect(chdir("/") == 0 && system(command) == 0);
}

TestSuite(file, .init = set_up, .fini = tear_down, .timeout = 30);

static bool holds(const char *path, const char *wanted)
{
    char  *text = NULL;
    size_t length = 0;
    if (assay_file_read(path, 1 << 20, &text, &length, &err))
        return false;
    bool same = length == strlen(wanted) && !memcmp(text, wanted, length) && text[length] == 0;
    free(text);
    return same;
}

static int entries(const char *path)
{
    int  n = 0;
    DIR *dir = opendir(path);
    while (dir && readdir(dir))
        n++;
    if (dir)
        (void)closedir(dir);
    return n - 2;
}

static int open_descriptors(void)
{
    return entries("/proc/self/fd");
}

Test(file, reads_exactly_what_is_there_and_no_more_than_the_limit)
{
    char  *text = NULL, big[10000];
    size_t length = 0;
    memset(big, 'x', sizeof big);
    cr_assert_eq(assay_file_replace("a", big, sizeof big, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_file_read("a", sizeof big, &text, &length, &err), ASSAY_OK, "%s", err.message);
    cr_expect(length == sizeof big && text[length] == 0 && !memcmp(text, big, length));
    free(text);
    text = NULL;
    cr_expect_eq(assay_file_read("a", sizeof big - 1, &text, &length, &err), ASSAY_DATA);
    cr_expect_str_eq(err.message, "'a' has more than 9999 bytes");
    cr_expect_eq(assay_file_read("/dev/zero", 100000, &text, &length, &err), ASSAY_DATA, "no size is known before");
    cr_expect_eq(assay_file_read("/proc/self/stat", SIZE_MAX, &text, &length, &err), ASSAY_OK);
    cr_expect_gt(length, 10);
    free(text);
    text = NULL;
    cr_expect_eq(assay_file_read("/dev/null", 0, &text, &length, &err), ASSAY_OK);
    cr_expect(length == 0 && text[0] == 0);
    free(text);
    text = NULL;
    cr_expect_eq(assay_file_read("none", 10, &text, &length, &err), ASSAY_IO);
    cr_expect_str_eq(err.message, "cannot open 'none': No such file or directory");
    cr_expect_eq(err.sys_errno, ENOENT);
    cr_expect_eq(assay_file_read(".", 10, &text, &length, &err), ASSAY_IO);
    cr_expect(text == NULL);
}

Test(file, replaces_the_whole_file_and_keeps_its_permissions_and_links)
{
    struct stat st;
    int         descriptors = open_descriptors();
    cr_assert_eq(assay_file_replace("a", "old", 3, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(chmod("a", 0640), 0);
    cr_assert_eq(symlink("a", "link"), 0);
    cr_expect_eq(assay_file_replace("link", "newer", 5, &err), ASSAY_OK, "%s", err.message);
    cr_expect(lstat("link", &st) == 0 && S_ISLNK(st.st_mode), "a link stays a link");
    cr_expect(stat("a", &st) == 0 && (st.st_mode & 0777) == 0640);
    cr_expect(holds("a", "newer"));
    cr_expect_eq(assay_file_replace("a", "", 0, &err), ASSAY_OK);
    cr_expect(holds("a", ""));
    cr_expect_eq(entries("."), 2);
    cr_expect_eq(open_descriptors(), descriptors);
    cr_expect_eq(assay_file_replace("/dev/full", "x", 1, &err), ASSAY_CONFIG);
    cr_expect_str_eq(err.message, "'/dev/full' is a device or a pipe, not a file");
    cr_expect(stat("/dev/full", &st) == 0 && S_ISCHR(st.st_mode), "a device is never replaced");
    cr_expect_eq(assay_file_replace(".", "x", 1, &err), ASSAY_CONFIG);
    cr_expect_eq(assay_file_replace("none/a", "x", 1, &err), ASSAY_IO);
    cr_expect_eq(assay_file_replace("a/b", "x", 1, &err), ASSAY_IO);
    cr_expect_eq(assay_file_replace("/proc/assay", "x", 1, &err), ASSAY_IO, "nobody may write there, root included");
}

Test(file, replace_fails_at_any_call_with_the_old_content_kept)
{
    int descriptors = open_descriptors(), n = 1;
    cr_assert_eq(assay_file_replace("a", "old", 3, &err), ASSAY_OK);
    short_writes = 1;
    for (;; n++) {
        fault_at = n;
        fault_errno = ENOSPC;
        enum assay_code code = assay_file_replace("a", "new content", 11, &err);
        bool            faulted = fault_at == 0;
        fault_at = 0;
        if (!faulted) {
            cr_expect_eq(code, ASSAY_OK);
            break;
        }
        cr_expect_eq(code, ASSAY_IO, "call %d", n);
        cr_expect_eq(err.sys_errno, ENOSPC);
        cr_expect(strstr(err.message, "'a'"), "%s", err.message);
        cr_expect(holds("a", "old") || strstr(err.message, "was replaced"), "call %d: %s", n, err.message);
        cr_expect_eq(entries("."), 1, "call %d left something behind", n);
        cr_expect_eq(open_descriptors(), descriptors);
        cr_expect_eq(assay_file_replace("a", "old", 3, &err), ASSAY_OK);
    }
    cr_expect_eq(n, 8, "four short writes, the file's sync, the rename, the folder's sync all failed once");
    for (n = 1; n <= 4; n++) { /* interrupted writes and syncs go on */
        fault_at = n;
        fault_errno = EINTR;
        cr_expect_eq(assay_file_replace("a", "xyz", 3, &err), n == 3 ? ASSAY_IO : ASSAY_OK, "call %d", n);
    }
    cr_expect(holds("a", "xyz"));
}

Test(file, append_fails_at_any_call_with_the_file_cut_back)
{
    int fd = open("log", O_RDWR | O_CREAT | O_CLOEXEC, 0600), n = 1;
    cr_assert_geq(fd, 0);
    cr_assert_eq(assay_file_append(fd, "one\n", 4, "log", &err), ASSAY_OK, "%s", err.message);
    short_writes = 1;
    for (;; n++) {
        fault_at = n;
        fault_errno = EIO;
        enum assay_code code = assay_file_append(fd, "two two\n", 8, "log", &err);
        if (fault_at) {
            fault_at = 0;
            cr_expect_eq(code, ASSAY_OK);
            break;
        }
        cr_expect_eq(code, ASSAY_IO);
        cr_expect_str_eq(err.message, "cannot append 8 bytes to 'log': Input/output error");
        cr_expect(holds("log", "one\n"), "call %d", n);
    }
    cr_expect_eq(n, 5, "three short writes and the sync failed once each");
    cr_expect(holds("log", "one\ntwo two\n"));
    cr_expect_eq(lseek(fd, 0, SEEK_SET), 0);
    cr_expect_eq(assay_file_append(fd, "three\n", 6, "log", &err), ASSAY_OK);
    cr_expect(holds("log", "one\ntwo two\nthree\n"), "appends wherever the descriptor stood");
    truncate_fails = true;
    fault_at = 2;
    cr_expect_eq(assay_file_append(fd, "four\n", 5, "log", &err), ASSAY_IO);
    cr_expect(strstr(err.hint, "could not be cut back"), "%s", err.hint);
    truncate_fails = false;
    (void)close(fd);
}

Test(file, says_that_a_device_is_full_or_a_limit_reached_and_lives_on)
{
    struct rlimit            limit = {8192, RLIM_INFINITY};
    struct assay_mapped_file map = {NULL, 7};
    static char              big[20000];
    sigset_t                 pending, mask;
    int                      full = open("/dev/full", O_WRONLY | O_CLOEXEC), log;
    cr_expect_eq(assay_file_append(full, "x", 1, "/dev/full", &err), ASSAY_IO);
    cr_expect_eq(err.sys_errno, ENOSPC);
    (void)close(full);
    cr_assert_eq(assay_file_replace("a", "old", 3, &err), ASSAY_OK);
    cr_assert_eq(assay_file_replace("log", "line\n", 5, &err), ASSAY_OK);
    log = open("log", O_RDWR | O_APPEND | O_CLOEXEC);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_expect_eq(assay_file_replace("a", big, sizeof big, &err), ASSAY_IO);
    cr_expect_eq(err.sys_errno, EFBIG);
    cr_expect_eq(assay_file_append(log, big, sizeof big, "log", &err), ASSAY_IO);
    cr_expect_eq(err.sys_errno, EFBIG);
    cr_expect_eq(assay_mapped_file_new("a", sizeof big, &map, &err), ASSAY_IO);
    cr_expect(map.bytes == 7 && err.sys_errno == EFBIG, "%s", err.message);
    cr_expect(holds("a", "old") && holds("log", "line\n"));
    cr_expect_eq(entries("."), 2);
    cr_expect(sigpending(&pending) == 0 && sigismember(&pending, SIGXFSZ) == 0, "no signal waits to kill us");
    cr_expect(pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0 && sigismember(&mask, SIGXFSZ) == 0);
    (void)close(log);
}

/* A file system of its own, which may be filled and made read-only whoever we are. */
static bool mount_small(void)
{
    return mkdir("small", 0700) == 0 && (unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) &&
           mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("assay", "small", "tmpfs", 0, "size=64k") == 0 && chdir("small") == 0;
}

Test(file, leaves_what_was_there_when_the_disk_is_full_or_read_only)
{
    static char              big[100000];
    struct assay_mapped_file map;
    int                      log;
    if (!mount_small())
        cr_skip_test("this machine does not let us mount a tmpfs: %s", strerror(errno));
    cr_assert_eq(assay_file_replace("a", "old", 3, &err), ASSAY_OK, "%s", err.message);
    log = open("log", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_eq(assay_file_append(log, "line\n", 5, "log", &err), ASSAY_OK);
    cr_expect_eq(assay_file_append(log, big, sizeof big, "log", &err), ASSAY_IO);
    cr_expect_eq(err.sys_errno, ENOSPC);
    cr_expect_eq(assay_file_replace("a", big, sizeof big, &err), ASSAY_IO);
    cr_expect_str_eq(err.message, "cannot write 100000 bytes to 'a': No space left on device");
    cr_expect_eq(assay_mapped_file_new("a", sizeof big, &map, &err), ASSAY_IO);
    cr_expect_str_eq(err.message, "cannot allocate 100000 bytes for 'a': No space left on device");
    cr_expect(holds("a", "old") && holds("log", "line\n"));
    cr_expect_eq(entries("."), 2);
    (void)close(log);
    cr_assert_eq(mount("assay", ".", NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    cr_expect_eq(assay_file_replace("a", "new", 3, &err), ASSAY_IO);
    cr_expect_eq(err.sys_errno, EROFS);
    cr_expect_eq(assay_mapped_file_new("a", 10, &map, &err), ASSAY_IO);
    cr_expect_eq(assay_folder_make("x/y", &err), ASSAY_IO);
    cr_expect_str_eq(err.message, "cannot make folder 'x': Read-only file system");
    cr_expect_eq(assay_file_lock("lock", &log, &err), ASSAY_IO);
    cr_expect(holds("a", "old"));
    cr_expect_eq(chdir(".."), 0);
    (void)umount2("small", MNT_DETACH);
}

Test(file, makes_folders_and_joins_paths)
{
    char text[8] = "#";
    cr_expect_eq(assay_folder_make("a//b/c/", &err), ASSAY_OK, "%s", err.message);
    cr_expect(assay_file_exists("a/b/c") && !assay_file_exists("a/c"));
    cr_expect_eq(assay_folder_make("a/b/c", &err), ASSAY_OK, "what is there is fine");
    cr_expect_eq(assay_folder_make("/", &err), ASSAY_OK);
    cr_expect_eq(assay_folder_make("", &err), ASSAY_CONFIG);
    cr_assert_eq(assay_file_replace("a/file", "x", 1, &err), ASSAY_OK);
    cr_expect_eq(assay_folder_make("a/file/d", &err), ASSAY_IO);
    cr_expect_str_eq(err.message, "cannot make folder 'a/file': Not a directory");
    cr_expect_eq(assay_folder_make("/proc/self/assay", &err), ASSAY_IO);
    cr_expect_eq(assay_path_join(text, sizeof text, "abc", "def", &err), ASSAY_OK);
    cr_expect_str_eq(text, "abc/def");
    cr_expect_eq(assay_path_join(text, sizeof text, "abc", "defg", &err), ASSAY_CONFIG);
    cr_expect_str_eq(text, "abc/def", "an output is written on success only");
    cr_expect_eq(assay_path_join(text, sizeof text, "a/", "b", &err), ASSAY_OK);
    cr_expect_str_eq(text, "a/b");
    cr_expect_eq(assay_path_join(text, sizeof text, "", "b", &err), ASSAY_OK);
    cr_expect_str_eq(text, "b");
}

Test(file, locks_out_a_second_taker_and_names_the_first)
{
    int   a = -1, b = -1, ready[2], status;
    char  wanted[96];
    pid_t child;
    cr_assert_eq(assay_file_lock("lock", &a, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(assay_file_lock("lock", &b, &err), ASSAY_CONFIG);
    (void)snprintf(wanted, sizeof wanted, "'lock' is in use by process %ld", (long)getpid());
    cr_expect_str_eq(err.message, wanted);
    cr_expect_eq(b, -1);
    cr_expect(fcntl(a, F_GETFD) & FD_CLOEXEC);
    (void)close(a);
    cr_assert_eq(pipe(ready), 0);
    child = fork();
    if (child == 0) { /* holds it until it is killed */
        char c = assay_file_lock("lock", &a, &err) ? 'n' : 'y';
        if (syscall(SYS_write, ready[1], &c, 1) == 1)
            (void)pause();
        _exit(1);
    }
    char c = 0;
    cr_assert(read(ready[0], &c, 1) == 1 && c == 'y');
    cr_expect_eq(assay_file_lock("lock", &b, &err), ASSAY_CONFIG);
    (void)snprintf(wanted, sizeof wanted, "'lock' is in use by process %ld", (long)child);
    cr_expect_str_eq(err.message, wanted);
    cr_expect(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
    cr_expect_eq(assay_file_lock("lock", &b, &err), ASSAY_OK, "a lock ends with its holder");
    (void)close(b);
    cr_expect_eq(assay_file_lock("none/lock", &b, &err), ASSAY_IO);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

Test(file, what_was_stored_in_a_mapped_file_survives_the_process)
{
    struct assay_mapped_file map;
    struct stat              st;
    int                      status;
    pid_t                    child = fork();
    if (child == 0) {
        if (assay_mapped_file_new("m", 100000, &map, &err))
            _exit(1);
        memset(map.at, 'z', map.bytes);
        (void)raise(SIGKILL);
    }
    cr_assert(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    cr_assert_eq(assay_mapped_file_read("m", &map, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(map.bytes, 100000);
    cr_expect(((char *)map.at)[0] == 'z' && ((char *)map.at)[99999] == 'z');
    assay_mapped_file_release(&map);
    cr_expect(map.at == NULL && map.bytes == 0);
    cr_assert_eq(assay_mapped_file_new("m", 10000, &map, &err), ASSAY_OK);
    cr_expect(stat("m", &st) == 0 && st.st_size == 10000 && st.st_blocks * 512 >= 10000, "blocks are there at once");
    cr_expect(((char *)map.at)[0] == 0 && ((char *)map.at)[9999] == 0, "an old file's bytes are not seen");
    memcpy(map.at, "abc", 3);
    cr_expect_eq(assay_mapped_file_close(&map, "m", 3, &err), ASSAY_OK, "%s", err.message);
    cr_expect(holds("m", "abc") && map.at == NULL);
}

Test(file, maps_nothing_for_nothing_and_refuses_what_is_no_file)
{
    struct assay_mapped_file map = {NULL, 7};
    int                      descriptors = open_descriptors();
    cr_expect_eq(assay_mapped_file_new("e", 0, &map, &err), ASSAY_OK, "%s", err.message);
    cr_expect(map.at == NULL && map.bytes == 0);
    cr_expect_eq(assay_mapped_file_close(&map, "e", 1, &err), ASSAY_INTERNAL);
    cr_expect_eq(assay_mapped_file_close(&map, "e", 0, &err), ASSAY_OK);
    cr_expect_eq(assay_mapped_file_read("e", &map, &err), ASSAY_OK);
    cr_expect(map.at == NULL && map.bytes == 0);
    assay_mapped_file_release(&map);
    cr_expect_eq(assay_mapped_file_read("none", &map, &err), ASSAY_IO);
    cr_expect_eq(assay_mapped_file_read(".", &map, &err), ASSAY_DATA);
    cr_assert_eq(mkfifo("pipe", 0600), 0);
    cr_expect_eq(assay_mapped_file_read("pipe", &map, &err), ASSAY_DATA, "and does not wait for a writer");
    cr_expect_eq(assay_mapped_file_new("m", SIZE_MAX, &map, &err), ASSAY_IO);
    cr_expect_eq(assay_mapped_file_new("m", (size_t)1 << 60, &map, &err), ASSAY_IO, "said at once");
    cr_expect(!assay_file_exists("m"));
    cr_expect_eq(open_descriptors(), descriptors);
}

Test(file, a_memory_stream_gives_all_of_its_text_or_none)
{
    char  *text = NULL;
    size_t bytes = 0;
    FILE  *stream = open_memstream(&text, &bytes);
    cr_assert_not_null(stream);
    fputs("whole", stream);
    char *whole = assay_memory_stream_end(stream, &text);
    cr_expect_str_eq(whole, "whole");
    free(whole);
    text = strdup("a part");
    stream = fopen("/dev/full", "w"); /* stands for memory that is used up */
    cr_assert_not_null(stream);
    fputs("more", stream);
    cr_expect_null(assay_memory_stream_end(stream, &text));
    cr_expect_null(text);
}
