#include "backends/cpu/moving/strided.h"

#include <stdint.h>
#include <string.h>

#include "assay/banned.h"

void cpu_strided_begin(struct cpu_strided *s, enum assay_dtype dtype, ptrdiff_t from_begin, ptrdiff_t to_begin)
{
    size_t bytes = assay_dtype_bits(dtype) / 8;
    *s = (struct cpu_strided){.bytes = bytes, .elements = 1, .from_begin = from_begin * (ptrdiff_t)bytes,
                              .to_begin = to_begin * (ptrdiff_t)bytes};
}

void cpu_strided_axis(struct cpu_strided *s, size_t length, ptrdiff_t from, ptrdiff_t to)
{
    int       last = s->rank - 1;
    ptrdiff_t n = (ptrdiff_t)length;
    from *= (ptrdiff_t)s->bytes;
    to *= (ptrdiff_t)s->bytes;
    s->elements *= length;
    if (length == 1)
        return;
    if (last >= 0 && s->from[last] == from * n && s->to[last] == to * n) {
        s->length[last] *= length;
        s->from[last] = from;
        s->to[last] = to;
        return;
    }
    s->length[s->rank] = length;
    s->from[s->rank] = from;
    s->to[s->rank++] = to;
}

void cpu_strided_end(struct cpu_strided *s)
{
    if (s->rank)
        return;
    s->length[0] = 1;
    s->from[0] = s->to[0] = (ptrdiff_t)s->bytes;
    s->rank = 1;
}

#define LOOP(type)                                                                                  \
    do {                                                                                            \
        for (size_t i = 0; i < n; i++)                                                              \
            memcpy(to + (ptrdiff_t)i * to_step, from + (ptrdiff_t)i * from_step, sizeof(type));     \
    } while (0)

static void run(size_t bytes, size_t n, const char *from, ptrdiff_t from_step, char *to, ptrdiff_t to_step)
{
    if (from_step == (ptrdiff_t)bytes && to_step == (ptrdiff_t)bytes) {
        memcpy(to, from, n * bytes);
        return;
    }
    switch (bytes) {
    case 1:
        if (from_step == 0 && to_step == 1)
            memset(to, *(const unsigned char *)from, n);
        else
            LOOP(uint8_t);
        break;
    case 2: LOOP(uint16_t); break;
    case 4:
        if (from_step == 0 && to_step == 4) {
            uint32_t x;
            memcpy(&x, from, sizeof x);
            for (size_t i = 0; i < n; i++)
                memcpy(to + 4 * i, &x, sizeof x);
        } else {
            LOOP(uint32_t);
        }
        break;
    default: LOOP(uint64_t); break;
    }
}

void cpu_strided_copy(const struct cpu_strided *s, const char *from, char *to, size_t begin, size_t end)
{
    size_t index[ASSAY_MAX_RANK], rest = begin;
    int    last = s->rank - 1;
    from += s->from_begin;
    to += s->to_begin;
    for (int i = last; i >= 0; i--) {
        index[i] = rest % s->length[i];
        rest /= s->length[i];
        from += (ptrdiff_t)index[i] * s->from[i];
        to += (ptrdiff_t)index[i] * s->to[i];
    }
    while (begin < end) {
        size_t left = s->length[last] - index[last], n = left < end - begin ? left : end - begin;
        run(s->bytes, n, from, s->from[last], to, s->to[last]);
        begin += n;
        from += (ptrdiff_t)n * s->from[last];
        to += (ptrdiff_t)n * s->to[last];
        index[last] += n;
        for (int i = last; i > 0 && index[i] == s->length[i]; i--) {
            index[i] = 0;
            from += s->from[i - 1] - (ptrdiff_t)s->length[i] * s->from[i];
            to += s->to[i - 1] - (ptrdiff_t)s->length[i] * s->to[i];
            index[i - 1]++;
        }
    }
}
