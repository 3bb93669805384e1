#include "harness/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/file_temporary.h"
#include "harness/base/signal_hold.h"

#include "assay/banned.h"

/* Blocks are allocated now, so that a full disk is an error here and not a SIGBUS at some later store. */
static int allocate(int fd, size_t bytes)
{
    struct assay_signal_hold hold;
    int                      failed = 0;
    if (bytes > INT64_MAX)
        return EFBIG;
    assay_signal_hold_begin(&hold, SIGXFSZ);
    if (bytes > 0)
        while ((failed = posix_fallocate(fd, 0, (off_t)bytes)) == EINTR)
            ;
    assay_signal_hold_end(&hold);
    return failed;
}

/* One store a page: the page table is filled and the file system has said yes to each of them. */
static void touch(void *at, size_t bytes)
{
    size_t         page = (size_t)sysconf(_SC_PAGESIZE);
    volatile char *byte = at;
    for (size_t i = 0; i < bytes; i += page)
        byte[i] = 0;
}

enum assay_code assay_mapped_file_new(const char *path, size_t bytes, struct assay_mapped_file *out,
                                      struct assay_error *err)
{
    struct assay_file_temporary temporary;
    void                       *at = NULL;
    int                         failed;
    if (assay_file_temporary_open(path, &temporary, err))
        return err->code;
    failed = allocate(temporary.fd, bytes);
    if (!failed && bytes > 0) {
        at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, temporary.fd, 0);
        failed = at == MAP_FAILED ? errno : 0;
    }
    if (failed) {
        assay_file_temporary_drop(&temporary);
        return assay_error_sys(err, ASSAY_IO, ASSAY_HERE, failed, "cannot allocate %zu bytes for '%s'", bytes, path);
    }
    touch(at, bytes);
    if (assay_file_temporary_commit(&temporary, err)) {
        if (at)
            (void)munmap(at, bytes);
        return err->code;
    }
    out->at = at;
    out->bytes = bytes;
    return ASSAY_OK;
}

void assay_mapped_file_release(struct assay_mapped_file *file)
{
    if (file->at)
        (void)munmap(file->at, file->bytes);
    file->at = NULL;
    file->bytes = 0;
}

enum assay_code assay_mapped_file_close(struct assay_mapped_file *file, const char *path, size_t used,
                                        struct assay_error *err)
{
    size_t bytes = file->bytes;
    int    fd, failed = 0;
    assay_mapped_file_release(file);
    if (used > bytes)
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "%zu bytes of '%s' are said to be used, of %zu", used, path, bytes);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot open '%s'", path);
    while ((ftruncate(fd, (off_t)used) || fsync(fd)) && (failed = errno) == EINTR)
        failed = 0;
    (void)close(fd);
    return failed ? assay_error_sys(err, ASSAY_IO, ASSAY_HERE, failed, "cannot cut '%s' to %zu bytes", path, used)
                  : ASSAY_OK;
}

/* If somebody makes the file shorter while it is mapped, reads behind its end die of SIGBUS; run folders are ours. */
enum assay_code assay_mapped_file_read(const char *path, struct assay_mapped_file *out, struct assay_error *err)
{
    struct stat     st;
    void           *at = NULL;
    enum assay_code code = ASSAY_OK;
    int             fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not make us wait */
    if (fd < 0)
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot open '%s'", path);
    if (fstat(fd, &st))
        code = ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot look at '%s'", path);
    else if (!S_ISREG(st.st_mode))
        code = ASSAY_FAIL(err, ASSAY_DATA, "'%s' is not a file", path);
    else if (st.st_size > 0 &&
             (at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
        code = ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot map '%s'", path);
    (void)close(fd);
    if (code)
        return code;
    out->at = at;
    out->bytes = (size_t)st.st_size;
    return ASSAY_OK;
}
