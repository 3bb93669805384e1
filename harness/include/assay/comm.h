/* What ranks of one case share: a communicator over host memory. The launcher fills it from MPI, or from
 * fork and shared memory; a back end with collectives of its own uses it only to bootstrap. All members of
 * the group call the same function in the same order with the same sizes. Every call returns ASSAY_OK or an
 * error that names the rank that went missing. */
#ifndef ASSAY_COMM_H
#define ASSAY_COMM_H

#include <stddef.h>
#include <stdint.h>

#include "assay/dtype.h"
#include "assay/error.h"

enum assay_reduce { ASSAY_REDUCE_SUM = 1, ASSAY_REDUCE_MAX = 2, ASSAY_REDUCE_MIN = 3 };

struct assay_comm {
    uint32_t size; /* of this struct */
    uint32_t rank, n_ranks;
    void    *self; /* the launcher's; first argument of every call */
    enum assay_code (*barrier)(void *self, struct assay_error *err);
    /* root's `bytes` at `data` reach everybody's `data` */
    enum assay_code (*broadcast)(void *self, uint32_t root, void *data, size_t bytes, struct assay_error *err);
    /* out holds n_ranks * bytes, in rank order */
    enum assay_code (*all_gather)(void *self, const void *in, size_t bytes, void *out, struct assay_error *err);
    /* in place, n elements of F64, F32, I64 or I32; the order of additions is by rank, so bits repeat */
    enum assay_code (*all_reduce)(void *self, enum assay_dtype dtype, enum assay_reduce how, void *data, size_t n,
                                  struct assay_error *err);
    /* n_ranks equal blocks of `bytes`: block r of `in` reaches block `rank` of rank r's `out` */
    enum assay_code (*all_to_all)(void *self, const void *in, size_t bytes, void *out, struct assay_error *err);
    enum assay_code (*send)(void *self, uint32_t to, const void *data, size_t bytes, struct assay_error *err);
    enum assay_code (*receive)(void *self, uint32_t from, void *data, size_t bytes, struct assay_error *err);
    /* Since ABI 1.3: the communicator of some of the ranks, this one among them, numbered in the order of `ranks`. All of them ask for
     * it, nobody else does; what is filled into *out goes back by out->release. */
    enum assay_code (*group)(void *self, const uint32_t *ranks, uint32_t n_ranks, struct assay_comm *out, struct assay_error *err);
    void (*release)(void *self); /* NULL: nothing to give back */
};

#endif
