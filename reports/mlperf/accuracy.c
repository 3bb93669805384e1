#include "reports/mlperf/accuracy.h"

#include <inttypes.h>
#include <stdlib.h>

#include "harness/base/file.h"
#include "harness/judge/programs.h"
#include "harness/judge/verdict.h"
#include "harness/plan/plan.h"
#include "harness/verify/witness.h"
#include "harness/verify/witness_file.h"

#include "assay/banned.h"

struct outputs {
    const unsigned char         *file;
    struct assay_witness_layout *layout;
    struct assay_sink           *to;
    uint64_t                     n;
};

static void hex(struct assay_sink *to, const unsigned char *from, uint64_t bytes)
{
    for (uint64_t i = 0; i < bytes; i++)
        assay_sink_raw(to, "%02X", from[i]);
}

/* Does the exemplar of that set hold all elements of all outputs? */
static bool is_whole(const struct assay_witness_layout *l, enum assay_witness_class class)
{
    const struct assay_witness_part *part = assay_witness_parts(l, class);
    bool                             whole = l->block[class].parts == l->outputs;
    for (uint32_t i = 0; i < l->block[class].parts; i++)
        whole = whole && part[i].sample == part[i].elements;
    return whole;
}

static void write_set(struct outputs *o, uint32_t set)
{
    const struct assay_witness_set  *of = (const struct assay_witness_set *)(const void *)(o->file + o->layout->sets_at) + set;
    enum assay_witness_class         class = assay_witness_exemplar_class(set);
    const struct assay_witness_part *part = assay_witness_parts(o->layout, class);
    const unsigned char             *block = o->file + assay_witness_exemplar_at(o->layout, set);
    if (of->exemplar == ASSAY_WITNESS_NONE || !is_whole(o->layout, class))
        return;
    assay_sink_raw(o->to, "%s\n{ \"seq_id\" : %" PRIu64 ", \"qsl_idx\" : %u, \"data\" : \"", o->n ? "," : "", o->n, set);
    for (uint32_t i = 0; i < o->layout->block[class].parts; i++)
        hex(o->to, block + part[i].sample_at, part[i].sample * part[i].element_bytes);
    assay_sink_raw(o->to, "\" }");
    o->n++;
}

static enum assay_code write_sets(const struct assay_run_folder *folder, const struct assay_record *record, const struct assay_graph *g,
                                  struct outputs *o, struct assay_error *err)
{
    char   path[4096], *bytes = NULL;
    size_t length;
    if (assay_validate_witness(folder, record, path, err) || assay_file_read(path, 2 * ASSAY_WITNESS_MAX_BYTES, &bytes, &length, err))
        return err->code;
    o->file = (unsigned char *)bytes;
    if (!assay_witness_inspect(o->file, length, record->id, g, o->layout, err))
        for (uint32_t set = 0; set < o->layout->sets; set++)
            write_set(o, set);
    free(bytes);
    return err->code;
}

/* The answers of requests that were chosen by chance. */
static enum assay_code write_requests(const char *folder, const struct assay_record *record, struct outputs *o, struct assay_error *err)
{
    uint32_t *word;
    size_t    words;
    if (!*record->load.tokens_file)
        return ASSAY_OK;
    if (assay_tokens_read(folder, record, &word, &words, err))
        return err->code;
    for (size_t at = 0; at < words; at += 3 + (size_t)word[at + 2], o->n++) {
        assay_sink_raw(o->to, "%s\n{ \"seq_id\" : %" PRIu64 ", \"qsl_idx\" : %" PRIu64 ", \"data\" : \"", o->n ? "," : "", o->n,
                       word[at] | (uint64_t)word[at + 1] << 32);
        for (uint32_t i = 0; i < word[at + 2]; i++) {
            uint32_t      token = word[at + 3 + i];
            unsigned char low_first[] = {(unsigned char)token, (unsigned char)(token >> 8), (unsigned char)(token >> 16), (unsigned char)(token >> 24)};
            hex(o->to, low_first, sizeof low_first);
        }
        assay_sink_raw(o->to, "\", \"token_count\" : %u }", word[at + 2]);
    }
    free(word);
    return ASSAY_OK;
}

enum assay_code assay_mlperf_accuracy(const struct assay_run_folder *folder, const struct assay_record *record, struct assay_sink *to, uint64_t *n,
                                      struct assay_error *err)
{
    struct assay_case   c;
    struct assay_graph *g = NULL;
    struct outputs      o = {.to = to, .layout = malloc(sizeof *o.layout)};
    assay_sink_raw(to, "[");
    if (!o.layout)
        (void)ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for outputs");
    else if (!assay_case_parse(record->case_name, &c, err)) {
        if (assay_case_is_served(&c)) /* whose witness is of one step, and not of a request */
            (void)write_requests(assay_run_folder_path(folder), record, &o, err);
        else if (*record->witness_file && !assay_judged_graph(record, &c, &g, err))
            (void)write_sets(folder, record, g, &o, err);
        assay_graph_free(g);
        assay_case_release(&c);
    }
    assay_sink_raw(to, "\n]\n");
    free(o.layout);
    *n = o.n;
    return err->code;
}
