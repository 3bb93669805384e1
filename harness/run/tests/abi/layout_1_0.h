/* Where everything that crosses the plug-in line lay in ABI 1.0. A later minor number may append to a struct that
 * carries its size and add numbers; whatever stands here stays. If the test of this fails, the ABI was broken: either
 * undo the change, or raise ASSAY_ABI_MAJOR and begin a new file. */
#ifndef ASSAY_ABI_LAYOUT_1_0_H
#define ASSAY_ABI_LAYOUT_1_0_H

/* SIZE(struct, bytes), then FIELD(struct, field, offset, bytes) for each of its fields. */
#define ASSAY_LAYOUT_1_0(SIZE, FIELD)                                                                                 \
    SIZE(assay_error, 1296)                                                                                           \
    FIELD(assay_error, code, 0, 4)                                                                                    \
    FIELD(assay_error, sys_errno, 4, 4)                                                                               \
    FIELD(assay_error, vendor, 8, 8)                                                                                  \
    FIELD(assay_error, where, 16, 48)                                                                                 \
    FIELD(assay_error, message, 64, 256)                                                                              \
    FIELD(assay_error, hint, 320, 200)                                                                                \
    FIELD(assay_error, nframes, 520, 4)                                                                               \
    FIELD(assay_error, frame, 524, 768)                                                                               \
    SIZE(assay_text, 32)                                                                                              \
    FIELD(assay_text, at, 0, 8)                                                                                       \
    FIELD(assay_text, capacity, 8, 8)                                                                                 \
    FIELD(assay_text, length, 16, 8)                                                                                  \
    FIELD(assay_text, cut, 24, 1)                                                                                     \
    SIZE(assay_option, 80)                                                                                            \
    FIELD(assay_option, name, 0, 8)                                                                                   \
    FIELD(assay_option, type, 8, 4)                                                                                   \
    FIELD(assay_option, offset, 16, 8)                                                                                \
    FIELD(assay_option, bytes, 24, 8)                                                                                 \
    FIELD(assay_option, dflt, 32, 8)                                                                                  \
    FIELD(assay_option, unit, 40, 8)                                                                                  \
    FIELD(assay_option, min, 48, 8)                                                                                   \
    FIELD(assay_option, max, 56, 8)                                                                                   \
    FIELD(assay_option, choices, 64, 8)                                                                               \
    FIELD(assay_option, help, 72, 8)                                                                                  \
    SIZE(assay_value_view, 128)                                                                                       \
    FIELD(assay_value_view, size, 0, 4)                                                                               \
    FIELD(assay_value_view, dtype, 4, 4)                                                                              \
    FIELD(assay_value_view, role, 8, 4)                                                                               \
    FIELD(assay_value_view, place, 12, 4)                                                                             \
    FIELD(assay_value_view, rank, 16, 4)                                                                              \
    FIELD(assay_value_view, alias_of, 20, 4)                                                                          \
    FIELD(assay_value_view, producer, 24, 4)                                                                          \
    FIELD(assay_value_view, dims, 32, 64)                                                                             \
    FIELD(assay_value_view, elements, 96, 8)                                                                          \
    FIELD(assay_value_view, bytes, 104, 8)                                                                            \
    FIELD(assay_value_view, name, 112, 8)                                                                             \
    FIELD(assay_value_view, data, 120, 8)                                                                             \
    SIZE(assay_node_view, 56)                                                                                         \
    FIELD(assay_node_view, size, 0, 4)                                                                                \
    FIELD(assay_node_view, n_inputs, 4, 4)                                                                            \
    FIELD(assay_node_view, n_outputs, 8, 4)                                                                           \
    FIELD(assay_node_view, inputs, 16, 8)                                                                             \
    FIELD(assay_node_view, outputs, 24, 8)                                                                            \
    FIELD(assay_node_view, op, 32, 8)                                                                                 \
    FIELD(assay_node_view, domain, 40, 8)                                                                             \
    FIELD(assay_node_view, name, 48, 8)                                                                               \
    SIZE(assay_cost, 40)                                                                                              \
    FIELD(assay_cost, size, 0, 4)                                                                                     \
    FIELD(assay_cost, flops, 8, 8)                                                                                    \
    FIELD(assay_cost, transcendentals, 16, 8)                                                                         \
    FIELD(assay_cost, read_bytes, 24, 8)                                                                              \
    FIELD(assay_cost, written_bytes, 32, 8)                                                                           \
    SIZE(assay_comm, 80)                                                                                              \
    FIELD(assay_comm, size, 0, 4)                                                                                     \
    FIELD(assay_comm, rank, 4, 4)                                                                                     \
    FIELD(assay_comm, n_ranks, 8, 4)                                                                                  \
    FIELD(assay_comm, self, 16, 8)                                                                                    \
    FIELD(assay_comm, barrier, 24, 8)                                                                                 \
    FIELD(assay_comm, broadcast, 32, 8)                                                                               \
    FIELD(assay_comm, all_gather, 40, 8)                                                                              \
    FIELD(assay_comm, all_reduce, 48, 8)                                                                              \
    FIELD(assay_comm, all_to_all, 56, 8)                                                                              \
    FIELD(assay_comm, send, 64, 8)                                                                                    \
    FIELD(assay_comm, receive, 72, 8)                                                                                 \
    SIZE(assay_device_info, 544)                                                                                      \
    FIELD(assay_device_info, size, 0, 4)                                                                              \
    FIELD(assay_device_info, traits, 4, 4)                                                                            \
    FIELD(assay_device_info, clock, 8, 4)                                                                             \
    FIELD(assay_device_info, origin, 12, 4)                                                                           \
    FIELD(assay_device_info, queues, 16, 4)                                                                           \
    FIELD(assay_device_info, memory_bytes, 24, 8)                                                                     \
    FIELD(assay_device_info, name, 32, 64)                                                                            \
    FIELD(assay_device_info, product, 96, 128)                                                                        \
    FIELD(assay_device_info, vendor, 224, 64)                                                                         \
    FIELD(assay_device_info, serial, 288, 64)                                                                         \
    FIELD(assay_device_info, firmware, 352, 64)                                                                       \
    FIELD(assay_device_info, how_known, 416, 128)                                                                     \
    SIZE(assay_host, 112)                                                                                             \
    FIELD(assay_host, size, 0, 4)                                                                                     \
    FIELD(assay_host, abi_major, 4, 4)                                                                                \
    FIELD(assay_host, abi_minor, 8, 4)                                                                                \
    FIELD(assay_host, now_ns, 16, 8)                                                                                  \
    FIELD(assay_host, log, 24, 8)                                                                                     \
    FIELD(assay_host, graph_values, 32, 8)                                                                            \
    FIELD(assay_host, graph_nodes, 40, 8)                                                                             \
    FIELD(assay_host, graph_value, 48, 8)                                                                             \
    FIELD(assay_host, graph_node, 56, 8)                                                                              \
    FIELD(assay_host, attr_i64, 64, 8)                                                                                \
    FIELD(assay_host, attr_f64, 72, 8)                                                                                \
    FIELD(assay_host, attr_i64s, 80, 8)                                                                               \
    FIELD(assay_host, attr_text, 88, 8)                                                                               \
    FIELD(assay_host, cost, 96, 8)                                                                                    \
    FIELD(assay_host, device_add, 104, 8)                                                                             \
    SIZE(assay_open, 32)                                                                                              \
    FIELD(assay_open, size, 0, 4)                                                                                     \
    FIELD(assay_open, device, 8, 8)                                                                                   \
    FIELD(assay_open, options, 16, 8)                                                                                 \
    FIELD(assay_open, comm, 24, 8)                                                                                    \
    SIZE(assay_alloc, 24)                                                                                             \
    FIELD(assay_alloc, size, 0, 4)                                                                                    \
    FIELD(assay_alloc, place, 4, 4)                                                                                   \
    FIELD(assay_alloc, bytes, 8, 8)                                                                                   \
    FIELD(assay_alloc, alignment, 16, 8)                                                                              \
    SIZE(assay_binding, 40)                                                                                           \
    FIELD(assay_binding, value, 0, 4)                                                                                 \
    FIELD(assay_binding, rank_class, 4, 4)                                                                            \
    FIELD(assay_binding, buffer, 8, 8)                                                                                \
    FIELD(assay_binding, host, 16, 8)                                                                                 \
    FIELD(assay_binding, offset, 24, 8)                                                                               \
    FIELD(assay_binding, valid_rows, 32, 8)                                                                           \
    SIZE(assay_rank_class, 40)                                                                                        \
    FIELD(assay_rank_class, size, 0, 4)                                                                               \
    FIELD(assay_rank_class, graph, 8, 8)                                                                              \
    FIELD(assay_rank_class, multiplicity, 16, 8)                                                                      \
    FIELD(assay_rank_class, stage, 24, 4)                                                                             \
    FIELD(assay_rank_class, first_coordinate, 32, 8)                                                                  \
    SIZE(assay_mesh_axis, 16)                                                                                         \
    FIELD(assay_mesh_axis, name, 0, 8)                                                                                \
    FIELD(assay_mesh_axis, length, 8, 8)                                                                              \
    SIZE(assay_compile, 96)                                                                                           \
    FIELD(assay_compile, size, 0, 4)                                                                                  \
    FIELD(assay_compile, classes, 8, 8)                                                                               \
    FIELD(assay_compile, n_classes, 16, 8)                                                                            \
    FIELD(assay_compile, class_stride, 24, 8)                                                                         \
    FIELD(assay_compile, fixed, 32, 8)                                                                                \
    FIELD(assay_compile, n_fixed, 40, 8)                                                                              \
    FIELD(assay_compile, binding_stride, 48, 8)                                                                       \
    FIELD(assay_compile, axes, 56, 8)                                                                                 \
    FIELD(assay_compile, n_axes, 64, 8)                                                                               \
    FIELD(assay_compile, axis_stride, 72, 8)                                                                          \
    FIELD(assay_compile, schedule, 80, 4)                                                                             \
    FIELD(assay_compile, micro_batches, 88, 8)                                                                        \
    SIZE(assay_launch, 56)                                                                                            \
    FIELD(assay_launch, size, 0, 4)                                                                                   \
    FIELD(assay_launch, flags, 4, 4)                                                                                  \
    FIELD(assay_launch, program, 8, 8)                                                                                \
    FIELD(assay_launch, queue, 16, 4)                                                                                 \
    FIELD(assay_launch, earliest_ns, 24, 8)                                                                           \
    FIELD(assay_launch, bindings, 32, 8)                                                                              \
    FIELD(assay_launch, n_bindings, 40, 8)                                                                            \
    FIELD(assay_launch, binding_stride, 48, 8)                                                                        \
    SIZE(assay_span, 96)                                                                                              \
    FIELD(assay_span, size, 0, 4)                                                                                     \
    FIELD(assay_span, clock, 4, 4)                                                                                    \
    FIELD(assay_span, begin_ns, 8, 8)                                                                                 \
    FIELD(assay_span, end_ns, 16, 8)                                                                                  \
    FIELD(assay_span, device_ns, 24, 8)                                                                               \
    FIELD(assay_span, why_no_device_ns, 32, 64)                                                                       \
    SIZE(assay_trace_row, 88)                                                                                         \
    FIELD(assay_trace_row, node, 0, 4)                                                                                \
    FIELD(assay_trace_row, rank_class, 4, 4)                                                                          \
    FIELD(assay_trace_row, begin_ns, 8, 8)                                                                            \
    FIELD(assay_trace_row, end_ns, 16, 8)                                                                             \
    FIELD(assay_trace_row, note, 24, 64)                                                                              \
    SIZE(assay_counter_row, 168)                                                                                      \
    FIELD(assay_counter_row, name, 0, 48)                                                                             \
    FIELD(assay_counter_row, unit, 48, 16)                                                                            \
    FIELD(assay_counter_row, value, 64, 8)                                                                            \
    FIELD(assay_counter_row, why, 72, 96)                                                                             \
    SIZE(assay_telemetry_row, 64)                                                                                     \
    FIELD(assay_telemetry_row, at_ns, 0, 8)                                                                           \
    FIELD(assay_telemetry_row, name, 8, 32)                                                                           \
    FIELD(assay_telemetry_row, unit, 40, 16)                                                                          \
    FIELD(assay_telemetry_row, value, 56, 8)                                                                          \
    SIZE(assay_backend, 216)                                                                                          \
    FIELD(assay_backend, size, 0, 4)                                                                                  \
    FIELD(assay_backend, abi_major, 4, 4)                                                                             \
    FIELD(assay_backend, abi_minor, 8, 4)                                                                             \
    FIELD(assay_backend, name, 16, 8)                                                                                 \
    FIELD(assay_backend, summary, 24, 8)                                                                              \
    FIELD(assay_backend, version, 32, 8)                                                                              \
    FIELD(assay_backend, options, 40, 8)                                                                              \
    FIELD(assay_backend, option_stride, 48, 8)                                                                        \
    FIELD(assay_backend, options_bytes, 56, 8)                                                                        \
    FIELD(assay_backend, probe, 64, 8)                                                                                \
    FIELD(assay_backend, open, 72, 8)                                                                                 \
    FIELD(assay_backend, close, 80, 8)                                                                                \
    FIELD(assay_backend, accepts, 88, 8)                                                                              \
    FIELD(assay_backend, alloc, 96, 8)                                                                                \
    FIELD(assay_backend, release, 104, 8)                                                                             \
    FIELD(assay_backend, upload, 112, 8)                                                                              \
    FIELD(assay_backend, download, 120, 8)                                                                            \
    FIELD(assay_backend, compile, 128, 8)                                                                             \
    FIELD(assay_backend, discard, 136, 8)                                                                             \
    FIELD(assay_backend, execute, 144, 8)                                                                             \
    FIELD(assay_backend, poll, 152, 8)                                                                                \
    FIELD(assay_backend, forget, 160, 8)                                                                              \
    FIELD(assay_backend, describe, 168, 8)                                                                            \
    FIELD(assay_backend, trace, 176, 8)                                                                               \
    FIELD(assay_backend, counters, 184, 8)                                                                            \
    FIELD(assay_backend, telemetry, 192, 8)                                                                           \
    FIELD(assay_backend, draw, 200, 8)                                                                                \
    FIELD(assay_backend, library, 208, 8)

/* NUMBER(enumerator or constant, value); with them the sizes of the two structs that carry none. */
#define ASSAY_NUMBERS_1_0(NUMBER)                                                                                     \
    NUMBER(ASSAY_OK, 0)                                                                                               \
    NUMBER(ASSAY_CONFIG, 1)                                                                                           \
    NUMBER(ASSAY_DATA, 2)                                                                                             \
    NUMBER(ASSAY_IO, 3)                                                                                               \
    NUMBER(ASSAY_MEMORY, 4)                                                                                           \
    NUMBER(ASSAY_UNSUPPORTED, 5)                                                                                      \
    NUMBER(ASSAY_UNAVAILABLE, 6)                                                                                      \
    NUMBER(ASSAY_TIMEOUT, 7)                                                                                          \
    NUMBER(ASSAY_DEVICE, 8)                                                                                           \
    NUMBER(ASSAY_PROTOCOL, 9)                                                                                         \
    NUMBER(ASSAY_INTERRUPTED, 10)                                                                                     \
    NUMBER(ASSAY_INTERNAL, 11)                                                                                        \
    NUMBER(ASSAY_F64, 1)                                                                                              \
    NUMBER(ASSAY_F32, 2)                                                                                              \
    NUMBER(ASSAY_BF16, 3)                                                                                             \
    NUMBER(ASSAY_F16, 4)                                                                                              \
    NUMBER(ASSAY_F8E4M3, 5)                                                                                           \
    NUMBER(ASSAY_F8E5M2, 6)                                                                                           \
    NUMBER(ASSAY_F8E8M0, 7)                                                                                           \
    NUMBER(ASSAY_F6E2M3, 8)                                                                                           \
    NUMBER(ASSAY_F6E3M2, 9)                                                                                           \
    NUMBER(ASSAY_F4E2M1, 10)                                                                                          \
    NUMBER(ASSAY_I64, 11)                                                                                             \
    NUMBER(ASSAY_I32, 12)                                                                                             \
    NUMBER(ASSAY_I8, 13)                                                                                              \
    NUMBER(ASSAY_U8, 14)                                                                                              \
    NUMBER(ASSAY_I4, 15)                                                                                              \
    NUMBER(ASSAY_U4, 16)                                                                                              \
    NUMBER(ASSAY_BOOL, 17)                                                                                            \
    NUMBER(ASSAY_DTYPE_NONE, 0)                                                                                       \
    NUMBER(ASSAY_OPT_BOOL, 1)                                                                                         \
    NUMBER(ASSAY_OPT_I64, 2)                                                                                          \
    NUMBER(ASSAY_OPT_F64, 3)                                                                                          \
    NUMBER(ASSAY_OPT_TEXT, 4)                                                                                         \
    NUMBER(ASSAY_OPT_ENUM, 5)                                                                                         \
    NUMBER(ASSAY_OPT_DTYPE, 6)                                                                                        \
    NUMBER(ASSAY_OPT_SECONDS, 7)                                                                                      \
    NUMBER(ASSAY_OPT_BYTES, 8)                                                                                        \
    NUMBER(ASSAY_OPT_LIST, 9)                                                                                         \
    NUMBER(ASSAY_ROLE_INPUT, 1)                                                                                       \
    NUMBER(ASSAY_ROLE_CONTROL, 2)                                                                                     \
    NUMBER(ASSAY_ROLE_PARAM, 3)                                                                                       \
    NUMBER(ASSAY_ROLE_STATE, 4)                                                                                       \
    NUMBER(ASSAY_ROLE_CONST, 5)                                                                                       \
    NUMBER(ASSAY_ROLE_TEMP, 6)                                                                                        \
    NUMBER(ASSAY_ROLE_OUTPUT, 7)                                                                                      \
    NUMBER(ASSAY_PLACE_DEVICE, 1)                                                                                     \
    NUMBER(ASSAY_PLACE_HOST_PINNED, 2)                                                                                \
    NUMBER(ASSAY_PLACE_HOST_PAGEABLE, 3)                                                                              \
    NUMBER(ASSAY_PLACE_PEER, 4)                                                                                       \
    NUMBER(ASSAY_REDUCE_SUM, 1)                                                                                       \
    NUMBER(ASSAY_REDUCE_MAX, 2)                                                                                       \
    NUMBER(ASSAY_REDUCE_MIN, 3)                                                                                       \
    NUMBER(ASSAY_LOG_DEBUG, 1)                                                                                        \
    NUMBER(ASSAY_LOG_INFO, 2)                                                                                         \
    NUMBER(ASSAY_LOG_WARN, 3)                                                                                         \
    NUMBER(ASSAY_CLOCK_HOST, 1)                                                                                       \
    NUMBER(ASSAY_CLOCK_DEVICE, 2)                                                                                     \
    NUMBER(ASSAY_CLOCK_MODEL, 3)                                                                                      \
    NUMBER(ASSAY_ORIGIN_REAL, 1)                                                                                      \
    NUMBER(ASSAY_ORIGIN_SIMULATED, 2)                                                                                 \
    NUMBER(ASSAY_ORIGIN_MODELLED, 3)                                                                                  \
    NUMBER(ASSAY_ORIGIN_REFERENCE, 4)                                                                                 \
    NUMBER(ASSAY_TRAIT_VALUES, 1)                                                                                     \
    NUMBER(ASSAY_TRAIT_MEMORY, 2)                                                                                     \
    NUMBER(ASSAY_TRAIT_IS_HOST, 4)                                                                                    \
    NUMBER(ASSAY_SCHEDULE_NONE, 0)                                                                                    \
    NUMBER(ASSAY_SCHEDULE_1F1B, 1)                                                                                    \
    NUMBER(ASSAY_SCHEDULE_INTERLEAVED, 2)                                                                             \
    NUMBER(ASSAY_SCHEDULE_ZERO_BUBBLE, 3)                                                                             \
    NUMBER(ASSAY_LAUNCH_TRACE, 1)                                                                                     \
    NUMBER(ASSAY_MAX_RANK, 8)                                                                                         \
    NUMBER(ASSAY_ERROR_FRAMES, 6)                                                                                     \
    NUMBER(ASSAY_NO_VALUE, (size_t)-1)                                                                                \
    NUMBER(ASSAY_ALL_ROWS, SIZE_MAX)                                                                                  \
    NUMBER(ASSAY_WAIT_FOREVER, SIZE_MAX)                                                                              \
    NUMBER(sizeof(struct assay_error), 1296)                                                                          \
    NUMBER(sizeof(struct assay_text), 32)

#endif
