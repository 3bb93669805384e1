/* Finds plug-ins and checks their side of the agreement. Only worker processes load one; the parent asks a worker. */
#ifndef ASSAY_RUN_LOADER_H
#define ASSAY_RUN_LOADER_H

#include <stddef.h>

#include "assay/backend.h"
#include "assay/error.h"
#include "harness/load/told.h"

/* "name[:device][,option=value…]" taken apart. A device or value with ',' or ':' is a JSON string. */
struct assay_backend_name {
    char name[512];    /* a name has at most 63 characters; with a slash it is a path: that very file is loaded */
    char device[256];  /* empty: the first that probe lists */
    char options[512]; /* "k=v,k=v", empty for none */
};
enum assay_code assay_backend_name_parse(const char *text, struct assay_backend_name *out, struct assay_error *err);

/* Where "assay-<name>.so" is: <folder of the program>/backends, <program>/../lib/assay/backends, then the folders in
 * ASSAY_BACKEND_PATH (separated by ':'). ASSAY_CONFIG when there is none, with the nearest one there is. */
enum assay_code assay_backend_find(const char *name, char *path, size_t capacity, struct assay_error *err);
/* Calls `each` with the name and path of every plug-in file that can be found, sorted by name, the first of equal
 * names. */
enum assay_code assay_backend_list(void (*each)(void *self, const char *name, const char *path), void *self,
                                   struct assay_error *err);

/* Loads (RTLD_NOW | RTLD_LOCAL, never unloaded) and checks: the symbol, both ABI numbers, size, required entries, the
 * option table with its defaults. A refusal gives the path and, for the ABI, both numbers. *out is a copy of what the
 * plug-in gave, of this program's layout (later entries of a newer plug-in are left out, option rows have our stride);
 * it and the host struct that is lent live as long as the process. What plug-ins log goes to stderr, escaped. */
enum assay_code assay_backend_load(const char *path, const struct assay_backend **out, struct assay_error *err);

/* Devices that probe lists, in its order; at least one. `options` is what the back end's table filled. Free *out. */
enum assay_code assay_backend_devices(const struct assay_backend *b, const void *options,
                                      struct assay_device_info **out, size_t *n, struct assay_error *err);

/* All of it: parse, find, load, options, probe, choose the device, open. `options` points to memory that the caller
 * frees after closing. */
struct assay_opened {
    const struct assay_backend *backend;
    struct assay_session *session;
    struct assay_device_info device;
    void *options;
    char path[512];
    char canonical[640]; /* "cpu:host,threads=2": the options written out */
    char resolved[300];  /* what a device's name was taken for, and why (resolve.h); empty: it was a back end's */
};
enum assay_code assay_backend_open(const char *text, const struct assay_comm *comm, struct assay_opened *out,
                                   struct assay_error *err);
/* The same from the plug-in file `path` ("": the one that the name leads to): the very file that was probed, whatever its
 * canonical name would lead to. */
enum assay_code assay_backend_open_file(const char *path, const char *text, const struct assay_comm *comm,
                                        struct assay_opened *out, struct assay_error *err);
/* Of a back end that has an option `share`, the part of its devices that works: that part of what the text says. ASSAY_UNSUPPORTED: it
 * has none. */
enum assay_code assay_backend_open_part(const char *path, const char *text, double share, const struct assay_comm *comm,
                                        struct assay_opened *out, struct assay_error *err);
void assay_backend_close(struct assay_opened *opened);

#endif
