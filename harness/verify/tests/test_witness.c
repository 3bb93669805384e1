#include "harness/verify/tests/simulated.h"

#include <sys/stat.h>

#include "harness/base/file.h"
#include "harness/base/memory.h"
#include "harness/verify/witness_file.h"

#include "assay/banned.h"

static char *read_all(struct simulated *s, size_t *bytes)
{
    struct assay_error err = {.code = ASSAY_OK};
    char              *file = NULL;
    cr_assert_eq(assay_file_read(s->path, 2 * ASSAY_WITNESS_MAX_BYTES, &file, bytes, &err), ASSAY_OK, "%s", err.message);
    return file;
}

static void write_all(struct simulated *s, const char *file, size_t bytes)
{
    FILE *f = fopen(s->path, "wb");
    cr_assert(f);
    cr_assert_eq(fwrite(file, 1, bytes, f), bytes);
    cr_assert_eq(fclose(f), 0);
}

static struct assay_witness_layout layout_of(struct simulated *s, uint32_t chosen)
{
    struct assay_error          err = {.code = ASSAY_OK};
    struct assay_witness_layout l;
    cr_assert_eq(assay_witness_layout(s->graph, SEED, SETS, chosen, &l, &err), ASSAY_OK, "%s", err.message);
    return l;
}

Test(witness, is_the_same_bytes_for_the_same_entropy_and_others_for_another)
{
    struct simulated s;
    size_t           n[3];
    char            *file[3];
    simulate_product(&s, 400, 300, 20);
    for (int i = 0; i < 3; i++) {
        record(&s, honestly, 300, 59, i < 2 ? 11 : 12, NULL);
        file[i] = read_all(&s, &n[i]);
        cr_expect_leq(n[i], ASSAY_WITNESS_MAX_BYTES);
    }
    cr_expect(n[0] == n[1] && !memcmp(file[0], file[1], n[0]));
    cr_expect(n[0] == n[2] && memcmp(file[0], file[2], n[0]));
    for (int i = 0; i < 3; i++)
        free(file[i]);
    put_away(&s);
}

/* Bits differ from iteration to iteration, so that contents come and go. */
static void restless(struct simulated *s, uint64_t iteration, uint32_t set, struct assay_random *random)
{
    (void)random;
    memcpy(s->now, s->honest[set], s->bytes);
    s->now[iteration % s->bytes] ^= 1;
    if (iteration % 3 == 0) /* one in three is the set's usual result */
        memcpy(s->now, s->honest[set], s->bytes);
}

Test(witness, keeps_every_iteration_with_the_same_chance_and_the_exemplar_among_them, .timeout = 240)
{
    enum { RUNS = 3000, ITERATIONS = 60, CHOSEN = 6 };
    struct simulated            s;
    unsigned                    kept[ITERATIONS] = {0}, exemplar[ITERATIONS] = {0}, exemplars = 0;
    simulate_product(&s, 4, 4, 2);
    struct assay_witness_layout l = layout_of(&s, CHOSEN);
    for (uint64_t run_number = 0; run_number < RUNS; run_number++) {
        struct assay_witness_counts counts;
        size_t                      n;
        record(&s, restless, ITERATIONS, CHOSEN, run_number, &counts);
        cr_expect_eq(counts.seen, ITERATIONS);
        cr_expect_eq(counts.kept, CHOSEN);
        char *file = read_all(&s, &n);
        struct assay_witness_layout again;
        struct assay_error          err = {.code = ASSAY_OK};
        cr_assert_eq(assay_witness_inspect((unsigned char *)file, n, CASE_ID, s.graph, &again, &err), ASSAY_OK, "%s", err.message);
        for (uint32_t i = 0; i < CHOSEN; i++) {
            struct assay_witness_kept k;
            struct assay_witness_set  set;
            memcpy(&k, file + l.kept_at + i * sizeof k, sizeof k);
            memcpy(&set, file + l.sets_at + k.set * sizeof set, sizeof set);
            cr_expect_neq(set.exemplar, ASSAY_WITNESS_NONE, "a set with a kept iteration has an exemplar");
            kept[k.iteration]++;
            exemplar[k.iteration] += set.exemplar == k.content;
            exemplars += set.exemplar == k.content;
        }
        free(file);
    }
    /* 3000 * 6 / 60 = 300 expected, deviation sqrt(300 * 0.9) = 16.4; five of them. */
    for (int i = 0; i < ITERATIONS; i++)
        cr_expect(kept[i] > 300 - 82 && kept[i] < 300 + 82, "iteration %d was kept %u times", i, kept[i]);
    double mean = (double)exemplars / ITERATIONS;
    for (int i = 0; i < ITERATIONS; i++)
        cr_expect(exemplar[i] > 0.65 * mean && exemplar[i] < 1.35 * mean, "iteration %d was an exemplar %u times of %g", i,
                  exemplar[i], mean);
    put_away(&s);
}

/* What a block says of a content is what the content's own iteration left, whoever had the place before. */
Test(witness, describes_the_contents_that_are_kept_in_the_end)
{
    struct simulated s;
    size_t           n;
    simulate_product(&s, 40, 30, 2);
    struct assay_witness_layout l = layout_of(&s, 12);
    struct assay_witness_counts counts;
    record(&s, restless, 500, 12, 3, &counts);
    char    *file = read_all(&s, &n);
    uint64_t equal = 0;
    for (uint32_t i = 0; i < 12; i++) {
        struct assay_witness_kept    k;
        struct assay_witness_content c;
        const struct assay_witness_part *part = assay_witness_parts(&l, ASSAY_WITNESS_CONTENT);
        memcpy(&k, file + l.kept_at + i * sizeof k, sizeof k);
        memcpy(&c, file + l.contents_at + k.content * sizeof c, sizeof c);
        restless(&s, k.iteration, k.set, NULL);
        struct assay_hash128 hash = assay_hash_join((struct assay_hash128){0, 0}, assay_hash_bytes(s.now, s.bytes));
        cr_expect(hash.low == c.hash.low && hash.high == c.hash.high);
        for (uint64_t e = 0; e < part->sample; e++) {
            uint64_t at = assay_witness_place(assay_witness_key(SEED, CASE_ID, 0, k.set), part->elements, part->sample, e);
            cr_expect(!memcmp(file + assay_witness_content_at(&l, k.content) + part->sample_at + 4 * e, s.now + 4 * at, 4));
        }
    }
    for (uint32_t i = 0; i < 12; i++) {
        struct assay_witness_content c;
        memcpy(&c, file + l.contents_at + i * sizeof c, sizeof c);
        equal += c.kept ? c.seen : 0;
    }
    cr_expect_eq(equal, counts.equal);
    free(file);
    put_away(&s);
}

Test(witness, counts_what_is_equal_and_allocates_nothing_while_recording)
{
    struct simulated            s;
    struct assay_error          err = {.code = ASSAY_OK};
    struct assay_witness       *w;
    simulate_product(&s, 300, 300, 2);
    struct assay_witness_setup  setup = {.path = s.path, .case_id = CASE_ID, .graph = s.graph, .seed = SEED, .entropy = 5,
                                         .sets = SETS, .chosen = 8};
    cr_assert_eq(assay_witness_new(&setup, &w, &err), ASSAY_OK, "%s", err.message);
    struct assay_allocations before = assay_allocations_so_far();
    for (uint64_t i = 0; i < 400; i++) {
        const void       *outputs[1] = {s.now};
        struct assay_seen seen = {i, (uint32_t)(i % SETS), i << 24, outputs, NULL};
        restless(&s, i, seen.set, NULL);
        assay_witness_see(w, &seen);
        assay_witness_batch_end(w);
    }
    struct assay_allocations    after = assay_allocations_so_far();
    struct assay_witness_counts counts = assay_witness_counts(w);
    cr_expect_eq(after.by_harness, before.by_harness);
    cr_expect_eq(counts.seen, 400);
    cr_expect_eq(counts.kept, 8);
    cr_expect_geq(counts.equal, 8);
    cr_expect_eq(assay_witness_close(w, &err), ASSAY_OK, "%s", err.message);
    put_away(&s);
}

/* ---- files that are not what they should be -------------------------------------------------------------------- */

static enum assay_code try(struct simulated *s, const char *case_id, struct assay_error *err)
{
    struct assay_check out = {.outcome = 0};
    enum assay_code    code;
    memset(err, 0, sizeof *err);
    code = assay_witness_check(s->path, case_id, s->graph, fill, NULL, 1e7, &out, err);
    cr_expect(code == ASSAY_DATA || (code == ASSAY_OK && out.outcome >= ASSAY_PASS && out.outcome <= ASSAY_NOT_CHECKED),
              "code %d outcome %d: %s", (int)code, (int)out.outcome, err->message);
    return code;
}

Test(witness, is_refused_when_it_is_torn_or_of_another_case, .timeout = 60)
{
    struct simulated   s;
    struct assay_error err;
    size_t             n;
    simulate_product(&s, 16, 16, 4);
    record(&s, honestly, 100, 10, 1, NULL);
    char *file = read_all(&s, &n);
    cr_expect_eq(try(&s, CASE_ID, &err), ASSAY_OK);
    cr_expect_eq(try(&s, "0123456789abcdee", &err), ASSAY_DATA);
    cr_expect(strstr(err.message, "another case"), "%s", err.message);
    for (size_t cut = 0; cut < n; cut += cut < 300 ? 1 : 997) {
        write_all(&s, file, cut);
        cr_expect_eq(try(&s, CASE_ID, &err), ASSAY_DATA, "%zu bytes", cut);
    }
    for (size_t at = 0; at < n; at += at < 1200 ? 1 : 199) { /* any change is seen by the checksum */
        file[at] ^= 0x10;
        write_all(&s, file, n);
        cr_expect_eq(try(&s, CASE_ID, &err), ASSAY_DATA, "byte %zu", at);
        file[at] ^= 0x10;
    }
    memset(file, 0, sizeof(struct assay_witness_header)); /* as a killed worker leaves it */
    write_all(&s, file, n);
    cr_expect_eq(try(&s, CASE_ID, &err), ASSAY_DATA);
    cr_expect(strstr(err.message, "not completed"), "%s", err.message);
    free(file);
    put_away(&s);
}

Test(witness, is_judged_or_refused_but_never_believed_blindly_when_its_checksum_was_mended, .timeout = 120)
{
    struct simulated    s;
    struct assay_error  err;
    struct assay_random random;
    size_t              n;
    int                 refused = 0;
    assay_random_init(&random, 77);
    simulate_product(&s, 16, 16, 4);
    record(&s, restless, 100, 10, 1, NULL);
    char *file = read_all(&s, &n), *spoiled = malloc(n);
    for (int i = 0; i < 3000; i++) {
        memcpy(spoiled, file, n);
        for (int k = 0; k < 1 + i % 3; k++) {
            size_t most = i % 2 ? n : sizeof(struct assay_witness_header) + 800;
            spoiled[assay_random_below(&random, most)] ^= (char)(1 + assay_random_below(&random, 255));
        }
        assay_witness_seal((unsigned char *)spoiled, n);
        write_all(&s, spoiled, n);
        refused += try(&s, CASE_ID, &err) == ASSAY_DATA;
    }
    cr_expect(refused > 300 && refused < 3000, "%d", refused);
    free(spoiled);
    free(file);
    put_away(&s);
}

Test(witness, refuses_setups_that_it_cannot_keep)
{
    struct simulated      s;
    struct assay_error    err = {.code = ASSAY_OK};
    struct assay_witness *w;
    simulate_product(&s, 4, 4, 4);
    struct assay_witness_setup good = {.path = s.path, .case_id = CASE_ID, .graph = s.graph, .sets = 8, .chosen = 59}, bad = good;
    bad.sets = 0;
    cr_expect_eq(assay_witness_new(&bad, &w, &err), ASSAY_CONFIG);
    bad = good, bad.chosen = 0;
    cr_expect_eq(assay_witness_new(&bad, &w, &err), ASSAY_CONFIG);
    bad = good, bad.chosen = 1u << 31;
    cr_expect_eq(assay_witness_new(&bad, &w, &err), ASSAY_CONFIG);
    bad = good, bad.case_id = "0123456789abcdef0";
    cr_expect_eq(assay_witness_new(&bad, &w, &err), ASSAY_CONFIG);
    bad = good, bad.path = "/nowhere/at/all";
    cr_expect_eq(assay_witness_new(&bad, &w, &err), ASSAY_IO);
    put_away(&s);
}
