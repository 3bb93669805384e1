#include "harness/judge/tests/findings_sample.h"

#include <dirent.h>

#include "harness/store/tests/scratch.h"

static struct assay_error err;

Test(findings, a_model_document_is_read_as_it_was_written)
{
    struct scratch        s = scratch_new();
    struct assay_findings f;
    json_t               *document = sample_model_document("a text");
    cr_assert_eq(assay_findings_write(in(&s, "new/folder"), ASSAY_FINDINGS_MODEL, document, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_findings_read(in(&s, "new/folder"), &f, &err), ASSAY_OK, "%s", err.message);
    cr_assert(f.has_model && !f.has_training && f.model.n == 3);
    cr_expect(json_equal(f.model.document, document));
    cr_expect_str_eq(f.model.backend, "a text");
    const struct assay_model_case *c = &f.model.cases[0];
    cr_expect(c->outcome == ASSAY_FAIL && c->search.nodes == 4 && c->search.diverging == 2 && c->search.left_out == 5 && c->search.n == 4);
    cr_expect(c->search.has_first && c->search.first.ratio == 7.5 && c->search.outputs_ratio == 3.25);
    cr_expect(isinf(c->search.value[2].ratio) && c->search.value[2].diverges, "JSON has no infinity: what diverges without a number is that");
    cr_expect_eq(assay_model_search_telling(&c->search), &c->search.first);
    cr_expect_eq(assay_model_search_telling(&f.model.cases[1].search), &f.model.cases[1].search.value[0], "none diverges: the nearest");
    cr_expect_null(assay_model_search_telling(&f.model.cases[2].search));
    cr_expect(c->search.value[3].in == 1.5e-7 && c->search.value[3].carried == 2.5e-7 && c->search.value[3].added == 3.5e-7 &&
              c->search.value[3].out == 4.5e-7 && !c->search.value[3].diverges);
    cr_expect(c->quality.choices.outcome == ASSAY_FAIL && c->quality.right == 30 && c->quality.loss_ratio == 0.25 && c->quality.steps == 600);
    cr_expect(c->tokens.sequences == 2 && c->tokens.choices.first_wrong.there && c->tokens.choices.first_wrong.item == 13 &&
              c->tokens.choices.first_undecided.margin == 0.0625);
    cr_expect(!f.model.cases[1].search.has_first && isnan(f.model.cases[1].search.outputs_ratio) && !f.model.cases[1].quality.choices.outcome);
    cr_expect(f.model.cases[2].outcome == ASSAY_NOT_CHECKED && !f.model.cases[2].search.outcome && f.model.cases[2].search.n == 0);
    assay_findings_release(&f);
    json_decref(document);
    scratch_remove(&s);
}

/* The names in the folder that begin with that of the document. */
static size_t documents(const struct scratch *s)
{
    size_t         n = 0;
    DIR           *folder = opendir(in(s, "kept"));
    struct dirent *entry;
    cr_assert(folder);
    while ((entry = readdir(folder)))
        n += !strncmp(entry->d_name, ASSAY_FINDINGS_MODEL, strlen(ASSAY_FINDINGS_MODEL));
    closedir(folder);
    return n;
}

Test(findings, what_was_found_earlier_is_kept_beside_what_is_found_now)
{
    struct scratch s = scratch_new();
    json_t        *one = sample_model_document("one"), *other = sample_model_document("other"), *third = sample_model_document("third");
    cr_expect_eq(assay_findings_write(in(&s, "kept"), ASSAY_FINDINGS_MODEL, one, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(assay_findings_write(in(&s, "kept"), ASSAY_FINDINGS_MODEL, one, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(documents(&s), 1u, "the same again is no other finding");
    cr_expect_eq(assay_findings_write(in(&s, "kept"), ASSAY_FINDINGS_MODEL, other, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(assay_findings_write(in(&s, "kept"), ASSAY_FINDINGS_MODEL, third, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(documents(&s), 3u, "also within a second");
    json_decref(one), json_decref(other), json_decref(third);
    scratch_remove(&s);
}

Test(findings, shapes_of_a_node_are_those_of_its_inputs_and_of_its_value)
{
    struct assay_model_findings f;
    char                        room[100];
    struct assay_text           text = ASSAY_TEXT(room);
    cr_assert_eq(assay_model_findings_of(sample_model_document("f32[2]"), "m", &f, &err), ASSAY_OK, "%s", err.message);
    assay_model_layer_shapes(&f.cases[0].search.value[1], &text);
    cr_expect_str_eq(room, "f32[2] -> f32[4,64]");
    assay_model_findings_release(&f);
}

Test(findings, a_training_document_gives_what_it_was_made_of)
{
    struct scratch                 s = scratch_new();
    struct assay_training_findings made;
    struct assay_findings          f;
    sample_training_findings("cpu:host,threads=2", &made);
    json_t *document = assay_training_findings_to_json(&made);
    cr_assert_eq(assay_findings_write(s.path, ASSAY_FINDINGS_TRAINING, document, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_findings_read(s.path, &f, &err), ASSAY_OK, "%s", err.message);
    cr_assert(f.has_training && !f.has_model);
    json_t *again = assay_training_findings_to_json(&f.training);
    cr_expect(json_equal(again, document), "nothing that stands in it is lost");
    cr_expect(f.training.trainings.result.only_b == 1 && f.training.trainings.result.missing == 1 && f.training.trainings.result.pairs == 5);
    cr_expect_str_eq(f.training.trainings.result.why, made.trainings.result.why);
    json_decref(again);
    json_decref(document);
    assay_findings_release(&f);
    assay_training_findings_release(&made);
    scratch_remove(&s);
}

Test(findings, a_training_that_compared_nothing_has_gradients_alone)
{
    struct assay_training_findings made, f;
    sample_training_findings("x", &made);
    made.compared = false;
    json_t *document = assay_training_findings_to_json(&made);
    cr_assert_eq(assay_training_findings_of(document, "t", &f, &err), ASSAY_OK, "%s", err.message);
    cr_expect(!f.compared && f.gradients.n_rows == 3 && f.gradients.rows[1].is_gradient && !f.gradients.rows[2].is_gradient);
    json_decref(document);
    assay_training_findings_release(&f);
    assay_training_findings_release(&made);
}

Test(findings, a_folder_is_called_by_the_last_part_of_its_path)
{
    static const struct {
        char path[20], name[20];
    } rows[] = {{"out/model-cpu", "model-cpu"}, {"out/model-cpu//", "model-cpu"}, {"here", "here"}, {"/", "/"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct assay_findings f;
        cr_expect_eq(assay_findings_read(rows[i].path, &f, &err), ASSAY_OK, "%s", err.message);
        cr_expect_str_eq(assay_findings_name(&f), rows[i].name);
        assay_findings_release(&f);
    }
}

Test(findings, a_folder_without_any_is_no_error)
{
    struct scratch        s = scratch_new();
    struct assay_findings f;
    cr_expect_eq(assay_findings_read(s.path, &f, &err), ASSAY_OK, "%s", err.message);
    cr_expect(!f.has_model && !f.has_training);
    assay_findings_release(&f);
    scratch_remove(&s);
}

/* One clear line for each, with the file and the case. */
Test(findings, what_is_no_document_is_told_with_its_place)
{
    static const struct {
        char name[20], bytes[200], said[80];
    } rows[] = {
        {ASSAY_FINDINGS_MODEL, "{\"format\": \"assay-model/1\", \"cases\": [", "model.json:"},
        {ASSAY_FINDINGS_MODEL, "{\"format\": \"assay-model/2\", \"cases\": []}", "assay-model/1"},
        {ASSAY_FINDINGS_MODEL, "{\"format\": \"assay-model/1\"}", "'cases' must be a list"},
        {ASSAY_FINDINGS_MODEL, "{\"format\": \"assay-model/1\", \"cases\": [{\"outcome\": \"pass\"}]}", "case 1 has no name"},
        {ASSAY_FINDINGS_MODEL, "{\"format\": \"assay-model/1\", \"cases\": [{\"case\": \"x\", \"outcome\": \"pass\"}, {\"case\": \"y\", \"outcome\": 3}]}",
         "all of case 2 has no outcome"},
        {ASSAY_FINDINGS_MODEL, "{\"format\": \"assay-model/1\", \"cases\": [{\"case\": \"x\", \"outcome\": \"pass\", \"layers\": {}}]}",
         "'layers' of case 1 has no outcome"},
        {ASSAY_FINDINGS_TRAINING, "{\"format\": \"assay-training/1\"}", "'gradients' must be a list"},
        {ASSAY_FINDINGS_TRAINING, "{\"format\": \"assay-training/1\", \"gradients\": [7]}", "case 1 of 'gradients'"},
        {ASSAY_FINDINGS_TRAINING, "{\"format\": \"assay-training/1\", \"gradients\": [], \"trainings\": {}}", "needs an outcome and a list of pairs"},
        {ASSAY_FINDINGS_TRAINING,
         "{\"format\": \"assay-training/1\", \"gradients\": [], \"trainings\": {\"equivalence\": {\"outcome\": \"undecided\", \"pairs\": [{}]}}}",
         "a training of pair 1 has no end"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scratch        s = scratch_new();
        struct assay_findings f;
        struct assay_error    why = {0};
        put_bytes(in(&s, rows[i].name), rows[i].bytes, strlen(rows[i].bytes));
        cr_expect_eq(assay_findings_read(s.path, &f, &why), ASSAY_DATA, "row %zu: %d", i, (int)why.code);
        cr_expect(strstr(why.message, rows[i].said), "row %zu: %s", i, why.message);
        assay_findings_release(&f);
        scratch_remove(&s);
    }
}
