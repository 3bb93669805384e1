#include "harness/store/archive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/strings.h"

#include "assay/banned.h"

#define BLOCK ((size_t)512)
#define HEADERS (3 * BLOCK) /* at most: pax header, its record, header */
#define USTAR_NAME 100
#define SIZE_LIMIT ((uint64_t)1 << 33) /* eleven octal digits */

/* ---- names ------------------------------------------------------------------------------------------------------- */

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("._=+,@-", c));
}

bool assay_archive_name_is_good(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length >= ASSAY_ARCHIVE_NAME_BYTES)
        return false;
    for (size_t i = 0; i < length; i++) {
        bool first = i == 0 || name[i - 1] == '/';
        if (name[i] == '/' ? first || i + 1 == length : !is_plain(name[i]) || (first && strchr(".-", name[i])))
            return false;
    }
    return true;
}

/* ---- headers: a function of name and size ------------------------------------------------------------------------ */

static void octal(unsigned char *at, int digits, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%0*llo", digits, (unsigned long long)value);
    memcpy(at, text, (size_t)digits);
}

/* POSIX.1-1988 with the magic of ustar; mode 0644, everything else 0. The name is cut where a pax header has the whole. */
static void ustar(unsigned char out[BLOCK], const char *name, uint64_t bytes, char type)
{
    unsigned sum = 0;
    memset(out, 0, BLOCK);
    memcpy(out, name, strnlen(name, USTAR_NAME));
    octal(out + 100, 7, 0644);
    octal(out + 108, 7, 0);
    octal(out + 116, 7, 0);
    octal(out + 124, 11, bytes);
    octal(out + 136, 11, 0);
    memset(out + 148, ' ', 8); /* the checksum counts as blanks */
    out[156] = (unsigned char)type;
    memcpy(out + 257, "ustar\00000", 8);
    for (size_t i = 0; i < BLOCK; i++)
        sum += out[i];
    octal(out + 148, 6, sum);
    out[154] = 0;
}

/* What stands before the contents; returns how many bytes. */
static size_t headers(unsigned char out[HEADERS], const char *name, uint64_t bytes)
{
    size_t length = strlen(name), at = 0;
    if (length > USTAR_NAME) { /* "LENGTH path=NAME\n", where LENGTH counts itself: three digits here */
        size_t record = 3 + sizeof " path=\n" - 1 + length;
        ustar(out, "pax", record, 'x');
        memset(out + BLOCK, 0, BLOCK);
        (void)snprintf((char *)out + BLOCK, BLOCK, "%zu path=%s\n", record, name);
        at = 2 * BLOCK;
    }
    ustar(out + at, name, bytes, '0');
    return at + BLOCK;
}

static size_t fill_of(uint64_t bytes)
{
    return (size_t)((BLOCK - bytes % BLOCK) % BLOCK);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static enum assay_code put(struct assay_archive_writer *w, const void *data, size_t bytes, struct assay_error *err)
{
    for (const char *at = data; bytes;) {
        ssize_t n = write(w->fd, at, bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot write to '%.160s'", w->path);
        at += n;
        bytes -= (size_t)n;
    }
    return ASSAY_OK;
}

enum assay_code assay_archive_begin(struct assay_archive_writer *w, const char *name, uint64_t bytes, struct assay_error *err)
{
    unsigned char block[HEADERS];
    if (!assay_archive_name_is_good(name))
        return ASSAY_FAIL(err, ASSAY_CONFIG, "'%.100s' is no name for a file of a bundle", name);
    if (strcmp(w->last, name) >= 0)
        return ASSAY_FAIL(err, ASSAY_INTERNAL, "'%.80s' does not stand after '%.80s'", name, w->last);
    if (bytes >= SIZE_LIMIT)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "'%.100s' has 8 GiB or more", name);
    (void)assay_string_copy(w->last, sizeof w->last, name);
    w->left = bytes;
    w->fill = fill_of(bytes);
    return put(w, block, headers(block, name, bytes), err);
}

enum assay_code assay_archive_write(struct assay_archive_writer *w, const void *data, size_t bytes, struct assay_error *err)
{
    if (bytes > w->left)
        return ASSAY_FAIL(err, ASSAY_DATA, "'%.100s' grew while it was packed", w->last);
    w->left -= bytes;
    return put(w, data, bytes, err);
}

enum assay_code assay_archive_end(struct assay_archive_writer *w, bool last, struct assay_error *err)
{
    static const char zeroes[2 * BLOCK];
    if (w->left)
        return ASSAY_FAIL(err, ASSAY_DATA, "'%.100s' shrank while it was packed", w->last);
    if (put(w, zeroes, w->fill, err))
        return err->code;
    w->fill = 0;
    return last ? put(w, zeroes, sizeof zeroes, err) : ASSAY_OK;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

struct reading {
    const unsigned char         *archive;
    size_t                       bytes, at, n, room;
    struct assay_archive_member *members;
};

static const char *before(const struct reading *r)
{
    return r->n ? r->members[r->n - 1].name : "its beginning";
}

static enum assay_code cut_short(const struct reading *r, struct assay_error *err)
{
    (void)ASSAY_FAIL(err, ASSAY_DATA, "the bundle ends at byte %zu, within what follows '%.100s'", r->bytes, before(r));
    return assay_error_hint(err, "it is truncated: take a whole copy");
}

/* Digits as we write them and nothing else; that they are ours is seen when the header is made again. */
static uint64_t octal_value(const unsigned char *at, int digits)
{
    uint64_t value = 0;
    for (int i = 0; i < digits && at[i] >= '0' && at[i] <= '7'; i++)
        value = value * 8 + (uint64_t)(at[i] - '0');
    return value;
}

/* Name and size as they are told; *header: how many bytes tell it. False: it ends before. */
static bool told(const struct reading *r, char name[ASSAY_ARCHIVE_NAME_BYTES], uint64_t *size, size_t *header)
{
    const unsigned char *at = r->archive + r->at;
    bool                 pax = at[156] == 'x';
    *header = pax ? HEADERS : BLOCK;
    if (r->bytes - r->at < *header)
        return false;
    const char *from = pax ? (const char *)at + BLOCK + sizeof "123 path=" - 1 : (const char *)at;
    const char *end = memchr(from, pax ? '\n' : 0, pax ? ASSAY_ARCHIVE_NAME_BYTES : USTAR_NAME);
    size_t      length = end ? (size_t)(end - from) : pax ? 0 : USTAR_NAME;
    if (length >= ASSAY_ARCHIVE_NAME_BYTES)
        length = 0;
    memcpy(name, from, length);
    name[length] = 0;
    *size = octal_value(at + *header - BLOCK + 124, 11);
    return true;
}

static size_t first_difference(const unsigned char *a, const unsigned char *b, size_t n)
{
    size_t i = 0;
    while (i < n && a[i] == b[i])
        i++;
    return i;
}

static enum assay_code next_member(struct reading *r, struct assay_error *err)
{
    static const unsigned char   zeroes[BLOCK];
    unsigned char                made[HEADERS];
    size_t                       header, fill, off = 0;
    struct assay_archive_member *m = &r->members[r->n];
    if (!told(r, m->name, &m->bytes, &header))
        return cut_short(r, err);
    bool good = assay_archive_name_is_good(m->name);
    if (!good || headers(made, m->name, m->bytes) != header || (off = first_difference(made, r->archive + r->at, header)) < header)
        return ASSAY_FAIL(err, ASSAY_DATA, "byte %zu, in the header after '%.80s', is not what a bundle has there%s",
                          r->at + (good ? off : 0), before(r), good ? "" : " (no name of a regular file within it)");
    if (r->n && strcmp(r->members[r->n - 1].name, m->name) >= 0)
        return ASSAY_FAIL(err, ASSAY_DATA, "'%.80s' stands after '%.80s': files of a bundle ascend and none stands twice", m->name,
                          before(r));
    r->at += header;
    fill = fill_of(m->bytes);
    r->n++;
    if (m->bytes > r->bytes - r->at || fill > r->bytes - r->at - m->bytes)
        return cut_short(r, err);
    m->at = r->archive + r->at;
    r->at += (size_t)m->bytes;
    if ((off = first_difference(zeroes, r->archive + r->at, fill)) < fill)
        return ASSAY_FAIL(err, ASSAY_DATA, "byte %zu, behind the end of '%.80s', is not 0", r->at + off, m->name);
    r->at += fill;
    return ASSAY_OK;
}

static bool make_room(struct reading *r)
{
    if (r->n < r->room)
        return true;
    size_t                       more = r->room ? 2 * r->room : 64;
    struct assay_archive_member *members = reallocarray(r->members, more, sizeof *members);
    if (members) {
        r->members = members;
        r->room = more;
    }
    return members;
}

/* Two blocks of zeroes, and nothing behind them. */
static enum assay_code read_end(const struct reading *r, struct assay_error *err)
{
    if (r->bytes - r->at < 2 * BLOCK)
        return cut_short(r, err);
    for (size_t i = r->at; i < r->bytes; i++)
        if (r->archive[i])
            return ASSAY_FAIL(err, ASSAY_DATA, "byte %zu, behind the last file, is not 0", i);
    return r->bytes - r->at == 2 * BLOCK
               ? ASSAY_OK
               : ASSAY_FAIL(err, ASSAY_DATA, "the bundle goes on behind its end, at byte %zu", r->at + 2 * BLOCK);
}

enum assay_code assay_archive_read(const unsigned char *archive, size_t bytes, struct assay_archive_member **out, size_t *n,
                                   struct assay_error *err)
{
    struct reading  r = {.archive = archive, .bytes = bytes};
    enum assay_code code = ASSAY_OK;
    while (!code && bytes - r.at >= BLOCK && archive[r.at]) {
        if (r.n == ASSAY_ARCHIVE_MEMBERS)
            code = ASSAY_FAIL(err, ASSAY_DATA, "the bundle has more than %d files", ASSAY_ARCHIVE_MEMBERS);
        else
            code = make_room(&r) ? next_member(&r, err) : ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for the files of a bundle");
    }
    if (!code)
        code = read_end(&r, err);
    if (code) {
        free(r.members);
        return code;
    }
    *out = r.members;
    *n = r.n;
    return ASSAY_OK;
}

static int by_name(const void *key, const void *member)
{
    return strcmp(key, ((const struct assay_archive_member *)member)->name);
}

const struct assay_archive_member *assay_archive_find(const struct assay_archive_member *members, size_t n, const char *name)
{
    return n ? bsearch(name, members, n, sizeof *members, by_name) : NULL;
}
