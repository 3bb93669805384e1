#include "harness/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/file_temporary.h"
#include "harness/base/signal_hold.h"

#include "assay/banned.h"

/* ---- reading ---------------------------------------------------------------------------------------------- */

static enum assay_code too_large(const char *path, size_t limit_bytes, struct assay_error *err)
{
    return ASSAY_FAIL(err, ASSAY_DATA, "'%s' has more than %zu bytes", path, limit_bytes);
}

/* Grows only as far as there is something to read, so that a limit costs nothing. */
static enum assay_code read_all(int fd, const char *path, size_t expected, size_t limit, char **out, size_t *length,
                                struct assay_error *err)
{
    size_t capacity = expected < limit ? expected + 2 : limit + 2, used = 0;
    char  *bytes = malloc(capacity);
    for (;;) {
        if (bytes && used + 1 == capacity) {
            size_t wanted = capacity > limit / 2 ? limit + 2 : capacity * 2;
            char  *more = realloc(bytes, wanted);
            if (!more)
                free(bytes);
            bytes = more;
            capacity = wanted;
        }
        if (!bytes)
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %zu bytes of '%s'", capacity, path);
        ssize_t got = read(fd, bytes + used, capacity - 1 - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            (void)ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot read '%s'", path);
        else if ((used += (size_t)got) > limit)
            (void)too_large(path, limit, err);
        else if (got > 0)
            continue;
        else
            break;
        free(bytes);
        return err->code;
    }
    bytes[used] = 0;
    *out = bytes;
    *length = used;
    return ASSAY_OK;
}

enum assay_code assay_file_read(const char *path, size_t limit_bytes, char **out, size_t *length,
                                struct assay_error *err)
{
    struct stat     st;
    size_t          limit = limit_bytes < SIZE_MAX / 4 ? limit_bytes : SIZE_MAX / 4;
    enum assay_code code;
    int             fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot open '%s'", path);
    if (fstat(fd, &st))
        code = ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot look at '%s'", path);
    else if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > limit)
        code = too_large(path, limit_bytes, err);
    else
        code = read_all(fd, path, S_ISREG(st.st_mode) ? (size_t)st.st_size : 4096, limit, out, length, err);
    (void)close(fd);
    return code;
}

bool assay_file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

/* ---- writing ---------------------------------------------------------------------------------------------- */

/* All of it or an errno. The caller holds SIGXFSZ. */
static int write_all(int fd, const void *data, size_t length)
{
    const char *at = data;
    while (length > 0) {
        ssize_t done = write(fd, at, length);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done ? errno : EIO;
        at += done;
        length -= (size_t)done;
    }
    return 0;
}

enum assay_code assay_file_replace(const char *path, const void *data, size_t length, struct assay_error *err)
{
    struct assay_file_temporary temporary;
    struct assay_signal_hold    hold;
    int                         failed;
    if (assay_file_temporary_open(path, &temporary, err))
        return err->code;
    assay_signal_hold_begin(&hold, SIGXFSZ);
    failed = write_all(temporary.fd, data, length);
    assay_signal_hold_end(&hold);
    if (failed) {
        assay_file_temporary_drop(&temporary);
        return assay_error_sys(err, ASSAY_IO, ASSAY_HERE, failed, "cannot write %zu bytes to '%s'", length, path);
    }
    return assay_file_temporary_commit(&temporary, err);
}

/* Syncing what is no file (a pipe, a terminal) is refused by the system and needs nobody. */
static int sync_descriptor(int fd)
{
    while (fsync(fd))
        if (errno != EINTR)
            return errno == EINVAL || errno == EROFS ? 0 : errno;
    return 0;
}

enum assay_code assay_file_append(int fd, const void *data, size_t length, const char *path, struct assay_error *err)
{
    struct assay_signal_hold hold;
    off_t                    start = lseek(fd, 0, SEEK_END); /* -1: a pipe, which cannot be cut back */
    int                      failed;
    bool                     torn = false;
    assay_signal_hold_begin(&hold, SIGXFSZ);
    failed = write_all(fd, data, length);
    if (!failed)
        failed = sync_descriptor(fd);
    if (failed && start >= 0)
        torn = ftruncate(fd, start) || lseek(fd, start, SEEK_SET) != start;
    assay_signal_hold_end(&hold);
    if (!failed)
        return ASSAY_OK;
    (void)assay_error_sys(err, ASSAY_IO, ASSAY_HERE, failed, "cannot append %zu bytes to '%s'", length, path);
    return torn ? assay_error_hint(err, "it could not be cut back either; it may end in a part of them") : err->code;
}

char *assay_memory_stream_end(FILE *stream, char **text)
{
    bool whole = !ferror(stream);
    if (fclose(stream) == 0 && whole)
        return *text;
    free(*text);
    *text = NULL;
    return NULL;
}

/* ---- folders and paths ------------------------------------------------------------------------------------ */

enum assay_code assay_folder_make(const char *path, struct assay_error *err)
{
    size_t      length = strlen(path);
    char       *part = strdup(path), before;
    struct stat st;
    if (!part)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a path of %zu bytes", length);
    for (size_t i = 1; i <= length; i++) {
        before = part[i];
        if ((before && before != '/') || part[i - 1] == '/')
            continue;
        part[i] = 0;
        if (mkdir(part, 0777) && (errno != EEXIST || stat(part, &st) || !S_ISDIR(st.st_mode))) {
            if (errno == EEXIST)
                errno = ENOTDIR;
            (void)ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot make folder '%s'", part);
            free(part);
            return err->code;
        }
        part[i] = before;
    }
    free(part);
    return length ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_CONFIG, "a folder needs a name");
}

enum assay_code assay_path_join(char *out, size_t capacity, const char *folder, const char *name,
                                struct assay_error *err)
{
    size_t      a = strlen(folder), b = strlen(name);
    const char *slash = a && folder[a - 1] != '/' ? "/" : "";
    if (a + b + strlen(slash) >= capacity)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "a path of %zu bytes does not fit %zu: '%.60s' and '%.60s'",
                          a + b + strlen(slash), capacity, folder, name);
    (void)snprintf(out, capacity, "%s%s%s", folder, slash, name);
    return ASSAY_OK;
}

/* ---- locks ------------------------------------------------------------------------------------------------ */

static enum assay_code refuse_locked(int fd, const char *path, struct assay_error *err)
{
    char    text[24];
    ssize_t got = pread(fd, text, sizeof text - 1, 0);
    text[got > 0 ? got : 0] = 0;
    text[strspn(text, "0123456789")] = 0;
    if (*text)
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "'%s' is in use by process %s", path, text);
    else
        (void)ASSAY_FAIL(err, ASSAY_CONFIG, "'%s' is in use by another process", path);
    return assay_error_hint(err, "wait until it has ended, or take another folder");
}

/* The lock belongs to the open file, so it goes with the last descriptor, however the process ends; who holds it is
 * written into the file only for people to read. */
enum assay_code assay_file_lock(const char *path, int *fd, struct assay_error *err)
{
    char                     text[24];
    struct assay_signal_hold hold;
    enum assay_code          code = ASSAY_OK;
    int                      length = snprintf(text, sizeof text, "%ld\n", (long)getpid()), failed;
    int                      lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock < 0)
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot open '%s'", path);
    while ((failed = flock(lock, LOCK_EX | LOCK_NB)) && errno == EINTR)
        ;
    if (failed)
        code = errno == EWOULDBLOCK ? refuse_locked(lock, path, err)
                                    : ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot lock '%s'", path);
    if (!code) {
        assay_signal_hold_begin(&hold, SIGXFSZ);
        failed = ftruncate(lock, 0) ? errno : write_all(lock, text, (size_t)length);
        assay_signal_hold_end(&hold);
        if (failed)
            code = assay_error_sys(err, ASSAY_IO, ASSAY_HERE, failed, "cannot write to '%s'", path);
    }
    if (code)
        (void)close(lock);
    else
        *fd = lock;
    return code;
}
