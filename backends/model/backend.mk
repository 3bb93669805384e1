# Values, where they are asked for, are those of `emulate`, in the memory of `reference`; both share their objects.
model_SRCS := model.c session.c values.c
model_ARCHIVES := $(O)/backends/reference/device.o $(O)/backends/reference/rebuild.o $(O)/backends/emulate/compute.o $(CORE)
model_LIBS := -Wl,--as-needed -ljansson -lsodium -lxxhash
