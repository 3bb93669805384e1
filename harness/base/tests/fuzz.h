/* What the targets of ci/fuzz share: bytes as a file without a disk, an input of several parts, properties. */
#ifndef ASSAY_BASE_TESTS_FUZZ_H
#define ASSAY_BASE_TESTS_FUZZ_H

#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define FUZZ_FILES 64
#define FUZZ_SEPARATOR 0x1e /* between the parts of an input; no text of ours has it */

/* What must hold for every input; more than "it did not crash". */
#define FUZZ_HOLDS(condition)                                                                     \
    do {                                                                                          \
        if (!(condition)) {                                                                       \
            (void)fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                              \
        }                                                                                         \
    } while (0)

/* File number `slot` then has these bytes; its path, which stays the same. */
static inline const char *fuzz_file(unsigned slot, const void *data, size_t bytes)
{
    static int  fd[FUZZ_FILES]; /* 0: not made yet */
    static char path[FUZZ_FILES][32];
    FUZZ_HOLDS(slot < FUZZ_FILES);
    if (!fd[slot]) {
        fd[slot] = memfd_create("fuzz", MFD_CLOEXEC);
        FUZZ_HOLDS(fd[slot] > 0);
        (void)snprintf(path[slot], sizeof path[slot], "/proc/self/fd/%d", fd[slot]);
    }
    FUZZ_HOLDS(ftruncate(fd[slot], 0) == 0 && pwrite(fd[slot], data, bytes, 0) == (ssize_t)bytes);
    return path[slot];
}

/* A text of exactly this size, so that a read behind its end is seen. Free it. */
static inline char *fuzz_text(const void *data, size_t bytes)
{
    char *text = malloc(bytes + 1);
    FUZZ_HOLDS(text);
    if (bytes)
        memcpy(text, data, bytes);
    text[bytes] = 0;
    return text;
}

/* Takes the next part off the input. */
static inline const uint8_t *fuzz_part(const uint8_t **data, size_t *bytes, size_t *part_bytes)
{
    static const uint8_t none[1];
    const uint8_t       *part = *bytes ? *data : none, *end = *bytes ? memchr(part, FUZZ_SEPARATOR, *bytes) : NULL;
    *part_bytes = end ? (size_t)(end - part) : *bytes;
    *data = end ? end + 1 : part + *bytes;
    *bytes -= *part_bytes + (end ? 1 : 0);
    return part;
}

/* ---- a folder whose files are links to such files ---- */

static char fuzz_folder_path[64];

static inline int fuzz_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static inline void fuzz_folder_remove(void)
{
    (void)nftw(fuzz_folder_path, fuzz_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Made once, gone when the program ends. */
static inline const char *fuzz_folder(void)
{
    const char *below = getenv("TMPDIR");
    if (*fuzz_folder_path)
        return fuzz_folder_path;
    (void)snprintf(fuzz_folder_path, sizeof fuzz_folder_path, "%.40s/assay-fuzz-XXXXXX", below ? below : "/tmp");
    FUZZ_HOLDS(mkdtemp(fuzz_folder_path) && atexit(fuzz_folder_remove) == 0);
    return fuzz_folder_path;
}

/* "a/b/c" in the folder, with the folders above it, is file number `slot`. */
static inline void fuzz_folder_link(const char *name, unsigned slot)
{
    char path[300];
    (void)snprintf(path, sizeof path, "%s/%.200s", fuzz_folder(), name);
    for (char *slash = path + strlen(fuzz_folder()) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        (void)mkdir(path, 0777);
        *slash = '/';
    }
    FUZZ_HOLDS(symlink(fuzz_file(slot, "", 0), path) == 0);
}

#endif
