/* A decoder in the making, and what it is made of: one layer of any kind, and what stands before and behind the layers too. Only for
 * the files that build a decoder. */
#ifndef ASSAY_BLOCKS_DECODER_LAYER_H
#define ASSAY_BLOCKS_DECODER_LAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "suites/blocks/decoder.h"
#include "suites/blocks/mesh.h"

struct decoder {
    struct assay_graph             *g;
    const struct assay_decoder     *how;
    const struct assay_model_shape *shape;
    int64_t                         batch;  /* sequences that stand side by side: of packed ones, one */
    int64_t                         length; /* tokens a sequence that this graph computes: of parts, this rank's */
    int64_t                         room;   /* tokens a cache holds */
    int32_t                         positions, cosines, sines; /* of rotary positions */
    int32_t                         past, filled;              /* decode: i64[batch], and one more */
    int32_t                         table, starts;             /* serve, as `past` is: i32 */
    int32_t order, masks[2];                                   /* of sequences in parts (context.h) */
    struct assay_mesh_place at;
    int64_t piece, pieces;       /* of the model's layers: the one that is built, of how many; stages have them by turns */
    int64_t first_layer, layers; /* of this piece */
    int64_t heads, kv_heads;     /* of this rank */
    bool    split_vocabulary;    /* by the ranks of tp, which it divides by */
    int64_t micro, micros;       /* the micro-batch that is built, of how many */
    uint32_t built;              /* micro-batches times chunks, so far */
    double                          out_gain; /* of what is added to the residual, so that it stays near one */
};

/* Ranks besides that have a share of the gradient of a param that rows between layers meet: all with rows of their own. */
unsigned assay_decoder_row_sharers(const struct decoder *d);
/* x[rows, in] times a matrix "prefix.name.weight" that every rank has whole: [rows, out]. */
int32_t  assay_decoder_linear(const struct decoder *d, const char *prefix, const char *name, int32_t x, int64_t in, int64_t out, bool bias,
                              double gain);
/* The same of which each rank of tp has columns of its own: [rows, out / tp]. */
int32_t  assay_decoder_by_columns(const struct decoder *d, const char *prefix, const char *name, int32_t x, int64_t in, int64_t out, bool bias);
/* The norm of the model's kind over rows of n. */
int32_t  assay_decoder_norm(const struct decoder *d, const char *prefix, const char *name, int32_t x, int64_t n);
/* x[rows, width] as [batch, length, width], and back. */
int32_t  assay_decoder_sequences(const struct decoder *d, const char *prefix, const char *name, int32_t x, int64_t width);
int32_t  assay_decoder_rows(const struct decoder *d, const char *prefix, const char *name, int32_t x, int64_t width);
/* Layer `index` of the model: rows as they are between layers, in and out. */
int32_t  assay_decoder_layer(const struct decoder *d, int64_t index, int32_t x);

#endif
