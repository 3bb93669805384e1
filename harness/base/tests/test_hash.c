#include "harness/base/hash.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Test(hash, sha256_gives_the_vectors_of_fips_180)
{
    static char million_a[1000000];
    char out[65];
    assay_sha256_hex("", 0, out);
    cr_expect_str_eq(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assay_sha256_hex(NULL, 0, out);
    cr_expect_str_eq(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assay_sha256_hex("abc", 3, out);
    cr_expect_str_eq(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assay_sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, out);
    cr_expect_str_eq(out, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    memset(million_a, 'a', sizeof million_a);
    assay_sha256_hex(million_a, sizeof million_a, out);
    cr_expect_str_eq(out, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

Test(hash, sha256_of_a_file_is_that_of_its_bytes)
{
    /* Around the size of a piece that is read at once. */
    static const size_t sizes[] = {0, 1, 32767, 32768, 32769, 100000};
    static unsigned char bytes[100000];
    char path[] = "/tmp/assay-hash-XXXXXX", of_file[65], of_bytes[65];
    struct assay_error err = {0};
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 7 + i / 251);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        cr_assert_eq(ftruncate(fd, 0), 0);
        cr_assert_eq(pwrite(fd, bytes, sizes[i], 0), (ssize_t)sizes[i]);
        cr_expect_eq(assay_sha256_file(path, of_file, &err), ASSAY_OK);
        assay_sha256_hex(bytes, sizes[i], of_bytes);
        cr_expect_str_eq(of_file, of_bytes, "%zu bytes", sizes[i]);
    }
    close(fd);
    unlink(path);
}

Test(hash, sha256_refuses_what_is_no_readable_file_and_leaves_the_output, .timeout = 20)
{
    char folder[] = "/tmp/assay-hash-XXXXXX", pipe_path[64], out[65] = "unchanged";
    struct assay_error err = {0};
    cr_assert_not_null(mkdtemp(folder));
    snprintf(pipe_path, sizeof pipe_path, "%s/pipe", folder);
    cr_expect_eq(assay_sha256_file(pipe_path, out, &err), ASSAY_IO);
    cr_expect_not_null(strstr(err.message, pipe_path), "%s", err.message);
    cr_expect_not_null(strstr(err.message, "No such file"), "%s", err.message);
    cr_expect_eq(err.sys_errno, ENOENT);
    cr_assert_eq(mkfifo(pipe_path, 0600), 0);
    cr_expect_eq(assay_sha256_file(pipe_path, out, &err), ASSAY_IO, "a pipe is refused, not waited for");
    cr_expect_not_null(strstr(err.message, "not a regular file"), "%s", err.message);
    cr_expect_eq(assay_sha256_file(folder, out, &err), ASSAY_IO);
    cr_expect_eq(assay_sha256_file("/dev/zero", out, &err), ASSAY_IO, "an endless device is refused");
    cr_expect_str_eq(out, "unchanged");
    unlink(pipe_path);
    rmdir(folder);
}

Test(hash, xxh3_gives_the_values_of_its_specification)
{
    struct assay_hash128 empty = assay_hash_bytes("", 0);
    cr_expect_eq(empty.low, 0x6001c324468d497full);
    cr_expect_eq(empty.high, 0x99aa06d3014798d8ull);
    empty = assay_hash_bytes(NULL, 0);
    cr_expect_eq(empty.low, 0x6001c324468d497full);
    cr_expect_eq(assay_hash_text("", 0), 0x2d06800538d394c2ull);
}

static bool same(struct assay_hash128 a, struct assay_hash128 b)
{
    return a.low == b.low && a.high == b.high;
}

Test(hash, every_bit_of_the_data_counts)
{
    unsigned char data[300] = {0};
    struct assay_hash128 plain = assay_hash_bytes(data, sizeof data);
    cr_expect_not(same(plain, assay_hash_bytes(data, sizeof data - 1)));
    for (size_t bit = 0; bit < sizeof data * 8; bit++) {
        data[bit / 8] ^= (unsigned char)(1u << bit % 8);
        cr_expect_not(same(plain, assay_hash_bytes(data, sizeof data)), "bit %zu", bit);
        data[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
}

Test(hash, join_depends_on_order_and_on_every_half)
{
    const struct assay_hash128 a = {1, 2}, b = {3, 4};
    static const unsigned char bytes[32] = {[0] = 1, [8] = 2, [16] = 3, [24] = 4};
    cr_expect(same(assay_hash_join(a, b), assay_hash_bytes(bytes, sizeof bytes)), "the layout the header states");
    cr_expect_not(same(assay_hash_join(a, b), assay_hash_join(b, a)));
    cr_expect_not(same(assay_hash_join(a, b), assay_hash_join((struct assay_hash128){2, 1}, b)));
    cr_expect_not(same(assay_hash_join(a, b), assay_hash_join(a, (struct assay_hash128){3, 5})));
}

Test(hash, text_depends_on_text_and_seed)
{
    cr_expect_eq(assay_hash_text("gemm", 1), assay_hash_text("gemm", 1));
    cr_expect_neq(assay_hash_text("gemm", 1), assay_hash_text("gemm", 2));
    cr_expect_neq(assay_hash_text("gemm", 1), assay_hash_text("gemn", 1));
}
