# The graph is rebuilt as `reference` does; all else is harness/model/cluster.
cluster_SRCS := cluster.c training.c serving.c certainty.c
cluster_ARCHIVES := $(O)/backends/reference/rebuild.o $(CORE)
cluster_LIBS := -Wl,--as-needed -ljansson -lsodium -lxxhash
