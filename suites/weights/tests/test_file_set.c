#include "suites/weights/file_set.h"

#include <fcntl.h>

#include "suites/weights/tests/folder.h"

#include "assay/banned.h"

static struct assay_error    err;
static struct assay_file_set set;

static void set_up(void)
{
    folder_make();
    folder_text("a", "one");
    cr_assert_eq(assay_file_set_init(&set, folder, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_file_set_add(&set, "a", &err), ASSAY_OK, "%s", err.message);
}

static void tear_down(void)
{
    assay_file_set_release(&set);
    folder_remove();
}

TestSuite(file_set, .init = set_up, .fini = tear_down, .timeout = 60);

Test(file_set, holds_while_nothing_changes)
{
    cr_expect_eq(assay_file_set_add(&set, "a", &err), ASSAY_OK);
    cr_expect_eq(set.n, 1);
    cr_expect_eq(assay_file_set_check(&set, &err), ASSAY_OK, "%s", err.message);
}

Test(file_set, finds_another_content_another_length_and_nothing)
{
    char path[128];
    folder_text("a", "two");
    cr_expect_eq(assay_file_set_check(&set, &err), ASSAY_DATA);
    cr_expect(strstr(err.message, "/a' is not the file that was run with: it has another SHA-256"), "%s", err.message);
    folder_text("a", "three");
    cr_expect_eq(assay_file_set_check(&set, &err), ASSAY_DATA);
    cr_expect(strstr(err.message, "5 bytes were 3"), "%s", err.message);
    (void)snprintf(path, sizeof path, "%s/a", folder);
    (void)unlink(path);
    cr_expect_eq(assay_file_set_check(&set, &err), ASSAY_IO);
}

/* A sparse file above the limit, one byte of it changed at a time. */
Test(file_set, samples_a_large_file_at_its_ends_and_in_every_MiB)
{
    static const struct { int64_t place; bool seen; } all[] = {
        {8, true}, {(16 << 20) - 1, true}, {(40 << 20) + 4095, true}, {(40 << 20) + 4096, false}, {(80 << 20) - 1, true}};
    char path[128];
    (void)snprintf(path, sizeof path, "%s/large", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    cr_assert(fd >= 0 && ftruncate(fd, 80 << 20) == 0);
    cr_assert_eq(assay_file_set_add(&set, "large", &err), ASSAY_OK, "%s", err.message);
    cr_expect_not(set.files[1].whole);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        cr_assert_eq(pwrite(fd, "x", 1, all[i].place), 1);
        cr_expect_eq(assay_file_set_check(&set, &err), all[i].seen ? ASSAY_DATA : ASSAY_OK, "at %lld", (long long)all[i].place);
        cr_assert_eq(pwrite(fd, "\0", 1, all[i].place), 1);
    }
    (void)close(fd);
}

Test(file_set, comes_back_from_JSON_as_it_was)
{
    struct assay_file_set again;
    json_t               *json = assay_file_set_to_json(&set);
    cr_assert_eq(assay_file_set_from_json(json, &again, &err), ASSAY_OK, "%s", err.message);
    cr_expect_str_eq(again.path, set.path);
    cr_assert_eq(again.n, 1);
    cr_expect_str_eq(again.files[0].sha256, set.files[0].sha256);
    cr_expect(again.files[0].whole && again.files[0].bytes == 3);
    cr_expect_eq(assay_file_set_check(&again, &err), ASSAY_OK);
    assay_file_set_release(&again);
    json_decref(json);
}

Test(file_set, refuses_JSON_that_leads_elsewhere)
{
    static const char *const wrong[] = {
        "{\"path\":\"rel\",\"files\":[]}",
        "{\"path\":\"/a\",\"files\":7}",
        "{\"path\":\"/a\",\"files\":[{\"file\":\"../b\",\"bytes\":1,\"sha256_of\":\"all\",\"sha256\":\"%s\"}]}",
        "{\"path\":\"/a\",\"files\":[{\"file\":\"b\",\"bytes\":-1,\"sha256_of\":\"all\",\"sha256\":\"%s\"}]}",
        "{\"path\":\"/a\",\"files\":[{\"file\":\"b\",\"bytes\":1,\"sha256_of\":\"some\",\"sha256\":\"%s\"}]}",
        "{\"path\":\"/a\",\"files\":[{\"file\":\"b\",\"bytes\":1,\"sha256_of\":\"all\",\"sha256\":\"12\"}]}",
        "{\"path\":\"/a\",\"files\":[],\"more\":1}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[512];
        (void)snprintf(text, sizeof text, wrong[i], set.files[0].sha256);
        json_t               *json = json_loads(text, 0, NULL);
        struct assay_file_set out;
        cr_assert(json, "%s", text);
        cr_expect_eq(assay_file_set_from_json(json, &out, &err), ASSAY_DATA, "%s", text);
        json_decref(json);
    }
}
