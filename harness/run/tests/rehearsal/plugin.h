/* What the rehearsal plug-ins have in common. They see the SDK alone and are compiled as C11 and as C++17. */
#ifndef REHEARSAL_PLUGIN_H
#define REHEARSAL_PLUGIN_H

#include <stdlib.h>
#include <string.h>

#include "assay/backend.h"

static const struct assay_host *host;

struct assay_buffer {
    unsigned char *at; /* NULL on a device without memory */
    uint64_t bytes;
};

static inline struct assay_value_view value_of(const struct assay_graph *g, int32_t value)
{
    struct assay_value_view view;
    memset(&view, 0, sizeof view);
    view.size = sizeof view;
    (void)host->graph_value(g, (uint32_t)value, &view);
    return view;
}

static inline struct assay_node_view node_of(const struct assay_graph *g, uint32_t node)
{
    struct assay_node_view view;
    memset(&view, 0, sizeof view);
    view.size = sizeof view;
    (void)host->graph_node(g, node, &view);
    return view;
}

/* Index of the value called `name`, or ASSAY_NO_VALUE. */
static inline int32_t value_named(const struct assay_graph *g, const char *name)
{
    for (uint32_t v = 0; v < host->graph_values(g); v++)
        if (!strcmp(value_of(g, (int32_t)v).name, name))
            return (int32_t)v;
    return ASSAY_NO_VALUE;
}

static inline const void *stride_at(const void *first, size_t stride, size_t i)
{
    return (const char *)first + i * stride;
}

/* The binding of a value in a launch, or NULL. */
static inline const struct assay_binding *binding_of(const struct assay_launch *launch, int32_t value,
                                                     uint32_t rank_class)
{
    for (size_t i = 0; i < launch->n_bindings; i++) {
        const struct assay_binding *b =
            (const struct assay_binding *)stride_at(launch->bindings, launch->binding_stride, i);
        if ((int32_t)b->value == value && b->rank_class == rank_class)
            return b;
    }
    return NULL;
}

static inline void *bound_bytes(const struct assay_binding *b)
{
    return b->buffer ? (void *)(b->buffer->at + b->offset) : b->host;
}

static inline enum assay_code host_alloc(struct assay_session *s, const struct assay_alloc *how,
                                         struct assay_buffer **out, struct assay_error *err)
{
    struct assay_buffer *b = (struct assay_buffer *)calloc(1, sizeof *b);
    (void)s;
    if (!b || !(b->at = (unsigned char *)calloc(1, (size_t)how->bytes + 1))) {
        free(b);
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for %llu bytes", (unsigned long long)how->bytes);
    }
    b->bytes = how->bytes;
    *out = b;
    return ASSAY_OK;
}

/* For a device that only accounts for memory. */
static inline enum assay_code count_alloc(struct assay_session *s, const struct assay_alloc *how,
                                          struct assay_buffer **out, struct assay_error *err)
{
    struct assay_buffer *b = (struct assay_buffer *)calloc(1, sizeof *b);
    (void)s;
    if (!b)
        return ASSAY_FAIL(err, ASSAY_MEMORY, "no memory for a handle");
    b->bytes = how->bytes;
    *out = b;
    return ASSAY_OK;
}

static inline void host_release(struct assay_session *s, struct assay_buffer *b)
{
    (void)s;
    free(b->at);
    free(b);
}

static inline enum assay_code host_upload(struct assay_session *s, struct assay_buffer *b, uint64_t offset,
                                          const void *from, uint64_t bytes, struct assay_error *err)
{
    (void)s;
    if (!b->at)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "this device holds no bytes");
    if (offset > b->bytes || bytes > b->bytes - offset)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "upload beyond the buffer");
    memcpy(b->at + offset, from, (size_t)bytes);
    return ASSAY_OK;
}

static inline enum assay_code host_download(struct assay_session *s, struct assay_buffer *b, uint64_t offset, void *to,
                                            uint64_t bytes, struct assay_error *err)
{
    (void)s;
    if (!b->at)
        return ASSAY_FAIL(err, ASSAY_UNSUPPORTED, "this device holds no bytes");
    if (offset > b->bytes || bytes > b->bytes - offset)
        return ASSAY_FAIL(err, ASSAY_PROTOCOL, "download beyond the buffer");
    memcpy(to, b->at + offset, (size_t)bytes);
    return ASSAY_OK;
}

static inline bool accepts_all(struct assay_session *s, const struct assay_graph *g, uint32_t node,
                               struct assay_text *why_not)
{
    (void)s;
    (void)g;
    (void)node;
    (void)why_not;
    return true;
}

/* Tells the host of the one device there is. */
static inline enum assay_code add_device(struct assay_device_list *out, uint32_t traits, enum assay_clock clock,
                                         enum assay_origin origin, uint32_t queues)
{
    struct assay_device_info info;
    memset(&info, 0, sizeof info);
    info.size = sizeof info;
    info.traits = traits;
    info.clock = clock;
    info.origin = origin;
    info.queues = queues;
    info.memory_bytes = 1u << 30;
    (void)snprintf(info.name, sizeof info.name, "rehearsal");
    host->device_add(out, &info);
    return ASSAY_OK;
}

/* Sets what the six have in common; the plug-in sets the rest. */
static inline void common_entries(struct assay_backend *b, const char *name, const char *summary)
{
    memset(b, 0, sizeof *b);
    b->size = sizeof *b;
    b->abi_major = ASSAY_ABI_MAJOR;
    b->abi_minor = ASSAY_ABI_MINOR;
    b->name = name;
    b->summary = summary;
    b->version = "1";
    b->accepts = accepts_all;
    b->alloc = host_alloc;
    b->release = host_release;
    b->upload = host_upload;
    b->download = host_download;
}

#endif
