#include "suites/weights/tensor_folder.h"

#include <dirent.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/strings.h"
#include "suites/weights/tensor_list.h"

#include "assay/banned.h"

#define INDEX_NAME "model.safetensors.index.json"
#define INDEX_MOST ((size_t)64 << 20)
#define FILES_MOST 4096

struct shard {
    char                      name[256];
    struct assay_tensor_file *file; /* NULL: the index */
};

struct assay_tensor_folder {
    char                        path[4096];
    struct shard               *shards; /* by name */
    size_t                      n_shards;
    struct assay_folder_tensor *tensors; /* by name */
    size_t                      n;
};

void assay_tensor_folder_close(struct assay_tensor_folder *folder)
{
    if (!folder)
        return;
    for (size_t i = 0; i < folder->n_shards; i++)
        assay_tensor_file_close(folder->shards[i].file);
    free(folder->shards);
    free(folder->tensors);
    free(folder);
}

const struct assay_folder_tensor *assay_tensor_folder_tensors(const struct assay_tensor_folder *folder, size_t *n)
{
    *n = folder->n;
    return folder->tensors;
}

size_t assay_tensor_folder_n_files(const struct assay_tensor_folder *folder)
{
    return folder->n_shards;
}

const char *assay_tensor_folder_file(const struct assay_tensor_folder *folder, size_t i)
{
    return folder->shards[i].name;
}

static int by_name(const void *name, const void *entry)
{
    return strcmp(name, ((const struct assay_folder_tensor *)entry)->tensor->name);
}

const struct assay_folder_tensor *assay_tensor_folder_find(const struct assay_tensor_folder *folder, const char *name)
{
    return folder->n ? bsearch(name, folder->tensors, folder->n, sizeof *folder->tensors, by_name) : NULL;
}

/* ---- which files ----------------------------------------------------------------------------------------------- */

static enum assay_code no_memory(struct assay_error *err)
{
    return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a list of tensors");
}

/* Once, however often it is named. */
static enum assay_code add_shard(struct assay_tensor_folder *f, const char *name, struct assay_error *err)
{
    for (size_t i = 0; i < f->n_shards; i++)
        if (!strcmp(f->shards[i].name, name))
            return ASSAY_OK;
    if (f->n_shards == FILES_MOST)
        return ASSAY_FAIL(err, ASSAY_DATA, "more than %d files of weights", FILES_MOST);
    struct shard *more = reallocarray(f->shards, f->n_shards + 1, sizeof *more);
    if (!more)
        return no_memory(err);
    f->shards = more;
    more[f->n_shards] = (struct shard){.file = NULL};
    if (!assay_string_copy(more[f->n_shards].name, sizeof more[0].name, name))
        return ASSAY_FAIL(err, ASSAY_DATA, "a file's name is too long: '%.100s'", name);
    f->n_shards++;
    return ASSAY_OK;
}

static bool is_plain_name(const char *name)
{
    return *name && *name != '.' && !strchr(name, '/');
}

static enum assay_code read_index(struct assay_tensor_folder *f, const char *path, json_t **out, struct assay_error *err)
{
    char       *text = NULL;
    size_t      length = 0;
    json_t     *root = NULL, *map, *shard;
    const char *tensor;
    if (assay_file_read(path, INDEX_MOST, &text, &length, err))
        return err->code;
    enum assay_code code = assay_json_parse(text, length, INDEX_NAME, &root, err);
    free(text);
    if (code)
        return code;
    map = json_object_get(root, "weight_map");
    if (!json_is_object(map) || json_object_size(map) == 0)
        code = ASSAY_FAIL(err, ASSAY_DATA, INDEX_NAME ": it has no weight_map");
    json_object_foreach(map, tensor, shard)
        if (!code && (!json_is_string(shard) || !is_plain_name(json_string_value(shard))))
            code = ASSAY_FAIL(err, ASSAY_DATA, INDEX_NAME ": tensor '%.80s' is in no file of this folder", tensor);
        else if (!code)
            code = add_shard(f, json_string_value(shard), err);
    if (!code)
        *out = json_incref(map);
    json_decref(root);
    return code;
}

static int is_safetensors(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return n > 12 && e->d_name[0] != '.' && !strcmp(e->d_name + n - 12, ".safetensors");
}

static enum assay_code list_all(struct assay_tensor_folder *f, struct assay_error *err)
{
    struct dirent **entries = NULL;
    int             n = scandir(f->path, &entries, is_safetensors, alphasort);
    enum assay_code code = n < 0 ? ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot read the folder '%.150s'", f->path) : ASSAY_OK;
    if (n == 0)
        code = ASSAY_FAIL(err, ASSAY_DATA, "no *.safetensors in '%.150s'", f->path);
    for (int i = 0; i < n; i++) {
        if (!code)
            code = add_shard(f, entries[i]->d_name, err);
        free(entries[i]);
    }
    free(entries);
    return code;
}

/* Fills shards; *map, where there is an index, is what it says. */
static enum assay_code choose_files(struct assay_tensor_folder *f, json_t **map, struct assay_error *err)
{
    char        path[4352];
    struct stat st;
    if (stat(f->path, &st))
        return ASSAY_FAIL_ERRNO(err, ASSAY_IO, "cannot open '%.150s'", f->path);
    if (!S_ISDIR(st.st_mode))
        return add_shard(f, "", err);
    if (assay_path_join(path, sizeof path, f->path, INDEX_NAME, err))
        return err->code;
    if (assay_file_exists(path))
        return read_index(f, path, map, err);
    if (assay_path_join(path, sizeof path, f->path, "model.safetensors", err))
        return err->code;
    return assay_file_exists(path) ? add_shard(f, "model.safetensors", err) : list_all(f, err);
}

/* ---- what is in them ------------------------------------------------------------------------------------------- */

static enum assay_code open_shards(struct assay_tensor_folder *f, struct assay_error *err)
{
    char   path[4608];
    size_t n = 0, all = 0;
    for (size_t i = 0; i < f->n_shards; i++, all += n) {
        struct shard *s = &f->shards[i];
        const char   *slash = strrchr(f->path, '/'), *what = *s->name ? s->name : slash ? slash + 1 : f->path;
        struct assay_text text = ASSAY_TEXT(path);
        assay_text_add(&text, "%s%s%s", f->path, *s->name ? "/" : "", s->name);
        n = 0;
        if (strcmp(s->name, INDEX_NAME) == 0)
            continue;
        if (assay_tensor_file_map(path, what, assay_safetensors_read, &s->file, err))
            return err->code;
        (void)assay_tensor_file_tensors(s->file, &n);
    }
    f->tensors = calloc(all + 1, sizeof *f->tensors);
    return f->tensors ? ASSAY_OK : no_memory(err);
}

static int tensors_by_name(const void *a, const void *b)
{
    return strcmp(((const struct assay_folder_tensor *)a)->tensor->name, ((const struct assay_folder_tensor *)b)->tensor->name);
}

static enum assay_code list_tensors(struct assay_tensor_folder *f, struct assay_error *err)
{
    for (size_t i = 0; i < f->n_shards; i++) {
        size_t                     n = 0;
        const struct assay_tensor *t = f->shards[i].file ? assay_tensor_file_tensors(f->shards[i].file, &n) : NULL;
        for (size_t k = 0; t && k < n; k++)
            f->tensors[f->n++] = (struct assay_folder_tensor){&t[k], f->shards[i].name};
    }
    qsort(f->tensors, f->n, sizeof *f->tensors, tensors_by_name);
    for (size_t i = 1; i < f->n; i++)
        if (!strcmp(f->tensors[i - 1].tensor->name, f->tensors[i].tensor->name))
            return ASSAY_FAIL(err, ASSAY_DATA, "%.70s: tensor '%.90s' is in %.70s too", f->tensors[i].file,
                              f->tensors[i].tensor->name, f->tensors[i - 1].file);
    return ASSAY_OK;
}

/* Both ways: what the index names is where it says, and what is there is named. */
static enum assay_code compare_with_index(const struct assay_tensor_folder *f, const json_t *map, struct assay_error *err)
{
    const char *name;
    json_t     *shard;
    json_object_foreach((json_t *)map, name, shard)
    {
        const struct assay_folder_tensor *t = assay_tensor_folder_find(f, name);
        if (!t || strcmp(t->file, json_string_value(shard)) != 0)
            return ASSAY_FAIL(err, ASSAY_DATA, "%.90s: tensor '%.90s' is not in it, though the index says so",
                              json_string_value(shard), name);
    }
    for (size_t i = 0; i < f->n; i++)
        if (!json_object_get(map, f->tensors[i].tensor->name))
            return ASSAY_FAIL(err, ASSAY_DATA, "%.90s: tensor '%.90s' is not in the index", f->tensors[i].file,
                              f->tensors[i].tensor->name);
    return ASSAY_OK;
}

static int shards_by_name(const void *a, const void *b)
{
    return strcmp(((const struct shard *)a)->name, ((const struct shard *)b)->name);
}

/* The index counts as a file that was read. Tensors point to the names of their files, so those are in order before. */
static enum assay_code read_folder(struct assay_tensor_folder *f, struct assay_error *err)
{
    json_t         *map = NULL;
    enum assay_code code = choose_files(f, &map, err);
    if (!code && map)
        code = add_shard(f, INDEX_NAME, err);
    if (f->n_shards)
        qsort(f->shards, f->n_shards, sizeof *f->shards, shards_by_name);
    if (!code)
        code = open_shards(f, err);
    if (!code)
        code = list_tensors(f, err);
    if (!code && map)
        code = compare_with_index(f, map, err);
    json_decref(map);
    return code;
}

enum assay_code assay_tensor_folder_open(const char *path, struct assay_tensor_folder **out, struct assay_error *err)
{
    struct assay_tensor_folder *f = calloc(1, sizeof *f);
    if (!f)
        return no_memory(err);
    enum assay_code code = assay_string_copy(f->path, sizeof f->path, path)
                               ? read_folder(f, err)
                               : ASSAY_FAIL(err, ASSAY_CONFIG, "a path of weights is too long: '%.100s'", path);
    if (code) {
        assay_tensor_folder_close(f);
        return assay_error_in(err, "reading weights '%.90s'", path);
    }
    *out = f;
    return ASSAY_OK;
}
