#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "harness/model/fitted_file.h"
#include "harness/model/tests/described.h"
#include "harness/store/tests/scratch.h"

TestSuite(fitted_file, .init = find_source);

static const char *const              words[] = {"a", "b"};
static const struct assay_fitted_keys keys = {words, 2, 0, 10};

static struct assay_json_file load(const struct scratch *s, const char *text)
{
    struct assay_json_file file;
    struct assay_error     err = {0};
    put_bytes(in(s, "fit.json"), text, strlen(text));
    cr_assert_eq(assay_fitted_file_load(in(s, "fit.json"), "kernels.json", "fit/1", &file, &err), ASSAY_OK, "%s", err.message);
    return file;
}

Test(fitted_file, without_a_path_is_the_one_that_comes_with_the_program)
{
    struct assay_json_file file;
    struct assay_error     err = {0};
    cr_assert_eq(assay_fitted_file_load(NULL, "kernels.json", "assay-coefficients/1", &file, &err), ASSAY_OK, "%s", err.message);
    cr_expect(strstr(file.path, "backends/coefficients/kernels.json"));
    assay_json_release(&file);
}

Test(fitted_file, what_does_not_fit_its_room_is_refused_and_never_cut)
{
    struct scratch         s = scratch_new();
    struct assay_json_file file = load(&s, "{\"format\":\"fit/1\",\"text\":\"12345678\",\"names\":[\"one\",\"two\",\"12345678\"]}");
    struct assay_error     err = {0};
    char                   out[9], rooms[3][9];
    size_t                 n = 0;
    cr_expect_eq(assay_fitted_file_text(&file, "text", out, 9, &err), ASSAY_OK);
    cr_expect_neq(assay_fitted_file_text(&file, "text", out, 8, &err), ASSAY_OK);
    cr_expect(strstr(err.message, "'text' has at most 7 bytes"), "%s", err.message);
    err = (struct assay_error){0};
    cr_expect_neq(assay_fitted_file_names(&file, "names", rooms[0], 8, 3, &n, &err), ASSAY_OK, "a name too long");
    err = (struct assay_error){0};
    cr_expect_neq(assay_fitted_file_names(&file, "names", rooms[0], 9, 2, &n, &err), ASSAY_OK, "a name too many");
    err = (struct assay_error){0};
    cr_expect_eq(assay_fitted_file_names(&file, "names", rooms[0], 9, 3, &n, &err), ASSAY_OK);
    cr_expect(n == 3 && assay_fitted_names_have(rooms[0], 9, n, "two") && !assay_fitted_names_have(rooms[0], 9, n, "three"));
    assay_json_release(&file);
    scratch_remove(&s);
}

Test(fitted_file, numbers_are_of_known_keys_and_within_their_range)
{
    struct scratch         s = scratch_new();
    struct assay_json_file file = load(&s, "{\"format\":\"fit/1\",\"one\":{\"a\":3},\"other\":{\"a\":3,\"c\":1},\"wide\":{\"a\":11,\"b\":1}}");
    struct assay_error     err = {0};
    double                 out[2] = {1, 1};
    cr_expect_eq(assay_fitted_numbers_read(&file, json_object_get(file.root, "one"), &keys, false, out, &err), ASSAY_OK);
    cr_expect(out[0] == 3 && out[1] == 1, "what is not there stays");
    cr_expect_neq(assay_fitted_numbers_read(&file, json_object_get(file.root, "one"), &keys, true, out, &err), ASSAY_OK, "b is missing");
    err = (struct assay_error){0};
    cr_expect_neq(assay_fitted_numbers_read(&file, json_object_get(file.root, "other"), &keys, false, out, &err), ASSAY_OK, "c is unknown");
    err = (struct assay_error){0};
    cr_expect_neq(assay_fitted_numbers_read(&file, json_object_get(file.root, "wide"), &keys, false, out, &err), ASSAY_OK, "11 is above 10");
    assay_json_release(&file);
    scratch_remove(&s);
}

Test(fitted_file, numbers_are_written_by_five_digits_and_without_what_is_left_out)
{
    json_t *object = assay_fitted_numbers_to_json(&keys, (const double[]){1.0000001, 2.34567891}, 1);
    cr_expect_eq(json_object_size(object), 1u);
    cr_expect_eq(json_number_value(json_object_get(object, "b")), 2.3457);
    json_decref(object);
}
