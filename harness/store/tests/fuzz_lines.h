/* Lines of records with mended checksums, so that what they say is read at all. */
#ifndef ASSAY_STORE_TESTS_FUZZ_LINES_H
#define ASSAY_STORE_TESTS_FUZZ_LINES_H

#include "harness/base/hash.h"
#include "harness/base/tests/fuzz.h"

#define FUZZ_CHAIN_BYTES 150 /* ,"before":"<64>","sha256":"<64>" } and the line's end */

/* Where the line's members end: before its own chain, or before its last brace; NULL: it has no brace to end with. */
static inline const uint8_t *fuzz_members_end(const uint8_t *line, size_t length)
{
    static const char key[] = ",\"before\":\"";
    const uint8_t    *chain = length > FUZZ_CHAIN_BYTES + sizeof key ? line + length - FUZZ_CHAIN_BYTES - sizeof key : line;
    const uint8_t    *before = memmem(chain, (size_t)(line + length - chain), key, sizeof key - 1);
    return before ? before : length > 2 && line[length - 1] == '}' ? line + length - 1 : NULL;
}

static inline void fuzz_chain(FILE *out, const uint8_t *line, size_t members, char last[65])
{
    char  *text = NULL, own[65];
    size_t n = 0;
    FILE  *made = open_memstream(&text, &n);
    FUZZ_HOLDS(made && fwrite(line, 1, members, made) == members);
    (void)fprintf(made, ",\"before\":\"%s\"}\n", last);
    FUZZ_HOLDS(fflush(made) == 0);
    assay_sha256_hex(text, n, own);
    (void)fseek(made, -2, SEEK_CUR);
    (void)fprintf(made, ",\"sha256\":\"%s\"}\n", own);
    FUZZ_HOLDS(fclose(made) == 0);
    assay_sha256_hex(text, n, last);
    (void)fwrite(text, 1, n, out);
    free(text);
}

/* A line that does not end in a brace, and what stands behind the last line, stay as they are. Free the result. */
static inline char *fuzz_lines(const uint8_t *data, size_t bytes, size_t *length)
{
    char  *text = NULL, last[65] = "0000000000000000000000000000000000000000000000000000000000000000";
    FILE  *out = open_memstream(&text, length);
    size_t n;
    FUZZ_HOLDS(out);
    for (; bytes; data += n, bytes -= n) {
        const uint8_t *end = memchr(data, '\n', bytes), *members = end ? fuzz_members_end(data, (size_t)(end - data)) : NULL;
        n = end ? (size_t)(end - data) + 1 : bytes;
        if (members)
            fuzz_chain(out, data, (size_t)(members - data), last);
        else
            FUZZ_HOLDS(fwrite(data, 1, n, out) == n);
    }
    FUZZ_HOLDS(fclose(out) == 0);
    return text;
}

#endif
