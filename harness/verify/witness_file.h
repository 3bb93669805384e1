/* How a witness lies in its file; shared by the recorder and the judge. Little-endian, every field at a multiple of 8.
 *
 *     header | sets | kept iterations | contents | hashes of batches | exemplar of each set | one block a content
 *
 * A content is what one or more kept iterations of one set left in the outputs, known by its hash. Where everything
 * lies is a function of (graph, seed, sets, chosen) alone: the reader computes it anew and takes no offset from the file. */
#ifndef ASSAY_VERIFY_WITNESS_FILE_H
#define ASSAY_VERIFY_WITNESS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "assay/error.h"
#include "harness/base/hash.h"
#include "harness/ir/graph.h"

#define ASSAY_WITNESS_VERSION 1u
#define ASSAY_WITNESS_MOST_SETS 256u
#define ASSAY_WITNESS_MOST_CHOSEN 1024u
/* A training step has every param and its two moments for outputs: 608 of BERT base, 1,183 of BERT large. Of more than these a
 * block keeps a choice. */
#define ASSAY_WITNESS_FIRST_OUTPUTS 2048u
#define ASSAY_WITNESS_OTHER_OUTPUTS 640u
#define ASSAY_WITNESS_MOST_PROJECTIONS 6u
#define ASSAY_WITNESS_BATCHES 1024u /* whose hashes are kept; later ones only enter the chain */
#define ASSAY_WITNESS_NONE UINT32_MAX

struct assay_witness_header {
    char                 magic[8]; /* "ASSAYWIT" */
    uint32_t             version, header_bytes;
    uint64_t             file_bytes;
    struct assay_hash128 checksum; /* of the whole file with this field zero */
    char                 case_id[24];
    uint64_t             seed;
    uint32_t             sets, chosen, outputs, kept;
    uint64_t             seen, elements, batches; /* elements: of one iteration's outputs */
    struct assay_hash128 chain;                   /* of all batches, in order */
    uint64_t             unused[10];
};
struct assay_witness_set {
    uint64_t seen;
    uint64_t distinct; /* hashes told apart, at most 64 */
    uint64_t more;     /* iterations whose hash came after the 64th */
    uint32_t exemplar; /* content, or ASSAY_WITNESS_NONE: no iteration of this set was kept */
    uint32_t unused;
};
struct assay_witness_kept {
    uint64_t iteration;
    uint32_t set, content;
};
struct assay_witness_content {
    struct assay_hash128 hash;
    uint64_t             seen; /* observed iterations with these very bits */
    uint32_t             set, kept; /* kept 0: the place is free */
};
/* Of all elements of one output. */
struct assay_witness_stats {
    uint64_t not_finite, zeros, poison_left; /* poison_left: of a state, elements with the bits they had before */
    double   largest; /* finite magnitude */
};

/* A weighted sum over groups of elements. Elements lie as outer * length * inner; a position is (outer, inner). With
 * axis -1 a row is `length` consecutive elements, and the last row may be shorter.
 *     sum[g] = sum over positions p of group g of t(p) * sum over j < length of s(j) * y[p, j]
 * s and t are 1 for stream 0, else random signs; groups are `per_group` consecutive positions. */
struct assay_projection {
    int32_t  axis;
    uint32_t stream;
    uint64_t length, inner, positions, per_group, groups;
    uint64_t first; /* of its sums among those of the output */
};
/* What a block holds of one output. */
struct assay_witness_part {
    uint32_t                output; /* its place in assay_graph_outputs */
    int32_t                 value;
    enum assay_dtype        dtype;
    uint64_t                elements, sample;
    uint32_t                element_bytes, n_projections; /* elements under a byte take one each */
    struct assay_projection projection[ASSAY_WITNESS_MOST_PROJECTIONS];
    uint64_t                sums;
    uint64_t                stats_at, sums_at, sample_at; /* bytes into the block */
};
/* What is kept of a content (every one), of set 0's exemplar, of the other sets' exemplars. */
enum assay_witness_class { ASSAY_WITNESS_CONTENT, ASSAY_WITNESS_FIRST, ASSAY_WITNESS_OTHER, ASSAY_WITNESS_CLASSES };
struct assay_witness_block {
    uint64_t bytes;
    uint32_t parts, first; /* of the layout's: how many it has, ascending by output, and where they begin */
};
struct assay_witness_layout {
    uint32_t                   sets, chosen, outputs; /* outputs: of the graph */
    uint64_t                   elements;
    struct assay_witness_block block[ASSAY_WITNESS_CLASSES];
    struct assay_witness_part  part[ASSAY_WITNESS_FIRST_OUTPUTS + 2 * ASSAY_WITNESS_OTHER_OUTPUTS];
    uint64_t sets_at, kept_at, contents_at, batches_at, first_at, others_at, blocks_at, file_bytes;
};

/* `seed` chooses which outputs are kept where there are too many. ASSAY_CONFIG when the numbers are out of range or even the
 * least does not fit into ASSAY_WITNESS_MAX_BYTES. */
enum assay_code assay_witness_layout(const struct assay_graph *g, uint64_t seed, uint32_t sets, uint32_t chosen,
                                     struct assay_witness_layout *out, struct assay_error *err);
static inline const struct assay_witness_part *assay_witness_parts(const struct assay_witness_layout *l,
                                                                   enum assay_witness_class class)
{
    return &l->part[l->block[class].first];
}
static inline enum assay_witness_class assay_witness_exemplar_class(uint32_t set)
{
    return set == 0 ? ASSAY_WITNESS_FIRST : ASSAY_WITNESS_OTHER;
}
static inline uint64_t assay_witness_exemplar_at(const struct assay_witness_layout *l, uint32_t set)
{
    return set == 0 ? l->first_at : l->others_at + (set - 1) * l->block[ASSAY_WITNESS_OTHER].bytes;
}
static inline uint64_t assay_witness_content_at(const struct assay_witness_layout *l, uint32_t content)
{
    return l->blocks_at + content * l->block[ASSAY_WITNESS_CONTENT].bytes;
}

/* Does the reference sum over an axis of this value much more cheaply than it computes the elements? */
bool assay_witness_folds(const struct assay_graph *g, int32_t value);

/* Choices. The key of an output in a set is a function of (seed, case, output, set), never of the device. */
uint64_t assay_witness_key(uint64_t seed, const char *case_id, uint32_t output, uint32_t set);
/* Flat index of the i-th of `sample` elements: one drawn from each of `sample` equal parts, so ascending. */
uint64_t assay_witness_place(uint64_t key, uint64_t elements, uint64_t sample, uint64_t i);
/* signs[i] = +1 or -1 of index first + i of a stream; all 1 for stream 0. Columns (s) and positions (t) differ. */
enum assay_witness_sign { ASSAY_WITNESS_COLUMN, ASSAY_WITNESS_POSITION };
void assay_witness_signs(uint64_t key, uint32_t stream, enum assay_witness_sign which, uint64_t first, size_t n,
                         double *signs);

/* The element at flat index `i` of an output's bytes as it is kept: its own bytes, or its bits in the low ones of one. */
void assay_witness_element(enum assay_dtype dtype, const void *from, uint64_t i, unsigned char *to);
/* n kept elements as doubles. */
void assay_witness_decode(enum assay_dtype dtype, const unsigned char *from, size_t n, double *to);

/* Checksum of a complete file of at least a header, and writing it. */
struct assay_hash128 assay_witness_checksum(const unsigned char *file, size_t bytes);
void                 assay_witness_seal(unsigned char *file, size_t bytes);
/* Everything about a file's shape that can be wrong: on success every index in it is in range. */
enum assay_code assay_witness_inspect(const unsigned char *file, size_t bytes, const char *case_id,
                                      const struct assay_graph *g, struct assay_witness_layout *layout,
                                      struct assay_error *err);

#endif
