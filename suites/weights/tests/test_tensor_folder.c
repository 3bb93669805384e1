#include "suites/weights/tensor_folder.h"

#include "suites/weights/tests/folder.h"

#include "assay/banned.h"

TestSuite(tensor_folder, .init = folder_make, .fini = folder_remove, .timeout = 60);

static struct assay_error          err;
static struct assay_tensor_folder *f;

#define VECTOR(name) {name, ASSAY_F32, 1, {2}, 1, 1}
#define INDEX "model.safetensors.index.json"

static void two_shards(const char *index)
{
    folder_write("model-1.safetensors", (struct made[]){VECTOR("a"), {NULL}});
    folder_write("model-2.safetensors", (struct made[]){VECTOR("c"), VECTOR("b"), {NULL}});
    folder_text(INDEX, index);
}

#define MAP(entries) "{\"metadata\":{\"total_size\":24},\"weight_map\":{" entries "}}"
#define RIGHT "\"a\":\"model-1.safetensors\",\"b\":\"model-2.safetensors\",\"c\":\"model-2.safetensors\""

static void expect_refused(const char *said)
{
    cr_expect_eq(assay_tensor_folder_open(folder, &f, &err), ASSAY_DATA);
    cr_expect_str_eq(err.message, said);
    cr_expect(strstr(err.frame[0], folder), "%s", err.frame[0]);
}

Test(tensor_folder, reads_the_shards_of_an_index)
{
    size_t n;
    two_shards(MAP(RIGHT));
    cr_assert_eq(assay_tensor_folder_open(folder, &f, &err), ASSAY_OK, "%s", err.message);
    const struct assay_folder_tensor *t = assay_tensor_folder_tensors(f, &n);
    cr_assert_eq(n, 3);
    cr_expect_str_eq(t[0].tensor->name, "a");
    cr_expect_str_eq(t[2].tensor->name, "c");
    cr_expect_str_eq(t[2].file, "model-2.safetensors");
    cr_expect_eq(assay_tensor_folder_find(f, "b"), &t[1]);
    cr_expect_null(assay_tensor_folder_find(f, "d"));
    cr_assert_eq(assay_tensor_folder_n_files(f), 3);
    cr_expect_str_eq(assay_tensor_folder_file(f, 2), INDEX);
    assay_tensor_folder_close(f);
}

Test(tensor_folder, refuses_an_index_that_names_a_tensor_its_shard_lacks)
{
    two_shards(MAP(RIGHT ",\"d\":\"model-1.safetensors\""));
    expect_refused("model-1.safetensors: tensor 'd' is not in it, though the index says so");
}

Test(tensor_folder, refuses_a_tensor_that_the_index_puts_elsewhere)
{
    two_shards(MAP("\"a\":\"model-2.safetensors\",\"b\":\"model-2.safetensors\",\"c\":\"model-1.safetensors\""));
    cr_expect_eq(assay_tensor_folder_open(folder, &f, &err), ASSAY_DATA);
    cr_expect(strstr(err.message, "is not in it, though the index says so"), "%s", err.message);
}

Test(tensor_folder, refuses_a_tensor_that_the_index_lacks)
{
    two_shards(MAP("\"a\":\"model-1.safetensors\",\"b\":\"model-2.safetensors\""));
    expect_refused("model-2.safetensors: tensor 'c' is not in the index");
}

Test(tensor_folder, refuses_shards_outside_of_the_folder)
{
    two_shards(MAP("\"a\":\"../model-1.safetensors\""));
    expect_refused(INDEX ": tensor 'a' is in no file of this folder");
    two_shards(MAP("\"a\":7"));
    expect_refused(INDEX ": tensor 'a' is in no file of this folder");
}

Test(tensor_folder, refuses_a_shard_that_is_missing)
{
    two_shards(MAP(RIGHT ",\"d\":\"model-3.safetensors\""));
    cr_expect_eq(assay_tensor_folder_open(folder, &f, &err), ASSAY_IO);
    cr_expect(strstr(err.message, "model-3.safetensors"), "%s", err.message);
}

Test(tensor_folder, refuses_an_index_without_a_map_or_in_no_JSON)
{
    two_shards("{\"metadata\":{}}");
    expect_refused(INDEX ": it has no weight_map");
    two_shards("{\"weight_map\":{\"a\":\"x\",\"a\":\"x\"}}");
    cr_expect_eq(assay_tensor_folder_open(folder, &f, &err), ASSAY_DATA);
}

Test(tensor_folder, prefers_the_file_that_is_named_as_the_model)
{
    size_t n;
    folder_write("model.safetensors", (struct made[]){VECTOR("a"), {NULL}});
    folder_write("other.safetensors", (struct made[]){VECTOR("a"), VECTOR("b"), {NULL}});
    cr_assert_eq(assay_tensor_folder_open(folder, &f, &err), ASSAY_OK, "%s", err.message);
    (void)assay_tensor_folder_tensors(f, &n);
    cr_expect_eq(n, 1);
    assay_tensor_folder_close(f);
}

Test(tensor_folder, reads_all_there_are_when_none_has_a_usual_name)
{
    size_t n;
    folder_write("y.safetensors", (struct made[]){VECTOR("b"), {NULL}});
    folder_write("x.safetensors", (struct made[]){VECTOR("a"), {NULL}});
    cr_assert_eq(assay_tensor_folder_open(folder, &f, &err), ASSAY_OK, "%s", err.message);
    (void)assay_tensor_folder_tensors(f, &n);
    cr_expect_eq(n, 2);
    assay_tensor_folder_close(f);
    folder_write("z.safetensors", (struct made[]){VECTOR("b"), {NULL}});
    cr_expect_eq(assay_tensor_folder_open(folder, &f, &err), ASSAY_DATA);
    cr_expect(strstr(err.message, "tensor 'b' is in "), "%s", err.message);
}

Test(tensor_folder, takes_a_file_by_itself_and_refuses_an_empty_folder)
{
    char path[128];
    cr_expect_eq(assay_tensor_folder_open(folder, &f, &err), ASSAY_DATA);
    cr_expect(strstr(err.message, "no *.safetensors in '"), "%s", err.message);
    folder_write("one.safetensors", (struct made[]){VECTOR("a"), {NULL}});
    (void)snprintf(path, sizeof path, "%s/one.safetensors", folder);
    cr_assert_eq(assay_tensor_folder_open(path, &f, &err), ASSAY_OK, "%s", err.message);
    cr_expect_str_eq(assay_tensor_folder_file(f, 0), "");
    assay_tensor_folder_close(f);
    cr_expect_eq(assay_tensor_folder_open("/nowhere/at/all", &f, &err), ASSAY_IO);
}
