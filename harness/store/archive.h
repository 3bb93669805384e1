/* The container of a bundle: a POSIX tar (ustar; a pax header where a name is longer than ustar takes) of regular files alone, that
 * says nothing of time, owner or mode. One set of files has one sequence of bytes: names ascend, headers are a function of name and
 * size, what fills up blocks is zero. The reader takes these bytes and no others, so links, devices, folders, names that lead out,
 * files that stand twice, sparse files and anything hidden between files cannot be told in it. Any tar unpacks it. */
#ifndef ASSAY_STORE_ARCHIVE_H
#define ASSAY_STORE_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"

#define ASSAY_ARCHIVE_NAME_BYTES 241 /* the longest name and its NUL */
#define ASSAY_ARCHIVE_MEMBERS 1000000

/* "a/b/c": of letters, digits and . _ = + , @ -, no part empty or with a dot or a dash first. */
bool assay_archive_name_is_good(const char *name);

struct assay_archive_member {
    char                 name[ASSAY_ARCHIVE_NAME_BYTES];
    const unsigned char *at; /* in what was read; borrowed */
    uint64_t             bytes;
};

/* ---- writing: begin a member, write exactly so many bytes of it, next; then end ---- */

struct assay_archive_writer {
    int         fd;   /* borrowed, written from where it stands */
    const char *path; /* borrowed, for messages */
    char        last[ASSAY_ARCHIVE_NAME_BYTES];
    uint64_t    left; /* of the member that was begun */
    size_t      fill; /* behind it */
};
/* ASSAY_CONFIG: the name is not good, or does not ascend; ASSAY_IO. */
enum assay_code assay_archive_begin(struct assay_archive_writer *w, const char *name, uint64_t bytes, struct assay_error *err);
enum assay_code assay_archive_write(struct assay_archive_writer *w, const void *data, size_t bytes, struct assay_error *err);
/* Ends the member that was begun; `last`: and the archive. ASSAY_DATA: not so many bytes were written. */
enum assay_code assay_archive_end(struct assay_archive_writer *w, bool last, struct assay_error *err);

/* ---- reading ---- */

/* All members of archive[bytes], in order; free *out. ASSAY_DATA with the byte and the member at which it is no archive of ours. */
enum assay_code assay_archive_read(const unsigned char *archive, size_t bytes, struct assay_archive_member **out, size_t *n,
                                   struct assay_error *err);
/* The member of that name, or NULL. */
const struct assay_archive_member *assay_archive_find(const struct assay_archive_member *members, size_t n, const char *name);

#endif
