#include "harness/run/rank_buffers.h"

#include <stdlib.h>
#include <string.h>

#include "harness/run/rank_orders.h"

#include "assay/banned.h"

enum assay_code assay_ranks_alloc(struct assay_session *s, const struct assay_alloc *how, struct assay_buffer **out, struct assay_error *err)
{
    struct assay_buffer *b = calloc(1, sizeof *b);
    (void)s;
    if (!b)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a buffer of ranks");
    b->how = *how;
    *out = b;
    return ASSAY_OK;
}

void assay_ranks_release(struct assay_session *s, struct assay_buffer *b)
{
    struct assay_error ignored = {.code = ASSAY_OK};
    if (b && b->placed)
        (void)assay_ranks_order(s, b->rank, ASSAY_ORDER_RELEASE, (uint64_t[]){b->number, 0, 0}, 0, &ignored);
    if (b)
        free(b->held);
    free(b);
}

/* In pieces that the stage holds. */
static enum assay_code pass(struct assay_session *s, const struct assay_buffer *b, uint64_t offset, const unsigned char *from, unsigned char *to,
                            uint64_t bytes, struct assay_error *err)
{
    struct assay_order_box *box = assay_ranks_box(s, b->rank);
    for (uint64_t done = 0, n; done < bytes; done += n) {
        n = bytes - done < ASSAY_STAGE_BYTES ? bytes - done : ASSAY_STAGE_BYTES;
        if (from)
            memcpy(box->stage, from + done, n);
        if (assay_ranks_order(s, b->rank, from ? ASSAY_ORDER_UPLOAD : ASSAY_ORDER_DOWNLOAD, (uint64_t[]){b->number, offset + done, n},
                              from ? n : 0, err))
            return err->code;
        if (to)
            memcpy(to + done, box->stage, n);
    }
    return ASSAY_OK;
}

static enum assay_code hold(struct assay_buffer *b, struct assay_error *err)
{
    if (!b->held && !(b->held = calloc(1, b->how.bytes + 1)))
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a buffer of %llu bytes", (unsigned long long)b->how.bytes);
    return ASSAY_OK;
}

enum assay_code assay_ranks_upload(struct assay_session *s, struct assay_buffer *b, uint64_t offset, const void *from, uint64_t bytes,
                                   struct assay_error *err)
{
    if (b->placed)
        return pass(s, b, offset, from, NULL, bytes, err);
    if (hold(b, err))
        return err->code;
    memcpy(b->held + offset, from, bytes);
    return ASSAY_OK;
}

enum assay_code assay_ranks_download(struct assay_session *s, struct assay_buffer *b, uint64_t offset, void *to, uint64_t bytes,
                                     struct assay_error *err)
{
    if (b->placed)
        return pass(s, b, offset, NULL, to, bytes, err);
    if (hold(b, err))
        return err->code;
    memcpy(to, b->held + offset, bytes);
    return ASSAY_OK;
}

enum assay_code assay_ranks_place(struct assay_session *s, struct assay_buffer *b, uint32_t rank, struct assay_error *err)
{
    if (b->placed)
        return b->rank == rank ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_INTERNAL, "a buffer of rank %u is bound to a value of rank %u", b->rank, rank);
    if (assay_ranks_order(s, rank, ASSAY_ORDER_ALLOC, (uint64_t[]){b->how.bytes, b->how.alignment, (uint64_t)b->how.place}, 0, err))
        return err->code;
    b->placed = true;
    b->rank = rank;
    b->number = assay_ranks_box(s, rank)->arg[3];
    if (b->held && pass(s, b, 0, b->held, NULL, b->how.bytes, err))
        return err->code;
    free(b->held);
    b->held = NULL;
    return ASSAY_OK;
}
