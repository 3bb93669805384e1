#include "harness/store/bundle.h"

#include <sys/stat.h>

#include "harness/store/tests/scratch.h"

/* Two files in two folders, packed to `to` with a key or without. */
static void make(const struct scratch *s, const char *to, const struct assay_key *key)
{
    struct assay_error          err = {0};
    struct assay_bundle_sources sources = {0};
    json_t                     *about = json_pack("{s:s}", "run", "quick");
    (void)mkdir(in(s, "d"), 0700);
    (void)mkdir(in(s, "d/samples"), 0700);
    put_bytes(in(s, "d/b.txt"), "contents", 8);
    put_bytes(in(s, "d/samples/a.bin"), "\0\1\2", 3);
    put_bytes(in(s, "d/lock"), "1", 1);
    cr_assert_eq(assay_bundle_add_folder(&sources, "run", in(s, "d"), (const char *const[]){"lock", NULL}, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(sources.n, 2u);
    cr_assert_eq(assay_bundle_write(to, &sources, about, key, &err), ASSAY_OK, "%s", err.message);
    json_decref(about);
    assay_bundle_sources_release(&sources);
}

static void expect_found(const char *path, const char *what)
{
    struct assay_bundle b;
    struct assay_error  err = {0};
    cr_assert_eq(assay_bundle_open(path, &b, &err), ASSAY_OK, "%s", err.message);
    bool found = false;
    for (size_t i = 0; i < b.n_findings; i++)
        found = found || strstr(b.findings[i], what);
    cr_expect(found, "not found: %s", what);
    assay_bundle_close(&b);
}

Test(bundle, comes_back_whole_and_signed)
{
    struct scratch      s = scratch_new();
    struct assay_error  err = {0};
    struct assay_key    key = {0};
    struct assay_bundle b;
    size_t              n;
    char                to[100];
    (void)snprintf(to, sizeof to, "%s/x.bundle", s.path);
    cr_assert_eq(assay_key_make(in(&s, "k"), &key, &err), ASSAY_OK);
    make(&s, to, &key);
    cr_assert_eq(assay_bundle_open(to, &b, &err), ASSAY_OK, "%s", err.message);
    cr_expect_eq(b.n_findings, 0u);
    cr_expect(b.is_signed && b.signature_holds);
    cr_expect_str_eq(b.public_hex, key.public_hex);
    cr_expect_str_eq(json_string_value(json_object_get(b.manifest, "run")), "quick");
    cr_expect_eq(assay_bundle_unpack(&b, "run/", in(&s, "out"), &err), ASSAY_OK, "%s", err.message);
    char *bytes = get_bytes(in(&s, "out/samples/a.bin"), &n);
    cr_expect(n == 3 && !memcmp(bytes, "\0\1\2", 3));
    free(bytes);
    cr_expect_eq(assay_bundle_unpack(&b, "run/", in(&s, "out"), &err), ASSAY_CONFIG, "a folder that is not empty is not written to");
    assay_bundle_close(&b);
    scratch_remove(&s);
}

/* The promise: one changed byte anywhere is named, by a finding or, where no bundle is left, by the error. */
static void change_every_byte(bool is_signed)
{
    struct scratch     s = scratch_new();
    struct assay_error err = {0};
    struct assay_key   key = {0};
    size_t             bytes;
    char               to[100], changed[100];
    (void)snprintf(to, sizeof to, "%s/x.bundle", s.path);
    (void)snprintf(changed, sizeof changed, "%s/y.bundle", s.path);
    cr_assert_eq(assay_key_make(in(&s, "k"), &key, &err), ASSAY_OK);
    make(&s, to, is_signed ? &key : NULL);
    char *all = get_bytes(to, &bytes);
    for (size_t i = 0; i < bytes; i++) {
        struct assay_bundle b;
        struct assay_error  why = {0};
        all[i] = (char)(all[i] ^ (1 << i % 7));
        put_bytes(changed, all, bytes);
        all[i] = (char)(all[i] ^ (1 << i % 7));
        enum assay_code code = assay_bundle_open(changed, &b, &why);
        cr_expect(code == ASSAY_DATA ? *why.message != 0 : code == ASSAY_OK && b.n_findings > 0, "byte %zu of %zu", i, bytes);
        assay_bundle_close(&b);
    }
    free(all);
    scratch_remove(&s);
}

Test(bundle, one_changed_byte_anywhere_is_named_when_signed, .timeout = 60)
{
    change_every_byte(true);
}

Test(bundle, one_changed_byte_anywhere_is_named_when_not_signed, .timeout = 60)
{
    change_every_byte(false);
}

/* Somebody who can compute hashes, but has no key, changes a file and writes manifest and seal anew. */
Test(bundle, made_anew_by_another_does_not_hold_the_first_ones_signature)
{
    struct scratch      s = scratch_new();
    struct assay_error  err = {0};
    struct assay_key    theirs = {0}, mine = {0};
    struct assay_bundle b;
    char                to[100];
    (void)snprintf(to, sizeof to, "%s/x.bundle", s.path);
    cr_assert(!assay_key_make(in(&s, "k"), &theirs, &err) && !assay_key_make(in(&s, "l"), &mine, &err));
    memcpy(mine.public_hex, theirs.public_hex, sizeof mine.public_hex); /* says that it is theirs */
    make(&s, to, &mine);
    cr_assert_eq(assay_bundle_open(to, &b, &err), ASSAY_OK);
    cr_expect(b.is_signed && !b.signature_holds && b.n_findings == 1);
    assay_bundle_close(&b);
    expect_found(to, "the signature does not hold");
    scratch_remove(&s);
}

Test(bundle, links_and_pipes_are_not_packed_and_no_file_stands_twice)
{
    struct scratch              s = scratch_new();
    struct assay_error          err = {0};
    struct assay_bundle_sources sources = {0};
    (void)mkdir(in(&s, "d"), 0700);
    cr_assert_eq(symlink("/etc/passwd", in(&s, "d/link")), 0);
    cr_expect_eq(assay_bundle_add_folder(&sources, "run", in(&s, "d"), NULL, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "neither a file nor a folder"), "%s", err.message);
    (void)unlink(in(&s, "d/link"));
    put_bytes(in(&s, "d/a"), "1", 1);
    json_t *about = json_object();
    memset(&err, 0, sizeof err);
    cr_assert(!assay_bundle_add(&sources, "run/a", in(&s, "d/a"), &err) && !assay_bundle_add(&sources, "run/a", in(&s, "d/a"), &err));
    cr_expect_eq(assay_bundle_write(in(&s, "x"), &sources, about, NULL, &err), ASSAY_CONFIG);
    cr_expect(strstr(err.message, "twice"), "%s", err.message);
    memset(&err, 0, sizeof err);
    cr_expect_eq(assay_bundle_add(&sources, "../a", in(&s, "d/a"), &err), ASSAY_CONFIG);
    json_decref(about);
    assay_bundle_sources_release(&sources);
    scratch_remove(&s);
}

Test(bundle, what_is_none_is_refused_in_one_line)
{
    static const char   texts[][40] = {"", "no bundle", "\0\0\0\0"};
    struct scratch      s = scratch_new();
    struct assay_bundle b;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct assay_error err = {0};
        put_bytes(in(&s, "x"), texts[i], i ? 39 : 0);
        cr_expect_eq(assay_bundle_open(in(&s, "x"), &b, &err), ASSAY_DATA, "%zu", i);
        cr_expect(*err.message && !strchr(err.message, '\n'));
        assay_bundle_close(&b);
    }
    scratch_remove(&s);
}
