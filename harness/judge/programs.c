#include "harness/judge/programs.h"

#include "assay/banned.h"

uint32_t assay_judged_programs(const struct assay_record *record, const struct assay_case *what,
                               struct assay_judged_program out[ASSAY_RECORD_MAX_BUCKETS])
{
    const struct assay_load *load = &record->load;
    int64_t largest =
        what->scenario.type && !what->scenario.max_batch ? (int64_t)load->max_batch : what->scenario.max_batch;
    uint32_t n = load->n_buckets ? load->n_buckets - 1 : 0;
    for (uint32_t i = 0; i < n; i++)
        out[i] = (struct assay_judged_program){(uint32_t)load->bucket[i].samples, load->bucket[i].witness_file,
                                               load->bucket[i].witness_sha256};
    out[n] = (struct assay_judged_program){largest > 1 ? (uint32_t)largest : 1, record->witness_file,
                                           record->witness_sha256};
    return n + 1;
}

enum assay_code assay_judged_programs_check(const struct assay_record *record, const struct assay_case *what,
                                            struct assay_error *err)
{
    const struct assay_scenario *s = &what->scenario;
    uint32_t size[ASSAY_BUCKETS_MOST];
    int64_t largest = s->max_batch ? s->max_batch : (int64_t)record->load.max_batch;
    uint32_t n = s->type ? assay_buckets_list(s->buckets, largest, size) : 1, rows = n > 1 ? n : 0;
    bool same = record->load.n_buckets == rows;
    for (uint32_t i = 0; i < rows && same; i++)
        same = record->load.bucket[i].samples == size[i];
    return same ? ASSAY_OK
                : ASSAY_FAIL(err, ASSAY_DATA, "record of '%.100s' has not the programs that its case asks for: %u, not %u",
                             record->case_name, record->load.n_buckets, rows);
}

enum assay_code assay_judged_program_graph(const struct assay_case *what, uint32_t samples, struct assay_graph **out,
                                           struct assay_error *err)
{
    return what->scenario.type ? assay_case_graph_of(what, samples, out, err) : assay_case_graph(what, out, err);
}

enum assay_code assay_judged_graph(const struct assay_record *record, const struct assay_case *what,
                                   struct assay_graph **out, struct assay_error *err)
{
    struct assay_judged_program program[ASSAY_RECORD_MAX_BUCKETS];
    uint32_t n = assay_judged_programs(record, what, program);
    return assay_judged_program_graph(what, program[n - 1].samples, out, err);
}

void assay_judged_join(struct assay_check *all, const struct assay_check *one)
{
    if (!all->outcome) {
        *all = *one;
        return;
    }
    double found = all->cheat_share_found > one->cheat_share_found ? all->cheat_share_found : one->cheat_share_found;
    int    worse = assay_outcome_badness(one->outcome) - assay_outcome_badness(all->outcome);
    if (worse > 0 || (worse == 0 && one->assurance > all->assurance))
        *all = *one;
    all->cheat_share_found = found;
}
