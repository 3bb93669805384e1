#include "harness/plan/buckets.h"

#include <stdlib.h>
#include <string.h>

#include "assay/text.h"

#include "assay/banned.h"

#define MOST_DIGITS 9

static enum assay_code no_list(const char *text, struct assay_error *err)
{
    (void)ASSAY_FAIL(err, ASSAY_CONFIG, "buckets must be none, powers, or sizes joined by '+'; got '%.70s'", text);
    return assay_error_hint(err, "as in buckets=1+2+4,max_batch=8");
}

/* Reads one size and what is behind it. */
static bool read_size(const char **at, uint32_t *size)
{
    size_t digits = strspn(*at, "0123456789");
    *size = digits && digits <= MOST_DIGITS ? (uint32_t)strtoul(*at, NULL, 10) : 0;
    *at += digits;
    return digits && digits <= MOST_DIGITS && (!**at || (**at == '+' && (*at)[1]));
}

static enum assay_code read_list(const char *text, int64_t max_batch, uint32_t out[ASSAY_BUCKETS_MOST], uint32_t *n,
                                 struct assay_error *err)
{
    uint32_t size, last = 0;
    *n = 0;
    for (const char *at = text; *at; at += *at == '+') {
        if (!read_size(&at, &size))
            return no_list(text, err);
        if (!size)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "buckets=%s: a bucket of 0 samples holds nothing", text);
        if (size <= last)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "buckets=%s: sizes must rise, and %u comes behind %u", text, size,
                              last);
        if (size > max_batch)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "buckets=%s: %u is more than max_batch=%lld", text, size,
                              (long long)max_batch);
        if (*n == ASSAY_BUCKETS_MOST)
            return ASSAY_FAIL(err, ASSAY_CONFIG, "buckets=%s: more than %u sizes", text, ASSAY_BUCKETS_MOST);
        out[(*n)++] = last = size;
    }
    return *n ? ASSAY_OK : no_list(text, err);
}

static uint32_t powers_below(int64_t max_batch, uint32_t out[ASSAY_BUCKETS_MOST])
{
    uint32_t n = 0;
    for (int64_t size = 1; size < max_batch && n + 1 < ASSAY_BUCKETS_MOST; size *= 2)
        out[n++] = (uint32_t)size;
    return n;
}

static void write_list(const uint32_t *size, uint32_t n, char text[ASSAY_BUCKETS_TEXT_BYTES])
{
    struct assay_text out = assay_text_over(text, ASSAY_BUCKETS_TEXT_BYTES);
    memset(text, 0, ASSAY_BUCKETS_TEXT_BYTES); /* so that equal scenarios are equal byte by byte */
    for (uint32_t i = 0; i < n; i++)
        assay_text_add(&out, "%s%u", i ? "+" : "", size[i]);
    if (!n)
        assay_text_add(&out, "none");
}

enum assay_code assay_buckets_complete(char text[ASSAY_BUCKETS_TEXT_BYTES], int64_t max_batch, struct assay_error *err)
{
    uint32_t size[ASSAY_BUCKETS_MOST], n = 0;
    bool powers = !strcmp(text, "powers"), none = !strcmp(text, "none");
    if (!max_batch && !powers && !none)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "max_batch=0 searches the sizes: buckets must be none or powers, got '%s'",
                          text);
    if (!max_batch || none)
        return ASSAY_OK;
    if (powers)
        n = powers_below(max_batch, size);
    else if (read_list(text, max_batch, size, &n, err))
        return err->code;
    else if (n && size[n - 1] == max_batch)
        n--;
    else if (n == ASSAY_BUCKETS_MOST)
        return ASSAY_FAIL(err, ASSAY_CONFIG, "buckets=%s: more than %u sizes, with max_batch", text,
                          ASSAY_BUCKETS_MOST);
    write_list(size, n, text);
    return ASSAY_OK;
}

uint32_t assay_buckets_list(const char *text, int64_t max_batch, uint32_t out[ASSAY_BUCKETS_MOST])
{
    uint32_t n = 0;
    struct assay_error ignored = {.code = ASSAY_OK};
    if (max_batch < 1)
        max_batch = 1;
    if (!strcmp(text, "powers"))
        n = powers_below(max_batch, out);
    else if (strcmp(text, "none") != 0 && read_list(text, max_batch, out, &n, &ignored))
        n = 0;
    out[n < ASSAY_BUCKETS_MOST ? n++ : n - 1] = (uint32_t)max_batch;
    return n;
}
