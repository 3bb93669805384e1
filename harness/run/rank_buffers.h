/* Buffers of ranks: which rank's one is shows when a value is bound to it, and its content is here until then. The functions are the
 * back end's of assay/backend.h; of ranked.c alone. */
#ifndef ASSAY_RUN_RANK_BUFFERS_H
#define ASSAY_RUN_RANK_BUFFERS_H

#include "assay/backend.h"
#include "assay/error.h"

/* Its content is here until it is known which rank's it is: with the first value that is bound to it. */
struct assay_buffer {
    struct assay_alloc how;
    bool               placed;
    uint32_t           rank;
    uint64_t           number; /* its name there */
    unsigned char     *held;   /* NULL: placed, or nothing was uploaded */
};

enum assay_code assay_ranks_alloc(struct assay_session *s, const struct assay_alloc *how, struct assay_buffer **out, struct assay_error *err);
void assay_ranks_release(struct assay_session *s, struct assay_buffer *b);
enum assay_code assay_ranks_upload(struct assay_session *s, struct assay_buffer *b, uint64_t offset, const void *from, uint64_t bytes,
                                   struct assay_error *err);
enum assay_code assay_ranks_download(struct assay_session *s, struct assay_buffer *b, uint64_t offset, void *to, uint64_t bytes,
                                     struct assay_error *err);
/* The rank's from now on, with the content that was held. ASSAY_INTERNAL: it is another rank's. */
enum assay_code assay_ranks_place(struct assay_session *s, struct assay_buffer *b, uint32_t rank, struct assay_error *err);

#endif
