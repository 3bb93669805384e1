#include "harness/base/file_temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/banned.h"

/* Where the file really is: a link stays a link, and what it points to is replaced. */
static enum assay_code resolve(const char *path, char **out, mode_t *mode, bool *exists, struct assay_error *err)
{
    struct stat st;
    *exists = lstat(path, &st) == 0;
    if (!*exists && errno != ENOENT)
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot write '%s'", path);
    if (*exists && S_ISLNK(st.st_mode)) {
        *out = realpath(path, NULL);
        if (!*out || stat(*out, &st)) {
            (void)ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot follow the link '%s'", path);
            free(*out);
            return err->code;
        }
    } else if (!(*out = strdup(path))) {
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the path '%s'", path);
    }
    if (*exists && !S_ISREG(st.st_mode)) {
        free(*out);
        return ASSAY_FAIL(err, ASSAY_CONFIG, "'%s' is %s, not a file", path,
                          S_ISDIR(st.st_mode) ? "a folder" : "a device or a pipe");
    }
    *mode = *exists ? st.st_mode & 07777 : 0;
    return ASSAY_OK;
}

enum assay_code assay_file_temporary_open(const char *path, struct assay_file_temporary *out, struct assay_error *err)
{
    static _Atomic unsigned      counter;
    char                        *real = NULL, *name = NULL;
    int                          fd = -1;
    mode_t                       mode = 0;
    bool                         exists = false;
    if (resolve(path, &real, &mode, &exists, err))
        return err->code;
    for (int tries = 0; fd < 0 && tries < 100; tries++) {
        free(name);
        if (asprintf(&name, "%s.%ld-%u.tmp", real, (long)getpid(), atomic_fetch_add(&counter, 1)) < 0) {
            free(real);
            return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a name beside '%s'", path);
        }
        fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST && errno != EINTR)
            break;
    }
    if (fd < 0) {
        (void)ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot create a file beside '%s'", path);
        free(name);
        free(real);
        return err->code;
    }
    if (exists)
        (void)fchmod(fd, mode); /* some file systems have no permissions; then there is nothing to keep */
    *out = (struct assay_file_temporary){.fd = fd, .name = name, .path = real};
    return ASSAY_OK;
}

static void release(struct assay_file_temporary *file)
{
    if (file->fd >= 0)
        (void)close(file->fd);
    free(file->name);
    free(file->path);
    *file = (struct assay_file_temporary){.fd = -1};
}

void assay_file_temporary_drop(struct assay_file_temporary *file)
{
    int saved = errno;
    (void)unlink(file->name);
    release(file);
    errno = saved;
}

/* The rename itself is only durable when the folder is. */
static int sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char       *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int         fd, failed = 0;
    if (!folder)
        return ENOMEM;
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    if (fd < 0)
        return errno == EACCES ? 0 : errno; /* a folder that can be written but not read cannot be synced */
    while (fsync(fd) && (failed = errno) == EINTR)
        failed = 0;
    (void)close(fd);
    return failed == EINVAL || failed == EROFS ? 0 : failed;
}

enum assay_code assay_file_temporary_commit(struct assay_file_temporary *file, struct assay_error *err)
{
    int failed = 0;
    while (fsync(file->fd) && (failed = errno) == EINTR)
        failed = 0;
    if (!failed && close(file->fd))
        failed = errno == EINTR ? 0 : errno;
    else if (failed)
        (void)close(file->fd);
    file->fd = -1;
    if (!failed && rename(file->name, file->path))
        failed = errno;
    if (failed) {
        (void)assay_error_sys(err, ASSAY_IO, ASSAY_HERE, failed, "cannot replace '%s'", file->path);
        assay_file_temporary_drop(file);
        return err->code;
    }
    failed = sync_folder_of(file->path);
    if (failed)
        (void)assay_error_sys(err, ASSAY_IO, ASSAY_HERE, failed, "'%s' was replaced, but its folder cannot be synced",
                              file->path);
    release(file);
    return failed ? err->code : ASSAY_OK;
}
