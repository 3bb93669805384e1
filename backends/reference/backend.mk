reference_SRCS := reference.c device.c rebuild.c
reference_ARCHIVES := $(CORE)
reference_LIBS := -Wl,--as-needed -ljansson -lsodium -lxxhash
