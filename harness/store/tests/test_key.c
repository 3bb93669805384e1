#include "harness/store/key.h"

#include <sys/stat.h>

#include "harness/store/tests/scratch.h"

static void write_text(const char *path, const char *text)
{
    put_bytes(path, text, strlen(text));
    (void)chmod(path, 0600);
}

Test(key, pair_is_written_once_and_the_secret_half_is_for_its_owner_alone)
{
    struct scratch     s = scratch_new();
    struct assay_error err = {0};
    struct assay_key   made = {0}, mine = {0}, theirs = {0};
    struct stat        st;
    char               path[100], public_path[100];
    (void)snprintf(path, sizeof path, "%s/k", s.path);
    (void)snprintf(public_path, sizeof public_path, "%s/k.pub", s.path);
    cr_assert_eq(assay_key_make(path, &made, &err), ASSAY_OK, "%s", err.message);
    cr_expect(!stat(path, &st) && (st.st_mode & 0777) == 0600);
    cr_assert_eq(assay_key_read(path, true, &mine, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(assay_key_read(public_path, false, &theirs, &err), ASSAY_OK, "%s", err.message);
    cr_expect(mine.has_secret && !theirs.has_secret);
    cr_expect_str_eq(mine.public_hex, theirs.public_hex);
    cr_expect_eq(assay_key_make(path, &made, &err), ASSAY_CONFIG);
    cr_expect_eq(assay_key_read(public_path, true, &theirs, &err), ASSAY_DATA);
    cr_expect(strstr(err.message, "no secret half"), "%s", err.message);
    (void)chmod(path, 0640);
    cr_expect_eq(assay_key_read(path, true, &mine, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "its mode is 640"), "%s", err.message);
    scratch_remove(&s);
}

Test(key, signature_holds_for_these_bytes_and_this_key_only)
{
    struct scratch     s = scratch_new();
    struct assay_error err = {0};
    struct assay_key   a = {0}, b = {0};
    char               signature[129], other[129];
    cr_assert(!assay_key_make(in(&s, "a"), &a, &err) && !assay_key_make(in(&s, "b"), &b, &err));
    assay_key_sign(&a, "text", 4, signature);
    cr_expect(assay_key_verify(a.public_hex, signature, "text", 4));
    cr_expect(!assay_key_verify(a.public_hex, signature, "texT", 4));
    cr_expect(!assay_key_verify(a.public_hex, signature, "text", 3));
    cr_expect(!assay_key_verify(b.public_hex, signature, "text", 4));
    for (size_t i = 0; i < 128; i++) {
        memcpy(other, signature, sizeof other);
        other[i] = other[i] == '0' ? '1' : '0';
        cr_expect(!assay_key_verify(a.public_hex, other, "text", 4), "digit %zu", i);
    }
    cr_expect(!assay_key_verify("", "", "text", 4));
    scratch_remove(&s);
}

Test(key, file_that_is_none_is_refused_with_the_place)
{
    static const struct {
        char text[300], says[60];
    } rows[] = {
        {"", "x"},
        {"{\"format\": \"assay-key/2\", \"public\": \"00\"}", "format"},
        {"{\"format\": \"assay-key/1\"}", "public"},
        {"{\"format\": \"assay-key/1\", \"public\": \"00\"}", "64 hex digits"},
        {"{\"format\": \"assay-key/1\", \"public\": \"zz00000000000000000000000000000000000000000000000000000000000000\"}", "64 hex digits"},
        {"{\"format\": \"assay-key/1\", \"pubic\": \"00\"}", "did you mean"},
        {"{\"format\": \"assay-key/1\", \"public\": \"0000000000000000000000000000000000000000000000000000000000000000\", \"secret\": "
         "\"0000000000000000000000000000000000000000000000000000000000000000\"}",
         "not the public half"},
    };
    struct scratch s = scratch_new();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct assay_error err = {0};
        struct assay_key   key = {0};
        write_text(in(&s, "x"), rows[i].text);
        cr_expect_neq(assay_key_read(in(&s, "x"), true, &key, &err), ASSAY_OK, "%s", rows[i].text);
        cr_expect(strstr(err.message, rows[i].says) || strstr(err.hint, rows[i].says), "%zu: %s; %s", i, err.message, err.hint);
        cr_expect(!key.has_secret);
    }
    scratch_remove(&s);
}
