#include "harness/ir/onnx/external.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/banned.h"

#define LOCATION_BYTES 1024

/* Bytes of a file that a tensor has. */
struct assay_onnx_range {
    dev_t    device;
    ino_t    file;
    uint64_t begin, end;
};

struct where {
    char     location[LOCATION_BYTES];
    uint64_t offset, length;
    bool     has_length;
};

static enum assay_code complain(const struct assay_onnx_tensor *t, const char *what, enum assay_code code, const char *why,
                                struct assay_error *err)
{
    return ASSAY_FAIL(err, code, "%.80s: byte %zu: tensor '%.40s' has its data in another file, %.60s", what, t->position,
                      t->name ? t->name : "", why);
}

/* Digits and nothing else. */
static bool read_count(const char *text, uint64_t *out)
{
    uint64_t number = 0;
    bool     fits = *text;
    for (; fits && *text; text++)
        fits = *text >= '0' && *text <= '9' && !__builtin_mul_overflow(number, (uint64_t)10, &number) &&
               !__builtin_add_overflow(number, (uint64_t)(*text - '0'), &number);
    *out = number;
    return fits;
}

static enum assay_code read_where(const struct assay_onnx_tensor *t, const char *what, struct where *w, struct assay_error *err)
{
    *w = (struct where){.offset = 0};
    for (size_t i = 0; i < t->n_external; i++) {
        const char *key = t->external[i].key ? t->external[i].key : "", *value = t->external[i].value ? t->external[i].value : "";
        bool        fits = true;
        if (strcmp(key, "location") == 0)
            fits = (size_t)snprintf(w->location, sizeof w->location, "%s", value) < sizeof w->location;
        else if (strcmp(key, "offset") == 0)
            fits = read_count(value, &w->offset);
        else if (strcmp(key, "length") == 0)
            fits = w->has_length = read_count(value, &w->length);
        if (!fits)
            return complain(t, what, ASSAY_DATA, "at a place that is no path and no number", err);
    }
    return *w->location ? ASSAY_OK : complain(t, what, ASSAY_DATA, "and does not say in which", err);
}

/* Opens the file part by part, so that what is checked is what is opened: no "..", no link on the way. */
static enum assay_code open_below(const struct assay_onnx_tensor *t, const char *what, const char *folder, char *location, int *out,
                                  struct assay_error *err)
{
    int   at = open(*folder ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char *part = location;
    if (*location == '/') {
        if (at >= 0)
            (void)close(at);
        return complain(t, what, ASSAY_DATA, "by a path that begins at the root", err);
    }
    while (at >= 0) {
        char *slash = strchr(part, '/');
        if (slash)
            *slash = 0;
        if (!*part || strcmp(part, ".") == 0 || strcmp(part, "..") == 0) {
            (void)close(at);
            return complain(t, what, ASSAY_DATA, "by a path with '', '.' or '..' in it", err);
        }
        int next = openat(at, part, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (slash ? O_DIRECTORY : 0));
        int why = errno;
        (void)close(at);
        errno = why;
        at = next;
        if (!slash)
            break;
        part = slash + 1;
    }
    if (at < 0)
        return complain(t, what, errno == ELOOP ? ASSAY_DATA : ASSAY_IO, errno == ELOOP ? "which is a link" : strerror(errno), err);
    *out = at;
    return ASSAY_OK;
}

static int compare(const struct assay_onnx_range *a, const struct assay_onnx_range *b)
{
    if (a->device != b->device)
        return a->device < b->device ? -1 : 1;
    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    return a->end <= b->begin ? -1 : a->begin >= b->end ? 1 : 0;
}

/* Enters a range; false with the reason: a byte of it is somebody's, or there is no room. */
static bool enter(struct assay_onnx_external *seen, const struct assay_onnx_range *r, struct assay_arena *arena, const char **why)
{
    size_t low = 0, high = seen->n;
    *why = "and too many others have";
    if (r->begin == r->end)
        return true;
    if (!seen->range)
        seen->range = assay_arena_take(arena, ASSAY_ONNX_EXTERNAL_MOST, sizeof *seen->range);
    if (!seen->range || seen->n == ASSAY_ONNX_EXTERNAL_MOST)
        return false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int    order = compare(&seen->range[middle], r);
        *why = "where another tensor has its own";
        if (order == 0)
            return false;
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    memmove(&seen->range[low + 1], &seen->range[low], (seen->n - low) * sizeof *r);
    seen->range[low] = *r;
    seen->n++;
    return true;
}

static bool read_all(int fd, unsigned char *to, uint64_t n, uint64_t offset)
{
    while (n) {
        ssize_t got = pread(fd, to, n < 1u << 30 ? n : 1u << 30, (off_t)offset);
        if (got <= 0)
            return false;
        to += got;
        n -= (uint64_t)got;
        offset += (uint64_t)got;
    }
    return true;
}

static enum assay_code read_content(struct assay_onnx_external *seen, const struct assay_onnx_tensor *t, const char *what, int fd,
                                    const struct where *w, struct assay_arena *arena, struct assay_onnx_array *a,
                                    struct assay_error *err)
{
    struct stat st;
    const char *why;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode))
        return complain(t, what, ASSAY_DATA, "which is no plain file", err);
    if (w->has_length && w->length != a->bytes)
        return complain(t, what, ASSAY_DATA, "of another length than its type and shape have", err);
    if (w->offset > (uint64_t)st.st_size || a->bytes > (uint64_t)st.st_size - w->offset)
        return complain(t, what, ASSAY_DATA, "which ends before them", err);
    const struct assay_onnx_range range = {st.st_dev, st.st_ino, w->offset, w->offset + a->bytes};
    if (!enter(seen, &range, arena, &why))
        return complain(t, what, ASSAY_DATA, why, err);
    unsigned char *to = assay_arena_take(arena, a->bytes ? a->bytes : 1, 1);
    if (!to)
        return complain(t, what, ASSAY_MEMORY, "for which there is no memory", err);
    a->data = to;
    return read_all(fd, to, a->bytes, w->offset) ? ASSAY_OK : complain(t, what, ASSAY_IO, "which cannot be read", err);
}

enum assay_code assay_onnx_external_array(struct assay_onnx_external *seen, const struct assay_onnx_tensor *t, const char *folder,
                                          const char *what, struct assay_arena *arena, struct assay_onnx_array *out,
                                          struct assay_error *err)
{
    struct where w;
    int          fd = -1;
    if (assay_onnx_tensor_measure(t, what, out, err) || read_where(t, what, &w, err) ||
        open_below(t, what, folder, w.location, &fd, err))
        return err->code;
    enum assay_code code = read_content(seen, t, what, fd, &w, arena, out, err);
    (void)close(fd);
    return code;
}
