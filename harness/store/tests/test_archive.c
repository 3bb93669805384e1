#include <fcntl.h>

#include "harness/store/archive.h"
#include "harness/store/tests/scratch.h"

#define LONG_NAME "run/samples/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.queries"

/* An archive of names and texts, in memory; free it. */
static unsigned char *pack(const struct scratch *s, const char *const (*files)[2], size_t n, size_t *bytes)
{
    struct assay_error          err = {0};
    const char                 *path = in(s, "archive");
    struct assay_archive_writer w = {.fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600), .path = path};
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(files[i][1]);
        cr_assert_eq(assay_archive_begin(&w, files[i][0], length, &err), ASSAY_OK, "%s", err.message);
        cr_assert_eq(assay_archive_write(&w, files[i][1], length, &err), ASSAY_OK, "%s", err.message);
        cr_assert_eq(assay_archive_end(&w, i + 1 == n, &err), ASSAY_OK, "%s", err.message);
    }
    (void)close(w.fd);
    return (unsigned char *)get_bytes(path, bytes);
}

static const char *const three[][2] = {{"a.json", "{}"}, {LONG_NAME, "long"}, {"run/x", ""}};

Test(archive, gives_back_what_was_written_and_two_writings_are_the_same_bytes)
{
    struct scratch               s = scratch_new();
    struct assay_error           err = {0};
    struct assay_archive_member *members;
    size_t                       n, bytes, again_bytes;
    unsigned char               *archive = pack(&s, three, 3, &bytes), *again = pack(&s, three, 3, &again_bytes);
    cr_assert(bytes == again_bytes && !memcmp(archive, again, bytes) && bytes % 512 == 0);
    cr_assert_eq(assay_archive_read(archive, bytes, &members, &n, &err), ASSAY_OK, "%s", err.message);
    cr_assert_eq(n, 3u);
    for (size_t i = 0; i < n; i++) {
        cr_expect_str_eq(members[i].name, three[i][0]);
        cr_expect(members[i].bytes == strlen(three[i][1]) && !memcmp(members[i].at, three[i][1], strlen(three[i][1])));
        cr_expect_eq(assay_archive_find(members, n, three[i][0]), &members[i]);
    }
    cr_expect_null(assay_archive_find(members, n, "b"));
    free(members), free(archive), free(again);
    scratch_remove(&s);
}

Test(archive, is_a_tar_to_everybody_else)
{
    struct scratch s = scratch_new();
    char           command[700], line[300] = "";
    size_t         bytes;
    free(pack(&s, three, 3, &bytes));
    (void)snprintf(command, sizeof command, "tar tf %s/archive | tr '\\n' ' '", s.path);
    FILE *tar = popen(command, "r");
    cr_assert(tar && fgets(line, sizeof line, tar));
    (void)pclose(tar);
    cr_expect_str_eq(line, "a.json " LONG_NAME " run/x ");
    scratch_remove(&s);
}

/* But for the contents of files, which have their hashes elsewhere, and the end of a long name: that is then another name. */
Test(archive, any_other_byte_in_it_is_refused_and_named, .timeout = 60)
{
    struct scratch               s = scratch_new();
    struct assay_archive_member *members;
    size_t                       n, bytes;
    unsigned char               *archive = pack(&s, three, 3, &bytes);
    for (size_t i = 0; i < bytes; i++) {
        struct assay_error err = {0};
        bool contents = (i >= 512 && i < 514) || (i >= 512 * 5 && i < 512 * 5 + 4);
        bool name = i >= 512 * 3 + 9 + 100 && i < 512 * 3 + 9 + strlen(LONG_NAME);
        archive[i] ^= 1;
        enum assay_code code = assay_archive_read(archive, bytes, &members, &n, &err);
        archive[i] ^= 1;
        cr_expect_eq(code, contents || (name && !code) ? ASSAY_OK : ASSAY_DATA, "byte %zu: %s", i, err.message);
        if (!code) {
            cr_expect(!name || strcmp(members[1].name, LONG_NAME) != 0);
            free(members);
        } else {
            cr_expect(*err.message && !strchr(err.message, '\n'));
        }
    }
    free(archive);
    scratch_remove(&s);
}

Test(archive, that_ends_early_or_goes_on_is_refused)
{
    struct scratch               s = scratch_new();
    struct assay_archive_member *members;
    size_t                       n, bytes;
    unsigned char               *archive = pack(&s, three, 3, &bytes), *more = calloc(1, bytes + 512);
    for (size_t cut = 0; cut < bytes; cut += cut % 512 == 511 ? 1 : 73) {
        struct assay_error err = {0};
        unsigned char     *exactly = malloc(cut + 1);
        memcpy(exactly, archive, cut);
        cr_expect_eq(assay_archive_read(exactly, cut, &members, &n, &err), ASSAY_DATA, "%zu bytes", cut);
        free(exactly);
    }
    struct assay_error err = {0};
    memcpy(more, archive, bytes);
    cr_expect_eq(assay_archive_read(more, bytes + 512, &members, &n, &err), ASSAY_DATA);
    cr_expect(strstr(err.message, "goes on behind its end"), "%s", err.message);
    free(archive), free(more);
    scratch_remove(&s);
}

Test(archive, names_lead_nowhere_but_in)
{
    static const char good[][32] = {"a", "a/b/c.json", "A_9=+,@-", "run/x.0.bin"},
                      bad[][32] = {"", "/", "/etc/passwd", "../x", "a/../b", "a/./b", "a//b", "a/", ".hidden", "a/.x", "-rf", "a/-b", "a b", "a\\b", "a:b", "a\nb", "\xc3\xa9", "a~"};
    char long_name[ASSAY_ARCHIVE_NAME_BYTES + 1];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect(assay_archive_name_is_good(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect(!assay_archive_name_is_good(bad[i]), "%s", bad[i]);
    memset(long_name, 'a', sizeof long_name);
    long_name[ASSAY_ARCHIVE_NAME_BYTES] = 0;
    cr_expect(!assay_archive_name_is_good(long_name));
    long_name[ASSAY_ARCHIVE_NAME_BYTES - 1] = 0;
    cr_expect(assay_archive_name_is_good(long_name));
}

Test(archive, writer_refuses_names_that_do_not_ascend_and_sizes_that_are_not_kept)
{
    struct scratch              s = scratch_new();
    struct assay_error          err = {0};
    struct assay_archive_writer w = {.fd = open(in(&s, "x"), O_RDWR | O_CREAT, 0600), .path = "x"};
    cr_expect_eq(assay_archive_begin(&w, "../x", 1, &err), ASSAY_CONFIG);
    cr_assert_eq(assay_archive_begin(&w, "b", 2, &err), ASSAY_OK);
    cr_expect_eq(assay_archive_write(&w, "abc", 3, &err), ASSAY_DATA);
    cr_expect_eq(assay_archive_write(&w, "a", 1, &err), ASSAY_OK);
    cr_expect_eq(assay_archive_end(&w, false, &err), ASSAY_DATA);
    cr_expect_eq(assay_archive_write(&w, "b", 1, &err), ASSAY_OK);
    cr_expect_eq(assay_archive_end(&w, false, &err), ASSAY_OK);
    cr_expect_eq(assay_archive_begin(&w, "b", 0, &err), ASSAY_INTERNAL);
    cr_expect_eq(assay_archive_begin(&w, "a", 0, &err), ASSAY_INTERNAL);
    cr_expect_eq(assay_archive_begin(&w, "c", (uint64_t)1 << 33, &err), ASSAY_CONFIG);
    (void)close(w.fd);
    scratch_remove(&s);
}
